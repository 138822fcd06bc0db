package guest

// syscall64 enters the processor's 64-bit mode, makes a call as an x86_64
// program would, and returns what the kernel returns, in 32 bits.
func syscall64(nr uintptr) uintptr
