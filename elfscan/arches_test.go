//go:build tools

package elfscan_test

import "testing"

func TestGoArches(t *testing.T) {
	for _, goarch := range []string{"386", "arm", "arm64", "loong64", "ppc64", "ppc64le", "riscv64", "s390x"} {
		t.Run(goarch, func(t *testing.T) { checkProgram(t, scanFile(t, build(t, goarch), nil)) })
	}
}
