package guest

import (
	"strings"

	"golang.org/x/sys/unix"
)

const x32Bit = 0x40000000

func raw(nr uintptr) func() uintptr {
	return func() uintptr {
		r, _, errno := unix.RawSyscall(nr, 0, 0, 0)
		if errno != 0 {
			return ^uintptr(0)
		}
		return r
	}
}

func foreigns() []foreign {
	return []foreign{
		{"int 0x80", func() uintptr { return int80(20) }}, // i386's getpid
		{"x32 number", raw(x32Bit | unix.SYS_GETPID)},
	}
}

// doorExpected: Debian's kernels have i386 emulation; x32 needs a parameter.
func doorExpected(door, guest, _ string) bool {
	return door == "int 0x80" || strings.HasSuffix(guest, "-x32")
}
