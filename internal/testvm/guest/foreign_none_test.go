//go:build linux && !amd64 && !386 && !mips64le && !mipsle

package guest

// Other machines have one door; a program of their compat ABI has to be
// executed (TestExecCompat).
func foreigns() []foreign              { return nil }
func doorExpected(_, _, _ string) bool { return false }
