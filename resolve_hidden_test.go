package seccomp

import "testing"

// On m68k the kernel fills args by the number and d1 to d5, which hold the
// first five arguments (arch/m68k/include/asm/syscall.h: syscall_get_arguments).
func m68kArgs(nr uint32, args ...uint64) []uint64 {
	shown := append([]uint64{uint64(nr)}, args...)
	return shown[:min(len(shown), 6)]
}

// TestHiddenArguments: where arguments cannot be seen, conditions allow
// nothing and refuse everything, and the notes say so.
func TestHiddenArguments(t *testing.T) {
	m68k := abi(t, "m68k")
	for _, tt := range []struct {
		action Action
		call   string
		args   []uint64 // as the program passes them
		want   string
	}{
		{ActionAllow, "kill", []uint64{5, 9}, "errno(2)"},
		{ActionAllow, "kill", []uint64{37, 9}, "errno(2)"}, // 37 is kill's number
		{ActionErrno, "kill", []uint64{5, 9}, "errno(1)"},
		{ActionErrno, "kill", []uint64{6, 9}, "errno(1)"},
		{ActionUserNotify, "kill", []uint64{6, 9}, "user_notif"},
	} {
		p := oneCondition("kill", tt.action, Condition{Argument: 0, Operation: Equal, Value: 5})
		p.DefaultAction = ErrnoName("ENOENT")
		c := compileFor(t, "m68k", p)
		nr := number(t, m68k, tt.call)
		if got := decide(c, m68k, nr, m68kArgs(nr, tt.args...)...); got != tt.want {
			t.Errorf("%v if argument 0 is 5: %s%v: %s, want %s", tt.action, tt.call, tt.args, got, tt.want)
		}
		if !hasNote(c.Notes, NoteUnchecked, "kill", "m68k") {
			t.Errorf("%v: no note that the condition is not checked: %v", tt.action, c.Notes)
		}
	}
}

// TestHiddenSubcalls: socketcall's first argument cannot be seen either.
func TestHiddenSubcalls(t *testing.T) {
	m68k := abi(t, "m68k")
	socketcall, socket := number(t, m68k, "socketcall"), number(t, m68k, "socket")
	for _, tt := range []struct {
		action         Action
		socket, behind string
	}{
		{ActionAllow, "allow", "errno(2)"},
		{ActionErrno, "errno(1)", "errno(1)"},
	} {
		p := Policy{DefaultAction: ErrnoName("ENOENT"), Syscalls: []SyscallGroup{{Action: tt.action, Names: []string{"socket"}}}}
		c := compileFor(t, "m68k", p)
		for _, sub := range []uint64{1, 2} {
			if got := decide(c, m68k, socketcall, m68kArgs(socketcall, sub, 0x1000)...); got != tt.behind {
				t.Errorf("%v socket: socketcall(%d): %s, want %s", tt.action, sub, got, tt.behind)
			}
		}
		if got := decide(c, m68k, socket, m68kArgs(socket, 1, 1, 0)...); got != tt.socket {
			t.Errorf("%v socket: socket: %s, want %s", tt.action, got, tt.socket)
		}
		if !hasNote(c.Notes, NoteUnchecked, "socket", "m68k") {
			t.Errorf("%v: no note about socketcall: %v", tt.action, c.Notes)
		}
	}
}
