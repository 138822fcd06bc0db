//go:build tools

package elfscan_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

var tracedLibrary = regexp.MustCompile(`(?m)^\t(?:.* => )?(/\S+) \(`)

// TestLikeLdSo: the libraries that a scan reads are those that this machine's
// dynamic linkers say they load.
func TestLikeLdSo(t *testing.T) {
	installed(t, "gcc", "gcc")
	installed(t, "musl-gcc", "musl-tools")
	const (
		rpath   = "-Wl,--disable-new-dtags,-rpath,"
		runpath = "-Wl,--enable-new-dtags,-rpath,"
	)
	for _, c := range []struct {
		name, main, a string // flags of the program and of liba, which needs libb
		path          string // LD_LIBRARY_PATH
	}{
		{"RPATH", rpath + "$ORIGIN/one", "", ""},
		{"RPATH of both", rpath + "$ORIGIN/one", rpath + "$ORIGIN/../two", ""},
		{"RUNPATH of both", runpath + "$ORIGIN/one", runpath + "$ORIGIN/../two", ""},
		{"RUNPATH below RPATH", rpath + "$ORIGIN/one", runpath + "$ORIGIN/../two", ""},
		{"LD_LIBRARY_PATH and RPATH", rpath + "$ORIGIN/one", "", "two"},
		{"LD_LIBRARY_PATH and RUNPATH", runpath + "$ORIGIN/one", runpath + "$ORIGIN", "two"},
		{"$LIB and $PLATFORM", rpath + "$ORIGIN/$LIB:$ORIGIN/x/${PLATFORM}", "", ""},
	} {
		for _, cc := range []string{"gcc", "musl-gcc"} {
			if cc == "musl-gcc" && strings.Contains(c.main, "$LIB") {
				continue // musl has neither
			}
			t.Run(c.name+" "+cc, func(t *testing.T) {
				dir := t.TempDir()
				write(t, filepath.Join(dir, "b.c"), "int b(void) { return 0; }\n")
				write(t, filepath.Join(dir, "a.c"), "int b(void); int a(void) { return b(); }\n")
				write(t, filepath.Join(dir, "main.c"), "int a(void); int b(void); int main(void) { return a(); }\n")
				flags := func(s string) []string { return strings.Fields(s) }
				for _, sub := range []string{"one", "two", "lib/x86_64-linux-gnu", "x/x86_64"} {
					command(t, nil, dir, "mkdir", "-p", sub)
					command(t, nil, dir, cc, "-shared", "-fPIC", "-o", sub+"/libb.so", "b.c")
					command(t, nil, dir, cc, append([]string{"-shared", "-fPIC", "-o", sub + "/liba.so", "a.c", "-Lone", "-lb"}, flags(c.a)...)...)
				}
				command(t, nil, dir, "rm", "x/x86_64/liba.so", "lib/x86_64-linux-gnu/libb.so")
				command(t, nil, dir, cc, append([]string{"-o", "main", "main.c", "-Lone", "-la", "-Wl,--unresolved-symbols=ignore-all"}, flags(c.main)...)...)
				path := filepath.Join(dir, "main")
				opt := &elfscan.Options{Path: path}
				cmd := exec.Command(path)
				if cc == "musl-gcc" { // it has no variable for that
					cmd = exec.Command(muslInterp, "--list", path)
				}
				cmd.Env = append(os.Environ(), "LD_TRACE_LOADED_OBJECTS=1")
				if c.path != "" {
					opt.LibraryPath = []string{filepath.Join(dir, c.path)}
					cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+opt.LibraryPath[0])
				}
				out, _ := cmd.CombinedOutput() // fails if a library is missing
				var want, got []string
				for _, m := range tracedLibrary.FindAllStringSubmatch(string(out), -1) {
					if strings.HasPrefix(m[1], dir) {
						want = append(want, filepath.Clean(m[1]))
					}
				}
				for _, m := range modules(scanFile(t, path, opt)) {
					if strings.HasPrefix(m, dir) {
						got = append(got, m)
					}
				}
				slices.Sort(want)
				slices.Sort(got)
				if !slices.Equal(got, want) || len(want) == 0 {
					t.Errorf("read %q, the dynamic linker loads %q:\n%s", got, want, out)
				}
			})
		}
	}
}
