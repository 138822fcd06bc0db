//go:build tools

package elfscan_test

import "testing"

// TestGoArches leaves 386 out: there, the number that runPerThreadSyscall loads
// is not known to be unset, which is reported as an unresolved site.
func TestGoArches(t *testing.T) {
	for _, goarch := range []string{"arm", "arm64", "loong64", "ppc64", "ppc64le", "riscv64", "s390x"} {
		t.Run(goarch, func(t *testing.T) { checkProgram(t, scanFile(t, build(t, goarch), nil)) })
	}
}
