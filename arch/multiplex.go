package arch

// Calls behind socketcall(2), by sub-call number (linux/net.h: SYS_SOCKET …).
var socketCalls = [...]string{1: "socket", "bind", "connect", "listen", "accept", "getsockname", "getpeername",
	"socketpair", "send", "recv", "sendto", "recvfrom", "shutdown", "setsockopt", "getsockopt", "sendmsg", "recvmsg",
	"accept4", "recvmmsg", "sendmmsg"}

// Calls behind ipc(2), by sub-call number (linux/ipc.h: SEMOP …).
var ipcCalls = [...]string{1: "semop", 2: "semget", 3: "semctl", 4: "semtimedop", 11: "msgsnd", 12: "msgrcv",
	13: "msgget", 14: "msgctl", 21: "shmat", 22: "shmdt", 23: "shmget", 24: "shmctl"}

// Multiplexed reports through which call, and with which first argument, this
// ABI also reaches the named one: ("socketcall", 1) for socket on i386. The
// ABI may have a number of its own for the name besides.
//
// The kernel compares the whole 32-bit argument of socketcall. Of ipc's it
// takes the low 16 bits as the sub-call (the rest is a version), so a filter
// must mask with IPCSubcallMask.
func (i *Info) Multiplexed(name string) (call string, sub uint32, ok bool) {
	for _, m := range [...]struct {
		call string
		subs []string
	}{{"socketcall", socketCalls[:]}, {"ipc", ipcCalls[:]}} {
		if _, has := i.find(m.call); !has {
			continue
		}
		for n, s := range m.subs {
			if s == name && s != "" {
				return m.call, uint32(n), true
			}
		}
	}
	return "", 0, false
}

// IPCSubcallMask selects the sub-call in the first argument of ipc(2)
// (ipc/syscall.c: "call &= 0xffff").
const IPCSubcallMask = 0xffff
