//go:build !linux

package testchild

// Self is nothing elsewhere, and there is nothing to trace.
type Self struct{ NoNewPrivs, Filtered, SysAdmin bool }

// AboutSelf has nothing to say.
func AboutSelf() (Self, error) { return Self{}, nil }

// CanTrace is false.
func CanTrace() bool { return false }
