//go:build tools

package elfscan_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// TestPointersInFixedExecutable: data of a dynamic executable that is not
// position independent has pointers that no relocation tells of.
func TestPointersInFixedExecutable(t *testing.T) {
	installed(t, "gcc", "gcc")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.c"), `#include <unistd.h>
static int a(void) { return getsid(0); }
static int b(void) { return getpgid(0); }
static int (*const table[])(void) = { a, b };
int main(int n, char **v) { return table[n - 1]() < 0; }
`)
	for _, flag := range []string{"-no-pie", "-pie"} {
		command(t, nil, dir, "gcc", "-O2", "-fPIC", flag, "-o", "main", "main.c")
		path := filepath.Join(dir, "main")
		res := scanFile(t, path, &elfscan.Options{Path: path})
		for _, call := range []string{"getsid", "getpgid"} {
			if g := gradesOf(res)[call]; g != elfscan.Reachable {
				t.Errorf("%s: %s: %v", flag, call, g)
			}
		}
		if out, err := sandboxed(t, dir, path, res, elfscan.PolicyOptions{})("x").CombinedOutput(); err != nil {
			t.Errorf("%s: under its policy: %v: %s", flag, err, out)
		}
	}
}

// tables is a program that makes calls through functions in a table, by
// pointers that it passes to a function; the rest is what else it does.
const tables = `#define _GNU_SOURCE
#include <string.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
struct ops { int flags; long (*three)(long, long, long); long (*one)(long, long); };
static long three(long nr, long a, long b) { return syscall(nr, a, b); }
static long one(long nr, long a) { return syscall(nr, a) + 1; }
STATIC struct ops table = { 0, three, one }, other = { 1, three, one };
static __attribute__((noinline)) long use(int flag, struct ops *o) {
	while (flag-- > 3) sched_yield();
	return o->flags > 1 ? o->one(SYS_getpgid, 0) : o->three(SYS_getsid, 0, 0);
}
static __attribute__((noinline)) long pass(struct ops *o, int n) {
	long r = use(n, o);
	return r + use(n + 1, o);
}
%s
int main(int n, char **v) {
	struct ops *o = n > 5 ? &other : &table;
	%s
	return pass(o, n) + other.one(SYS_getppid, 0) < 0;
}
`

// TestTables: numbers are found through tables of functions while all that
// happens to their addresses is known.
func TestTables(t *testing.T) {
	installed(t, "gcc", "gcc")
	dir := t.TempDir()
	path := filepath.Join(dir, "main")
	for _, c := range []struct {
		name, outside, inside, storage string
		known                          bool
	}{
		{"only called", "", "", "static", true},
		{"written", "", "if (n > 7) table.one = (void *)v;", "static", true},
		{"exported", "", "", "extern", false},
		{"stored", "struct ops *keep;", "keep = o;", "static", false},
		{"in data", "struct ops *keep = &other;", "", "static", false},
		{"copied", "struct ops copy;", "copy = *o;", "static", false},
		{"copied by memcpy", "struct ops copy;", "memcpy(&copy, o, n * 8);", "static", false},
		{"passed by pointer", "long (*volatile f)(void *);", "f(o);", "static", false},
		{"passed on", "", "qsort(o, n, n, (void *)v);", "static", false},
		{"returned", "struct ops *find(int n);", "", "static", false},
		{"the function's address passed", "", "atexit((void *)o->three);", "static", false},
	} {
		src := fmt.Sprintf(strings.Replace(tables, "STATIC", strings.TrimPrefix(c.storage, "extern"), 1), c.outside, c.inside)
		if c.name == "returned" {
			src += "struct ops *find(int n) { return n ? &table : &other; }\n"
		}
		write(t, filepath.Join(dir, "main.c"), src)
		command(t, nil, dir, "gcc", "-O2", "-fPIE", "-pie", "-rdynamic", "-w", "-o", "main", "main.c")
		command(t, nil, dir, "strip", "main")
		res := scanFile(t, path, &elfscan.Options{Path: path})
		if known := len(res.Unresolved) == 0; known != c.known {
			t.Errorf("%s: %+v", c.name, res.Unresolved)
		}
		if !c.known {
			continue
		}
		for _, call := range []string{"getsid", "getpgid", "getppid"} {
			if g := gradesOf(res)[call]; g != elfscan.Reachable {
				t.Errorf("%s: %s: %v", c.name, call, g)
			}
		}
		if out, err := sandboxed(t, dir, path, res, elfscan.PolicyOptions{})().CombinedOutput(); err != nil {
			t.Errorf("%s: under its policy: %v: %s", c.name, err, out)
		}
	}
}

// TestTableAmongCode: thousands of addresses that may be in a table among the
// code do not use up what is decoded.
func TestTableAmongCode(t *testing.T) {
	installed(t, "gcc", "gcc")
	dir := t.TempDir()
	const size, refs = 200_000, 8000
	r := rand.New(rand.NewPCG(1, 2))
	var s strings.Builder
	s.WriteString(".text\n.globl refs\n.type refs, @function\nrefs: .cfi_startproc\n")
	for range refs {
		fmt.Fprintf(&s, "mov $table+%d, %%eax\n", r.IntN(size))
	}
	s.WriteString("ret\n.cfi_endproc\n.size refs, .-refs\ntable:\n")
	for range size / 8 {
		fmt.Fprintf(&s, ".quad %#x\n", r.Uint64())
	}
	s.WriteString(".section .note.GNU-stack,\"\",@progbits\n")
	write(t, filepath.Join(dir, "refs.s"), s.String())
	write(t, filepath.Join(dir, "main.c"), "#include <unistd.h>\nvoid refs(void);\nint main(void) { refs(); return getsid(0) < 0; }\n")
	command(t, nil, dir, "gcc", "-O2", "-no-pie", "-o", "main", "main.c", "refs.s")
	path := filepath.Join(dir, "main")
	res := scanFile(t, path, &elfscan.Options{Path: path})
	if g := gradesOf(res)["getsid"]; g != elfscan.Reachable {
		t.Errorf("getsid: %v", g)
	}
	if out, err := sandboxed(t, dir, path, res, elfscan.PolicyOptions{})().CombinedOutput(); err != nil {
		t.Errorf("under its policy: %v: %s", err, out)
	}
}
