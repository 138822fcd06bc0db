//go:build tools

package elfscan_test

import (
	"path/filepath"
	"testing"
)

// TestGoEmulated compares the calls found with those that qemu sees a program
// make which uses files, a connection and a child.
func TestGoEmulated(t *testing.T) {
	for goarch, emulator := range map[string]string{"arm64": "aarch64", "arm": "arm", "ppc64le": "ppc64le", "riscv64": "riscv64", "s390x": "s390x"} {
		t.Run(goarch, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "main.go"), work+workGo)
			write(t, filepath.Join(dir, "go.mod"), "module example.test/work\n\ngo 1.21\n")
			bin := filepath.Join(dir, "program")
			command(t, []string{"CGO_ENABLED=0", "GOFLAGS=", "GOARCH=" + goarch}, dir, "go", "build", "-o", bin, ".")
			t.Setenv("TMPDIR", dir)
			used, _, err := emulated(t, dir, "qemu-"+emulator+"-static", bin)
			if err != nil {
				t.Logf("the program ends with %v: the kernel does not run its child", err)
			}
			if len(used) < 30 {
				t.Fatalf("qemu saw little: %v", used)
			}
			compare(t, scanFile(t, bin, nil), used)
		})
	}
}
