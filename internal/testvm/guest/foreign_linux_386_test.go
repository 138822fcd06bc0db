package guest

import "golang.org/x/sys/unix"

// foreigns: a 32-bit kernel has no 64-bit code segment to jump to.
func foreigns() []foreign {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil || unix.ByteSliceToString(u.Machine[:]) != "x86_64" {
		return nil
	}
	return []foreign{{"64-bit code segment", func() uintptr { return syscall64(39) }}} // x86_64's getpid
}

func doorExpected(_, _, _ string) bool { return true }
