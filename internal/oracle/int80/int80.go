//go:build linux && amd64

package int80

// Call makes the system call frame[0] with the arguments that follow, by
// i386's numbers, and returns what the kernel left in EAX. Registers 8 to 11
// do not survive (arch/x86/entry/entry_64_compat.S); 12 and up do.
//
//go:noescape
func Call(frame *[7]uint32) (result uint32)
