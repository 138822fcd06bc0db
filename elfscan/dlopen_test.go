//go:build tools

package elfscan_test

import (
	"path/filepath"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// TestDlopen: what a library exports may be asked for by any name.
func TestDlopen(t *testing.T) {
	installed(t, "gcc", "gcc")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "l.c"), "#include <unistd.h>\nint work(void) { return getsid(0); }\n")
	write(t, filepath.Join(dir, "main.c"), `#include <dlfcn.h>
#include <string.h>
int main(int n, char **v) {
	char name[] = "wxrk";
	name[1] = 'm' + n; /* "work" */
	int (*f)(void) = dlsym(dlopen(v[1], RTLD_NOW), name);
	return f() < 0;
}
`)
	command(t, nil, dir, "gcc", "-shared", "-fPIC", "-o", "libl.so", "l.c")
	command(t, nil, dir, "gcc", "-O2", "-o", "main", "main.c")
	path, lib := filepath.Join(dir, "main"), filepath.Join(dir, "libl.so")
	res := scanFile(t, path, &elfscan.Options{Path: path, Dlopen: []string{lib}})
	if g := gradesOf(res)["getsid"]; g != elfscan.Reachable {
		t.Errorf("getsid: %v", g)
	}
	if out, err := sandboxed(t, dir, path, res, elfscan.PolicyOptions{})(lib).CombinedOutput(); err != nil {
		t.Errorf("under its policy: %v: %s", err, out)
	}
}
