//go:build tools

package elfscan_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// Threads write over one another: a number of another's line may stand before
// the name.
var emulated = regexp.MustCompile(`(?m)^\d+ \d*([a-z_][a-z_0-9]*)\(`)

// TestGoEmulated compares the calls found with those that qemu sees a program
// make which uses files, a connection and a child.
func TestGoEmulated(t *testing.T) {
	for goarch, emulator := range map[string]string{"arm64": "aarch64", "arm": "arm", "ppc64le": "ppc64le", "riscv64": "riscv64", "s390x": "s390x"} {
		t.Run(goarch, func(t *testing.T) {
			installed(t, "qemu-"+emulator+"-static", "qemu-user-static")
			dir := t.TempDir()
			write(t, filepath.Join(dir, "main.go"), work+workGo)
			write(t, filepath.Join(dir, "go.mod"), "module example.test/work\n\ngo 1.21\n")
			bin := filepath.Join(dir, "program")
			command(t, []string{"CGO_ENABLED=0", "GOFLAGS=", "GOARCH=" + goarch}, dir, "go", "build", "-o", bin, ".")
			cmd := exec.Command("qemu-"+emulator+"-static", "-strace", bin)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "TMPDIR="+dir)
			var log bytes.Buffer
			cmd.Stderr = &log
			if err := cmd.Run(); err != nil {
				t.Logf("the program ends with %v: the kernel does not run its child", err)
			}
			res := scanFile(t, bin, nil)
			grades := gradesOf(res)
			used := map[string]bool{}
			for _, m := range emulated.FindAllStringSubmatch(log.String(), -1) {
				used[m[1]] = true
			}
			if len(used) < 30 {
				t.Fatalf("qemu saw little: %v", used)
			}
			for n := range used {
				if g := grades[n]; g == 0 || g.String() == "gated" {
					t.Errorf("missed %s (%v)", n, g)
				}
			}
			for _, u := range res.Unresolved {
				t.Errorf("unresolved: %+v", u)
			}
			t.Logf("%d calls used, %d found", len(used), len(grades))
		})
	}
}
