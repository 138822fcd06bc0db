//go:build tools

package elfscan_test

import (
	"path/filepath"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// TestDlopen: what a library exports may be asked for by any name.
func TestDlopen(t *testing.T) {
	dir := t.TempDir()
	path := compileC(t, dir, `#include <dlfcn.h>
#include <string.h>
int main(int n, char **v) {
	char name[] = "wxrk";
	name[1] = 'm' + n; /* "work" */
	int (*f)(void) = dlsym(dlopen(v[1], RTLD_NOW), name);
	return f() < 0;
}
`)
	write(t, filepath.Join(dir, "l.c"), "#include <unistd.h>\nint work(void) { return getsid(0); }\n")
	command(t, nil, dir, "gcc", "-shared", "-fPIC", "-o", "libl.so", "l.c")
	lib := filepath.Join(dir, "libl.so")
	res := scanFile(t, path, &elfscan.Options{Path: path, Dlopen: []string{lib}})
	checkCalls(t, dir, path, res, []string{lib}, []string{"getsid"})
}

// TestLookups: what a program looks up by constant names is reachable, and
// called by who knows whom.
func TestLookups(t *testing.T) {
	dir := t.TempDir()
	source := `#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
__attribute__((noinline)) static int find(void *lib, const char *name, void **to) {
	*to = dlsym(lib, name);
	return *to == NULL;
}
int main(int n, char **v) {
	int (*f)(int), (*g)(void);
	if (find(RTLD_DEFAULT, "getsid", (void **)&f) || find(RTLD_NEXT, "no such name", (void **)&g)) {
		f = dlsym(RTLD_DEFAULT, n > 1 ? "getpgid" : "epoll_create");
	}
#ifdef NUMBER
	long (*h)(long, ...) = dlsym(RTLD_DEFAULT, "syscall");
	return h(NUMBER) < 0;
#endif
	return f(1) < 0;
}
`
	path := compileC(t, dir, source)
	res := scanFile(t, path, &elfscan.Options{Path: path})
	checkCalls(t, dir, path, res, nil, []string{"getsid", "getpgid", "epoll_create"})
	for _, u := range res.Unresolved {
		t.Errorf("unresolved: %+v", u)
	}
	if len(res.Loads) > 0 {
		t.Errorf("all names are constant: %+v", res.Loads)
	}
	path = compileC(t, dir, source, "-DNUMBER=39")
	if res := scanFile(t, path, &elfscan.Options{Path: path}); len(res.Unresolved) == 0 {
		t.Error("syscall(3) may be called with any number")
	}
	path = compileC(t, dir, `#define _GNU_SOURCE
#include <dlfcn.h>
int main(int n, char **v) { return ((int (*)(int))dlsym(RTLD_DEFAULT, v[1]))(0) < 0; }
`)
	res = scanFile(t, path, &elfscan.Options{Path: path})
	if len(res.Loads) == 0 || res.Loads[0].Function != "dlsym" {
		t.Errorf("any name may be looked up: %+v", res.Loads)
	}
	res = scanFile(t, path, &elfscan.Options{Path: path, Dlopen: []string{"libc.so.6"}})
	checkCalls(t, dir, path, res, []string{"getsid"}, []string{"getsid"})
}
