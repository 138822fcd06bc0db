//go:build linux && (mips64le || mipsle)

package guest

import "golang.org/x/sys/unix"

// The numbers of o32, n64 and n32 start at 4000, 5000 and 6000
// (arch/mips/include/uapi/asm/unistd.h), and a 64-bit kernel takes all three
// from any program: arch/mips/kernel/scall64-o32.S falls through to the others.
const (
	o32Getpid = 4020
	n64Getpid = 5038
	n32Getpid = 6038
)

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
	all := []foreign{{"o32 number", raw(o32Getpid)}, {"n64 number", raw(n64Getpid)}, {"n32 number", raw(n32Getpid)}}
	if wide {
		return []foreign{all[0], all[2]}
	}
	return all[1:]
}

// doorExpected: a 32-bit kernel has o32 only.
func doorExpected(_, _, machine string) bool { return machine == "mips64" }
