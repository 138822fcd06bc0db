package cbpf

import "fmt"

// Filter return values, linux/seccomp.h. The low 16 bits carry data.
const (
	RetKillProcess uint32 = 0x80000000 // since Linux 4.14
	RetKillThread  uint32 = 0x00000000
	RetTrap        uint32 = 0x00030000
	RetErrno       uint32 = 0x00050000
	RetUserNotif   uint32 = 0x7fc00000 // since Linux 5.0
	RetTrace       uint32 = 0x7ff00000
	RetLog         uint32 = 0x7ffc0000 // since Linux 4.14
	RetAllow       uint32 = 0x7fff0000

	RetActionFull uint32 = 0xffff0000 // the action in a return value
	RetData       uint32 = 0x0000ffff // the data in it
)

var actionNames = [...]struct {
	action uint32
	name   string
}{
	{RetKillProcess, "kill_process"},
	{RetKillThread, "kill_thread"},
	{RetTrap, "trap"},
	{RetErrno, "errno"},
	{RetUserNotif, "user_notif"},
	{RetTrace, "trace"},
	{RetLog, "log"},
	{RetAllow, "allow"},
}

// ActionName gives the kernel's name for the action of a return value, as in
// /proc/sys/kernel/seccomp/actions_avail, and false when it has none: the
// kernel then kills the process (before Linux 4.14: the thread).
func ActionName(ret uint32) (string, bool) {
	for _, a := range actionNames {
		if a.action == ret&RetActionFull {
			return a.name, true
		}
	}
	return "", false
}

// ActionNumber gives the return value, without data, of an action's name.
func ActionNumber(name string) (uint32, bool) {
	for _, a := range actionNames {
		if a.name == name {
			return a.action, true
		}
	}
	return 0, false
}

// ReturnString prints a return value: the action's name, its data in
// parentheses unless it is zero; a number when the action has no name.
func ReturnString(ret uint32) string {
	name, ok := ActionName(ret)
	switch data := ret & RetData; {
	case !ok:
		return fmt.Sprintf("%#08x", ret)
	case data != 0:
		return fmt.Sprintf("%s(%d)", name, data)
	}
	return name
}

// Stricter tells whether return value a takes precedence over b when two
// filters of one thread disagree: the kernel compares the actions, without
// data, as signed numbers and takes the lowest (kernel/seccomp.c:
// seccomp_run_filters).
func Stricter(a, b uint32) bool {
	return int32(a&RetActionFull) < int32(b&RetActionFull)
}

// Combine gives the result of a stack of filters from each filter's return
// value, newest filter first: the strictest action, with the data of the
// newest filter that returned it. An empty stack allows.
func Combine(newestFirst ...uint32) uint32 {
	ret := RetAllow
	for _, r := range newestFirst {
		if Stricter(r, ret) {
			ret = r
		}
	}
	return ret
}
