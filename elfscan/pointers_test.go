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
	dir := t.TempDir()
	source := `#include <unistd.h>
static int a(void) { return getsid(0); }
static int b(void) { return getpgid(0); }
static int (*const table[])(void) = { a, b };
int main(int n, char **v) { return table[n - 1]() < 0; }
`
	for _, flag := range []string{"-no-pie", "-pie"} {
		t.Run(flag, func(t *testing.T) {
			path := compileC(t, dir, source, "-fPIC", flag)
			res := scanFile(t, path, &elfscan.Options{Path: path})
			checkCalls(t, dir, path, res, []string{"x"}, []string{"getsid", "getpgid"})
		})
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
%s struct ops table = { 0, three, one }, other = { 1, three, one };
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
	dir := t.TempDir()
	for _, c := range []struct {
		name, outside, inside, storage string
		known                          bool
	}{
		{"only called", "", "", "static", true},
		{"written", "", "if (n > 7) table.one = (void *)v;", "static", true},
		{"exported", "", "", "", false},
		{"stored", "struct ops *keep;", "keep = o;", "static", false},
		{"in data", "struct ops *keep = &other;", "", "static", false},
		{"copied", "struct ops copy;", "copy = *o;", "static", false},
		{"copied by memcpy", "struct ops copy;", "memcpy(&copy, o, n * 8);", "static", false},
		{"passed by pointer", "long (*volatile f)(void *);", "f(o);", "static", false},
		{"passed on", "", "qsort(o, n, n, (void *)v);", "static", false},
		{"returned", "struct ops *find(int n) { return n ? &table : &other; }", "", "static", false},
		{"the function's address passed", "", "atexit((void *)o->three);", "static", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := fmt.Sprintf(tables, c.storage, c.outside, c.inside)
			path := compileC(t, dir, src, "-fPIE", "-pie", "-rdynamic", "-w", "-s")
			res := scanFile(t, path, &elfscan.Options{Path: path})
			if known := len(res.Unresolved) == 0; known != c.known {
				t.Errorf("%+v", res.Unresolved)
			}
			if c.known {
				checkCalls(t, dir, path, res, nil, []string{"getsid", "getpgid", "getppid"})
			}
		})
	}
}

// TestTableAmongCode: thousands of addresses that may be in a table among the
// code do not use up what is decoded.
func TestTableAmongCode(t *testing.T) {
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
	path := compileC(t, dir, "#include <unistd.h>\nvoid refs(void);\nint main(void) { refs(); return getsid(0) < 0; }\n", "-no-pie", "refs.s")
	res := scanFile(t, path, &elfscan.Options{Path: path})
	checkCalls(t, dir, path, res, nil, []string{"getsid"})
}

// TestCallerByPointer: what syscall(3) is asked for through a pointer is not
// known, and that is told, wherever the pointer is kept.
func TestCallerByPointer(t *testing.T) {
	for name, source := range map[string]string{
		"table": `static long (*volatile table[])(long, ...) = { syscall };
int main(int argc, char **argv) { return table[argc - 1](argc + 38) < 0; }
`,
		"argument": `int use(long (*f)(long, ...), int n);
int main(int argc, char **argv) { return use(syscall, argc); }
__attribute__((noinline)) int use(long (*f)(long, ...), int n)
{
	__asm__ volatile("" : "+r"(f));
	return f(n + 38) < 0;
}
`} {
		t.Run(name, func(t *testing.T) {
			main := filepath.Join(t.TempDir(), "main.c")
			write(t, main, "#define _GNU_SOURCE\n#include <unistd.h>\n"+source)
			eachCompiler(t, compilers, main, []string{"-s"}, func(t *testing.T, c compiler, _, bin string) {
				res := scanFile(t, bin, &elfscan.Options{Path: bin, Sysroot: c.sysroot})
				if len(res.Unresolved) == 0 {
					t.Error("nothing is unresolved")
				}
				for _, u := range res.Unresolved {
					if !strings.Contains(u.Reason, "through a pointer") {
						t.Errorf("%+v", u)
					}
				}
			})
		})
	}
}
