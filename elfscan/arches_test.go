//go:build tools

package elfscan_test

import "testing"

func TestGoArches(t *testing.T) {
	for _, goarch := range []string{"386", "arm", "arm64", "loong64", "ppc64", "ppc64le", "riscv64", "s390x"} {
		t.Run(goarch, func(t *testing.T) { checkProgram(t, scanFile(t, build(t, goarch), nil)) })
	}
	for _, goarch := range []string{"arm64", "loong64", "ppc64le"} { // others are linked by other linkers
		t.Run(goarch+" position independent", func(t *testing.T) {
			res := scanFile(t, build(t, goarch, "-buildmode=pie"), nil)
			res.Partial = false // the dynamic linker is not there
			checkProgram(t, res)
		})
	}
}
