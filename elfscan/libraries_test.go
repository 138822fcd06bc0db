//go:build tools

package elfscan_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// TestLibrariesInCircles: two libraries that need each other, found through
// $ORIGIN in RUNPATH and in RPATH, are each read once.
func TestLibrariesInCircles(t *testing.T) {
	installed(t, "gcc", "gcc")
	for _, tags := range []string{"--enable-new-dtags", "--disable-new-dtags"} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a.c"), "#include <unistd.h>\nint b(void); int a(void) { return getsid(0) + (getpid() == 1 ? b() : 0); }\n")
		write(t, filepath.Join(dir, "b.c"), "#include <unistd.h>\nint a(void); int b(void) { return getpgid(0) + (getpid() == 1 ? a() : 0); }\n")
		write(t, filepath.Join(dir, "main.c"), "int a(void); int main(void) { return a() < 0; }\n")
		command(t, nil, dir, "mkdir", "lib")
		command(t, nil, dir, "gcc", "-shared", "-fPIC", "-o", "lib/libb.so", "b.c")
		command(t, nil, dir, "gcc", "-shared", "-fPIC", "-Wl,--no-as-needed", "-o", "lib/liba.so", "a.c", "-Llib", "-lb", "-Wl,"+tags, "-Wl,-rpath,$ORIGIN")
		command(t, nil, dir, "gcc", "-shared", "-fPIC", "-Wl,--no-as-needed", "-o", "lib/libb.so", "b.c", "-Llib", "-la", "-Wl,"+tags, "-Wl,-rpath,$ORIGIN")
		command(t, nil, dir, "gcc", "-o", "main", "main.c", "-Llib", "-la", "-Wl,"+tags, "-Wl,-rpath,$ORIGIN/lib", "-Wl,--allow-shlib-undefined")
		path := filepath.Join(dir, "main")
		res := scanFile(t, path, &elfscan.Options{Path: path})
		if res.Partial || len(res.Modules) != 5 { // main, a, libc, b, ld.so
			t.Errorf("%s: partial %v, modules %+v, notes %v", tags, res.Partial, res.Modules, res.Notes)
		}
		for _, name := range []string{"getsid", "getpgid"} {
			if !slices.ContainsFunc(res.Calls, func(c elfscan.Call) bool { return c.Name == name }) {
				t.Errorf("%s: missed %s", tags, name)
			}
		}
	}
}
