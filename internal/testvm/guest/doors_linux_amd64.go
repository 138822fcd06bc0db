package guest

// int80 makes a call as an i386 program would, which any x86_64 program can,
// and returns what the kernel returns.
func int80(nr uintptr) uintptr
