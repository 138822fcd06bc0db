//go:build tools

package elfscan_test

import (
	"path/filepath"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// cGates are pairs of programs: one cannot make a call, the other can.
var cGates = []struct {
	call, closed, opened string
	flags                []string
}{
	{
		call:   "sched_yield", // at exit, while another thread holds a stream
		closed: `#include <stdlib.h>` + "\n" + `int main(void) { exit(0); }`,
		opened: `#include <pthread.h>
#include <stdlib.h>
void *f(void *p) { return p; }
int main(void) { pthread_t t; pthread_create(&t, 0, f, 0); exit(0); }`,
		flags: []string{"-pthread"},
	},
	{
		call:   "sched_getaffinity",
		closed: `#include <unistd.h>` + "\n" + `int main(void) { return sysconf(_SC_PAGESIZE) + sysconf(_SC_CLK_TCK); }`,
		opened: `#include <unistd.h>` + "\n" + `int main(int n, char **v) { return sysconf(_SC_PAGESIZE) + sysconf(n); }`,
	},
	{
		call:   "alarm", // locks the list of who is logged in
		closed: globbing("GLOB_MARK | GLOB_BRACE"),
		opened: globbing("GLOB_MARK | GLOB_TILDE_CHECK"),
	},
	{
		call:   "mkdir",
		closed: "#include <stdlib.h>\nint main(int n, char **v) { return mkstemp(v[0]); }",
		opened: "#include <stdlib.h>\nint main(int n, char **v) { return mkstemp(v[0]) + !mkdtemp(v[0]); }",
	},
	{ // in functions of the program's own
		call:   "mkdir",
		closed: "#include <fcntl.h>\nint mkstemp(char *path) { return open(path, O_CREAT, 0600); }\nint main(int n, char **v) { return mkstemp(v[0]); }\n",
		opened: ownNames + "int main(int n, char **v) { return mkstemp(v[0]) + !mkdtemp(v[0]); }\n",
		flags:  []string{"-rdynamic"},
	},
	{
		call:   "alarm",
		closed: globbing("0"),
		opened: globbing("n"),
	},
}

// ownNames defines functions that the C library has, too.
const ownNames = `#include <fcntl.h>
#include <sys/stat.h>
__attribute__((noinline)) static int make(char *path, int dir) { return dir ? mkdir(path, 0700) : open(path, O_CREAT, 0600); }
__attribute__((noinline)) int mkstemp(char *path) { return make(path, 0); }
__attribute__((noinline)) char *mkdtemp(char *path) { return make(path, 1) ? 0 : path; }
`

func globbing(flags string) string {
	return "#define _GNU_SOURCE\n#include <glob.h>\nint main(int n, char **v) { glob_t g; return glob(v[0], " + flags + ", 0, &g); }\n"
}

// TestCGates: a call is in a program's policy if and only if the program can
// make it.
func TestCGates(t *testing.T) {
	installed(t, "gcc", "gcc")
	for _, c := range cGates {
		t.Run(c.call, func(t *testing.T) {
			if grade := gradeIn(t, c.closed, c.call, c.flags...); grade != 0 && grade != elfscan.Gated {
				t.Errorf("%v in a program that cannot make it", grade)
			}
			if grade := gradeIn(t, c.opened, c.call, c.flags...); grade != elfscan.Reachable {
				t.Errorf("%v in a program that can make it", grade)
			}
		})
	}
}

// gradeIn compiles a program and returns the grade of a call in it.
func gradeIn(t *testing.T, source, call string, flags ...string) elfscan.Grade {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.c"), source)
	command(t, nil, dir, "gcc", append([]string{"-O2", "-o", "main", "main.c"}, flags...)...)
	return gradesOf(scanFile(t, filepath.Join(dir, "main"), nil))[call]
}

// TestThreadLocalSlots: the address of a thread-local variable's slot in the
// global offset table, which code takes, does not lead to the functions in the
// slots behind it.
func TestThreadLocalSlots(t *testing.T) {
	installed(t, "gcc", "gcc")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "lib.c"), `#define _GNU_SOURCE
#include <unistd.h>
__thread int here;
int a(void) { return here++; }
int b(void) { return symlink("a", "b") + link("a", "b") + rmdir("a") + chroot("a") + sethostname("a", 1) + nice(1) + acct("a"); }
`)
	command(t, nil, dir, "gcc", "-O2", "-shared", "-fPIC", "-fno-plt", "-o", "libx.so", "lib.c")
	for name, want := range map[string]elfscan.Grade{"a": 0, "b": elfscan.Reachable} {
		write(t, filepath.Join(dir, "main.c"), "int "+name+"(void); int main(void) { return "+name+"(); }\n")
		command(t, nil, dir, "gcc", "-o", "main", "main.c", "-L.", "-lx", "-Wl,-rpath,$ORIGIN")
		path := filepath.Join(dir, "main")
		grades := gradesOf(scanFile(t, path, &elfscan.Options{Path: path}))
		// The linker decides which slots are behind that of the variable.
		for _, call := range []string{"symlink", "link", "rmdir", "chroot", "sethostname", "setpriority", "acct"} {
			if grades[call] != want {
				t.Errorf("%s in a program that calls %s: %v, want %v", call, name, grades[call], want)
			}
		}
	}
}

// TestShortJumps: jumps with one byte of distance lead to other functions.
func TestShortJumps(t *testing.T) {
	installed(t, "gcc", "gcc")
	for _, jump := range []string{"jmp", "bnd jmp", "test %edi, %edi; jne"} {
		source := `void sync(void);
void work(void) { sync(); }
asm(".text; .globl main; .type main, @function; main: .cfi_startproc; ` + jump + ` near; ret; .cfi_endproc; .size main, .-main;"
    ".p2align 4; .type near, @function; near: .cfi_startproc; jmp work; .cfi_endproc; .size near, .-near");
`
		if grade := gradeIn(t, source, "sync"); grade != elfscan.Reachable {
			t.Errorf("behind %q: %v", jump, grade)
		}
	}
}
