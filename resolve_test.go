package seccomp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

func abi(t testing.TB, name string) *arch.Info {
	t.Helper()
	info, err := arch.GetInfo(name)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func compileFor(t testing.TB, name string, p Policy) *Compiled {
	t.Helper()
	c, err := p.Compile(&CompileOptions{ABI: abi(t, name)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// decide runs the program on one call and names what it returns.
func decide(c *Compiled, info *arch.Info, nr uint32, args ...uint64) string {
	d := cbpf.Data{NR: nr, Arch: uint32(info.ID)}
	copy(d.Args[:], args)
	words := d.Words(info.BigEndian)
	ret, _ := cbpf.Program(c.Raw()).Run(&words)
	return cbpf.ReturnString(ret)
}

func number(t testing.TB, info *arch.Info, name string) uint32 {
	t.Helper()
	nr, ok := info.Number(name)
	if !ok {
		t.Fatalf("%s has no %s", info.Name, name)
	}
	return nr
}

func hasNote(notes []Note, kind NoteKind, call, abi string) bool {
	return slices.ContainsFunc(notes, func(n Note) bool {
		return n.Kind == kind && n.Syscall == call && n.ABI == abi && n.Text != ""
	})
}

func oneCondition(name string, action Action, conds ...Condition) Policy {
	return Policy{
		DefaultAction: ActionAllow,
		Syscalls: []SyscallGroup{{
			Action:              action,
			NamesWithConditions: []NameWithConditions{{Name: name, Conditions: conds}},
		}},
	}
}

// TestConditions has, for each condition, argument values that meet it and
// values that do not.
func TestConditions(t *testing.T) {
	const (
		max32  = 1<<32 - 1
		max64  = 1<<64 - 1
		minus1 = max64
	)
	for _, tt := range []struct {
		abi, call string
		cond      Condition
		yes, no   []uint64
	}{
		// 64 bits: count of read is a size_t.
		{"x86_64", "read", Condition{Argument: 2, Operation: Equal, Value: 5}, []uint64{5}, []uint64{4, 6, 1<<32 | 5}},
		{"x86_64", "read", Condition{Argument: 2, Operation: NotEqual, Value: 5}, []uint64{4, 1<<32 | 5}, []uint64{5}},
		{"x86_64", "read", Condition{Argument: 2, Operation: GreaterThan, Value: max32}, []uint64{1 << 32, max64}, []uint64{0, max32}},
		{"x86_64", "read", Condition{Argument: 2, Operation: GreaterOrEqual, Value: 1 << 40}, []uint64{1 << 40, max64}, []uint64{0, 1<<40 - 1}},
		{"x86_64", "read", Condition{Argument: 2, Operation: LessThan, Value: 1<<32 | 1}, []uint64{0, 1 << 32}, []uint64{1<<32 | 1, max64}},
		{"x86_64", "read", Condition{Argument: 2, Operation: LessOrEqual, Value: 7}, []uint64{0, 7}, []uint64{8, 1 << 32}},
		{"x86_64", "read", Condition{Argument: 2, Operation: BitsSet, Value: 1<<40 | 6}, []uint64{2, 4, 1 << 40, 7}, []uint64{0, 1, 8, 1 << 41}},
		{"x86_64", "read", Condition{Argument: 2, Operation: BitsNotSet, Value: 1<<40 | 6}, []uint64{0, 1, 8, 1 << 41}, []uint64{2, 4, 1 << 40, 7}},
		{"x86_64", "read", Condition{Argument: 2, Operation: MaskedEqual, Mask: 0xff00, Value: 0x1234}, []uint64{0x1200, 0xab12cd}, []uint64{0x34, 0x1300}},
		{"x86_64", "read", Condition{Argument: 2, Operation: MaskedNotEqual, Mask: 0xff00, Value: 0x1200}, []uint64{0, 0x1300}, []uint64{0x12ff}},
		{"x86_64", "read", Condition{Argument: 2, Operation: In, Values: []uint64{1, 2, 3, 1 << 33}}, []uint64{1, 2, 3, 1 << 33}, []uint64{0, 4, 1<<32 | 1}},
		{"x86_64", "read", Condition{Argument: 2, Operation: NotIn, Values: []uint64{0, max64}}, []uint64{1, max64 - 1}, []uint64{0, max64}},
		{"x86_64", "read", Condition{Argument: 2, Operation: SignedLessThan, Symbol: "-1"}, []uint64{max64 - 1, 1 << 63}, []uint64{minus1, 0, 1<<63 - 1}},
		{"x86_64", "read", Condition{Argument: 2, Operation: SignedGreaterThan, Symbol: "-2"}, []uint64{minus1, 0, 1<<63 - 1}, []uint64{max64 - 1, 1 << 63}},
		{"x86_64", "read", Condition{Argument: 2, Operation: Equal, Symbol: "-1"}, []uint64{max64}, []uint64{max32}},

		// 32 bits: fd is an unsigned int, of which the kernel ignores the upper half.
		{"x86_64", "read", Condition{Operation: Equal, Value: 5}, []uint64{5, 1<<32 | 5}, []uint64{4}},
		{"x86_64", "read", Condition{Operation: LessThan, Value: 5}, []uint64{4, 1<<32 | 4, 0xffffffff00000000}, []uint64{5, max32}},
		{"x86_64", "read", Condition{Name: "fd", Operation: GreaterThan, Value: max32 - 1}, []uint64{max32, max64}, []uint64{0}},
		{"x86_64", "read", Condition{Operation: Equal, Value: 1<<32 | 5}, nil, []uint64{5, 1<<32 | 5}},
		{"x86_64", "read", Condition{Operation: NotEqual, Value: 1<<32 | 5}, []uint64{5, 1<<32 | 5}, nil},
		{"x86_64", "read", Condition{Operation: LessThan, Value: 1 << 32}, []uint64{0, max64}, nil},
		{"x86_64", "read", Condition{Operation: GreaterThan, Value: 1 << 32}, nil, []uint64{0, max64}},
		{"x86_64", "read", Condition{Operation: BitsSet, Value: 1<<32 | 1}, []uint64{1, 3}, []uint64{2, 1 << 32}},
		{"x86_64", "read", Condition{Operation: BitsSet, Value: 0}, nil, []uint64{0, max64}},
		{"x86_64", "read", Condition{Operation: BitsNotSet, Value: 0}, []uint64{0, max64}, nil},
		{"x86_64", "read", Condition{Operation: Equal, Symbol: "-1"}, []uint64{max32, max64}, []uint64{1, 0}},
		{"x86_64", "openat", Condition{Name: "dirfd", Operation: Equal, Symbol: "AT_FDCWD"}, []uint64{0xffffff9c, 0xffffffffffffff9c}, []uint64{100, 0xffffff9b}},
		{"x86_64", "openat", Condition{Operation: SignedLessThan, Value: 0}, []uint64{0xffffff9c, 1 << 31}, []uint64{0, max32 >> 1, 1 << 63}},
		{"x86_64", "openat", Condition{Operation: SignedGreaterOrEqual, Symbol: "-100"}, []uint64{0xffffff9c, 0, 5, max32 >> 1}, []uint64{0xffffff9b, 1 << 31}},
		{"x86_64", "openat", Condition{Operation: SignedLessOrEqual, Value: 1 << 31}, []uint64{0, max64}, nil},

		// Forced widths.
		{"x86_64", "read", Condition{Operation: Equal, Value: 5, Width: Width64}, []uint64{5}, []uint64{1<<32 | 5}},
		{"x86_64", "read", Condition{Argument: 2, Operation: Equal, Value: 5, Width: Width32}, []uint64{5, 1<<32 | 5}, []uint64{6}},

		// A mode is 16 bits to the kernel.
		{"x86_64", "chmod", Condition{Argument: 1, Operation: Equal, Value: 0o600}, []uint64{0o600, 1<<16 | 0o600}, []uint64{0o601}},
		{"x86_64", "chmod", Condition{Argument: 1, Operation: Equal, Value: 1 << 16}, nil, []uint64{0, 1 << 16}},

		// Symbols.
		{"x86_64", "socket", Condition{Name: "domain", Operation: Equal, Symbol: "AF_INET|AF_UNIX"}, []uint64{1, 2}, []uint64{0, 3}},
		{"x86_64", "socket", Condition{Operation: NotEqual, Symbol: "AF_INET|AF_UNIX"}, []uint64{0, 3}, []uint64{1, 2}},
		{"x86_64", "socket", Condition{Operation: In, Symbols: []string{"AF_INET", "AF_UNIX"}, Values: []uint64{40}}, []uint64{1, 2, 40}, []uint64{0, 3}},
		{"x86_64", "unshare", Condition{Operation: BitsSet, Symbol: "CLONE_NEWUSER|CLONE_NEWNS"}, []uint64{0x10000000, 0x20000}, []uint64{0, 1}},
		{"x86_64", "unshare", Condition{Operation: Equal, Symbol: "CLONE_NEWUSER|0x20000"}, []uint64{0x10020000}, []uint64{0x10000000}},
		{"mips", "unshare", Condition{Operation: Equal, Symbol: "CLONE_NEWUSER"}, []uint64{0x10000000}, []uint64{0}},

		// A 32-bit ABI has 32 bits to compare, whatever is asked for.
		{"i386", "read", Condition{Argument: 2, Operation: Equal, Value: 5, Width: Width64}, []uint64{5}, []uint64{6}},
		{"i386", "read", Condition{Argument: 2, Operation: Equal, Value: 1<<32 | 5}, nil, []uint64{5}},
		{"i386", "read", Condition{Argument: 2, Operation: Equal, Symbol: "-1"}, []uint64{max32}, []uint64{0}},
		{"mips", "read", Condition{Argument: 2, Operation: SignedLessThan, Value: 0}, []uint64{max32}, []uint64{0}},
		{"s390x", "read", Condition{Argument: 2, Operation: Equal, Value: 1<<32 | 5}, []uint64{1<<32 | 5}, []uint64{5}},
	} {
		c := compileFor(t, tt.abi, oneCondition(tt.call, ActionErrno|99, tt.cond))
		info := abi(t, tt.abi)
		check := func(v uint64, want string) {
			var args [6]uint64
			args[tt.cond.Argument] = v // all that are given by name are the first
			if got := decide(c, info, number(t, info, tt.call), args[:]...); got != want {
				t.Errorf("%s %s %+v: %#x gives %s, want %s", tt.abi, tt.call, tt.cond, v, got, want)
			}
		}
		for _, v := range tt.yes {
			check(v, "errno(99)")
		}
		for _, v := range tt.no {
			check(v, "allow")
		}
		if tt.yes == nil && !hasNote(c.Notes, NoteNever, tt.call, tt.abi) {
			t.Errorf("%s %s %+v: no note that it never matches: %v", tt.abi, tt.call, tt.cond, c.Notes)
		}
		if tt.no == nil && !hasNote(c.Notes, NoteAlways, tt.call, tt.abi) {
			t.Errorf("%s %s %+v: no note that it always holds: %v", tt.abi, tt.call, tt.cond, c.Notes)
		}
	}
}

func TestConditionsThatMakeNoSense(t *testing.T) {
	for part, p := range map[string]Policy{
		"no argument has that name":        oneCondition("socket", ActionErrno, Condition{Name: "fd", Operation: Equal}),
		`unknown constant "AF_INTE"`:       oneCondition("socket", ActionErrno, Condition{Operation: Equal, Symbol: "AF_INTE"}),
		"do not mix":                       oneCondition("socket", ActionErrno, Condition{Operation: Equal, Symbol: "AF_INET|CLONE_NEWUSER"}),
		"are alternatives, which LessThan": oneCondition("socket", ActionErrno, Condition{Operation: LessThan, Symbol: "AF_INET|AF_UNIX"}),
		"does not fit in the 32 bits":      oneCondition("socket", ActionErrno, Condition{Operation: Equal, Symbol: "-2147483649"}),
		"a group has no arguments":         oneCondition("@file-system", ActionErrno, Condition{Operation: Equal}),
		`unknown syscall "opneat"`:         oneCondition("opneat", ActionErrno, Condition{Operation: Equal}),
		"no prototype is known":            oneCondition("4242", ActionErrno, Condition{Name: "fd", Operation: Equal}),
		"is not a syscall number":          oneCondition("4294967296", ActionErrno, Condition{Operation: Equal}),
		`unknown group "@file-sistem"`:     {DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionErrno, Names: []string{"@file-sistem"}}}},
		`"openat"`:                         {DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionErrno, Names: []string{"opneat"}}}},
		"invalid kernel":                   {DefaultAction: ActionAllow, Kernel: "new", Syscalls: []SyscallGroup{{Action: ActionErrno, Names: []string{"read"}}}},
		"abis[0]":                          {DefaultAction: ActionAllow, ABIs: []string{"vax"}, Syscalls: []SyscallGroup{{Action: ActionErrno, Names: []string{"read"}}}},
		"x86_64 has no errno EREMDEV":      {DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ErrnoName("EREMDEV"), Names: []string{"read"}}}},
	} {
		if _, err := p.Compile(&CompileOptions{ABI: abi(t, "x86_64")}); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want one with %q", err, part)
		}
	}
}

func TestFirstGroupWins(t *testing.T) {
	p := Policy{DefaultAction: ActionErrno | 1, Syscalls: []SyscallGroup{
		{Action: ActionErrno | 2, NamesWithConditions: []NameWithConditions{
			{Name: "read", Conditions: ArgumentConditions{{Operation: GreaterOrEqual, Value: 10}, {Operation: LessThan, Value: 20}}},
			{Name: "read", Conditions: ArgumentConditions{{Operation: Equal, Value: 30}}},
		}},
		{Action: ActionErrno | 3, NamesWithConditions: []NameWithConditions{
			{Name: "read", Conditions: ArgumentConditions{{Operation: LessThan, Value: 40}}},
		}},
		{Action: ActionErrno | 4, Names: []string{"read", "write"}},
		{Action: ActionErrno | 5, Names: []string{"read"}},
	}}
	c, info := compileFor(t, "x86_64", p), abi(t, "x86_64")
	for fd, want := range map[uint64]int{9: 3, 10: 2, 19: 2, 20: 3, 30: 2, 31: 3, 40: 4} {
		if got := decide(c, info, 0, fd); got != fmt.Sprintf("errno(%d)", want) {
			t.Errorf("read(%d) gives %s, want errno(%d)", fd, got, want)
		}
	}
	if got := decide(c, info, 1); got != "errno(4)" {
		t.Errorf("write gives %s", got)
	}
	if got := decide(c, info, 2); got != "errno(1)" {
		t.Errorf("open gives %s, want the default", got)
	}
	if !hasNote(c.Notes, NoteRedundant, "read", "x86_64") {
		t.Errorf("no note about the entry without effect: %v", c.Notes)
	}
}

func TestUnconditionalWinsInItsGroup(t *testing.T) {
	p := oneCondition("read", ActionErrno|2, Condition{Operation: Equal, Value: 1})
	p.Syscalls[0].Names = []string{"read"}
	c := compileFor(t, "x86_64", p)
	if got := decide(c, abi(t, "x86_64"), 0, 7); got != "errno(2)" || !hasNote(c.Notes, NoteRedundant, "read", "x86_64") {
		t.Errorf("read(7) gives %s, notes %v", got, c.Notes)
	}
}

func TestNumbersOfX86(t *testing.T) {
	denyOpen := func(abis ...string) Policy {
		return Policy{DefaultAction: ActionAllow, ABIs: abis, Syscalls: []SyscallGroup{{Action: ActionErrno | 9, Names: []string{"open", "520"}}}}
	}
	x64, i386 := abi(t, "x86_64"), abi(t, "i386")
	for _, tt := range []struct {
		abis []string
		info *arch.Info
		nr   uint32
		want string
	}{
		{nil, x64, 2, "errno(9)"},
		{nil, x64, 3, "allow"},
		{nil, x64, 511, "allow"},
		{nil, x64, 512, "errno(38)"},
		{nil, x64, 520, "errno(9)"}, // the policy's own number wins
		{nil, x64, 547, "errno(38)"},
		{nil, x64, 548, "allow"},
		{nil, x64, 0x40000002, "errno(38)"},
		{nil, x64, 0x7fffffff, "errno(38)"},
		{nil, x64, 0x80000000, "allow"},
		{nil, x64, 0xffffffff, "errno(38)"},
		{nil, i386, 5, "kill_process"},
		{[]string{"x86_64", "x32"}, x64, 2, "errno(9)"},
		{[]string{"x86_64", "x32"}, x64, 512, "allow"},
		{[]string{"x86_64", "x32"}, x64, 0x40000002, "errno(9)"},
		{[]string{"x86_64", "x32"}, x64, 0x40000003, "allow"},
		{[]string{"x86_64", "x32"}, x64, 0xffffffff, "allow"},
		{[]string{"x32"}, x64, 2, "kill_process"},
		{[]string{"x32"}, x64, 0x40000003, "allow"},
		{[]string{"x86_64", "i386"}, i386, 5, "errno(9)"},
		{[]string{"x86_64", "i386"}, i386, 520, "allow"}, // numbers are the native ABI's
		{[]string{"native", "compat"}, i386, 5, "errno(9)"},
		{[]string{"native", "compat"}, x64, 0x40000002, "errno(38)"},
	} {
		c := compileFor(t, "x86_64", denyOpen(tt.abis...))
		if got := decide(c, tt.info, tt.nr); got != tt.want {
			t.Errorf("abis %v: %v %#x gives %s, want %s", tt.abis, tt.info.Name, tt.nr, got, tt.want)
		}
	}
}

func TestNumberMinusOne(t *testing.T) {
	p := Policy{DefaultAction: ActionKillProcess, Syscalls: []SyscallGroup{{Action: ActionAllow, Names: []string{"-1", "0x3e8"}}}}
	for _, name := range []string{"x86_64", "aarch64", "s390x"} {
		c := compileFor(t, name, p)
		for nr, want := range map[uint32]string{0xffffffff: "allow", 1000: "allow", 1001: "kill_process"} {
			if got := decide(c, abi(t, name), nr); got != want {
				t.Errorf("%s %#x gives %s, want %s", name, nr, got, want)
			}
		}
	}
}

func TestBadArchAction(t *testing.T) {
	p := Policy{DefaultAction: ActionAllow, BadArchAction: ActionErrno | 7, Syscalls: []SyscallGroup{{Action: ActionErrno, Names: []string{"open"}}}}
	if got := decide(compileFor(t, "x86_64", p), abi(t, "i386"), 5); got != "errno(7)" {
		t.Errorf("another ABI's call gives %s", got)
	}
}

func TestErrnoPerABI(t *testing.T) {
	p := Policy{DefaultAction: ErrnoName("ENOSYS"), Syscalls: []SyscallGroup{{Action: ActionAllow, Names: []string{"read"}}}}
	for name, want := range map[string]string{"x86_64": "errno(38)", "mips": "errno(89)", "mips64": "errno(89)", "sparc64": "errno(90)", "s390x": "errno(38)"} {
		if got := decide(compileFor(t, name, p), abi(t, name), number(t, abi(t, name), "write")); got != want {
			t.Errorf("ENOSYS on %s is %s, want %s", name, got, want)
		}
	}
	for action, want := range map[Action]string{
		ActionErrno: "errno(1)", Errno(0): "errno", TrapData(7): "trap(7)", TraceData(9): "trace(9)",
		ActionKillThread: "kill_thread", ActionUserNotify: "user_notif", ActionLog: "log",
	} {
		p.DefaultAction = action
		if got := decide(compileFor(t, "x86_64", p), abi(t, "x86_64"), 1); got != want {
			t.Errorf("%v is %s, want %s", action, got, want)
		}
	}
}

func TestMultiplexedCalls(t *testing.T) {
	i386 := abi(t, "i386")
	socketcall, ipc := number(t, i386, "socketcall"), number(t, i386, "ipc")
	conditioned := []NameWithConditions{{Name: "socket", Conditions: ArgumentConditions{{Operation: Equal, Symbol: "AF_INET"}}}}
	for _, tt := range []struct {
		name   string
		policy Policy
		nr     uint32
		arg    uint64
		want   string
		note   NoteKind
		call   string
	}{
		{"unconditional", Policy{DefaultAction: ActionErrno, Syscalls: []SyscallGroup{{Action: ActionAllow, Names: []string{"socket"}}}},
			socketcall, 1, "allow", NoteMultiplexed, "socket"},
		{"another call", Policy{DefaultAction: ActionErrno, Syscalls: []SyscallGroup{{Action: ActionAllow, Names: []string{"socket"}}}},
			socketcall, 2, "errno(1)", NoteMultiplexed, "socket"},
		{"allow is not widened", Policy{DefaultAction: ActionErrno, Syscalls: []SyscallGroup{{Action: ActionAllow, NamesWithConditions: conditioned}}},
			socketcall, 1, "errno(1)", NoteUnchecked, "socket"},
		{"deny applies", Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionErrno | 9, NamesWithConditions: conditioned}}},
			socketcall, 1, "errno(9)", NoteUnchecked, "socket"},
		{"deny applies to its call", Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionErrno | 9, NamesWithConditions: conditioned}}},
			socketcall, 3, "allow", NoteUnchecked, "socket"},
		{"ipc has a version", Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionErrno | 9, Names: []string{"shmat"}}}},
			ipc, 1<<16 | 21, "errno(9)", NoteMultiplexed, "shmat"},
		{"ipc's other calls", Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionErrno | 9, Names: []string{"shmat"}}}},
			ipc, 22, "allow", NoteMultiplexed, "shmat"},
	} {
		c, err := tt.policy.Compile(&CompileOptions{ABI: i386})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := decide(c, i386, tt.nr, tt.arg); got != tt.want {
			t.Errorf("%s: gives %s, want %s", tt.name, got, tt.want)
		}
		if !hasNote(c.Notes, tt.note, tt.call, "i386") {
			t.Errorf("%s: no note: %v", tt.name, c.Notes)
		}
	}
}

func TestNamesThatAnABILacks(t *testing.T) {
	p := Policy{DefaultAction: ActionKillProcess, Syscalls: []SyscallGroup{{Action: ActionAllow, Names: []string{"open", "openat", "@file-system"}}}}
	c := compileFor(t, "aarch64", p)
	if !hasNote(c.Notes, NoteSkippedCall, "open", "aarch64") || len(c.Notes) != 2 { // openat is in the group too
		t.Errorf("notes %v, want one that open is skipped and one that openat is redundant", c.Notes)
	}
	p.Strict = true
	if _, err := p.Compile(&CompileOptions{ABI: abi(t, "aarch64")}); err == nil || !strings.Contains(err.Error(), `aarch64 has no syscall "open"`) {
		t.Errorf("strict: %v", err)
	}
	if _, err := p.Compile(&CompileOptions{ABI: abi(t, "x86_64")}); err != nil {
		t.Errorf("strict, where all are there: %v", err)
	}
}

func TestKernelBaseline(t *testing.T) {
	p := Policy{DefaultAction: ActionErrno, Kernel: "6.1", Syscalls: []SyscallGroup{{Action: ActionAllow, Names: []string{"read", "fchmodat2"}}}}
	for _, name := range []string{"x86_64", "aarch64", "arm", "mips64"} {
		info := abi(t, name)
		c := compileFor(t, name, p)
		for call, want := range map[string]string{
			"read": "allow", "write": "errno(1)", // there before
			"fchmodat2": "allow", // newer, and named
			"cachestat": "ENOSYS", "mseal": "ENOSYS",
		} {
			if want == "ENOSYS" {
				n, _ := info.Errno("ENOSYS")
				want = fmt.Sprintf("errno(%d)", n)
			}
			if got := decide(c, info, number(t, info, call)); got != want {
				t.Errorf("%s: %s gives %s, want %s", name, call, got, want)
			}
		}
		n, _ := info.Errno("ENOSYS")
		if got := decide(c, info, number(t, info, "mseal")+400); got != fmt.Sprintf("errno(%d)", n) {
			t.Errorf("%s: a number above the table gives %s", name, got)
		}
	}
	arm := abi(t, "arm")
	if got := decide(compileFor(t, "arm", p), arm, 0xf0002); got != "errno(1)" && got != "errno(38)" {
		t.Errorf("arm: cacheflush gives %s", got)
	}
	p.DefaultAction = ActionAllow
	p.Syscalls[0].Action = ActionErrno
	if got := decide(compileFor(t, "x86_64", p), abi(t, "x86_64"), number(t, abi(t, "x86_64"), "mseal")); got != "allow" {
		t.Errorf("with default allow, a newer call gives %s", got)
	}
}

func TestABIsOfOtherMachines(t *testing.T) {
	p := Policy{DefaultAction: ActionErrno, ABIs: []string{"x86_64", "aarch64", "s390x", "mips"}, Syscalls: []SyscallGroup{{Action: ActionAllow, Names: []string{"read"}}}}
	for machine, want := range map[string][]string{
		"x86_64":  {"x86_64", "aarch64"},
		"aarch64": {"aarch64", "x86_64"},
		"s390x":   {"s390x", "mips"},
	} {
		c := compileFor(t, machine, p)
		var got []string
		for _, a := range c.ABIs() {
			got = append(got, a.Name)
			if out := decide(c, a, number(t, a, "read")); out != "allow" {
				t.Errorf("for %s: read on %s gives %s", machine, a.Name, out)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("for %s: covers %v, want %v", machine, got, want)
		}
	}
}

func TestInstructionsAssembleToRaw(t *testing.T) {
	p := policyValue
	p.Strict = false // i386 has calls of @io-event that x86_64 lacks
	c := compileFor(t, "x86_64", p)
	for i, in := range c.Instructions() {
		raw, err := in.Assemble()
		if err != nil || raw != c.Raw()[i] {
			t.Errorf("%d: %v assembles to %v, %v; want %v", i, in, raw, err, c.Raw()[i])
		}
	}
	var text strings.Builder
	if err := c.Dump(&text); err != nil || strings.Count(text.String(), "\n") != len(c.Raw()) || !strings.HasPrefix(text.String(), "0: ") {
		t.Errorf("%v, %s", err, &text)
	}
	if err := cbpf.Program(c.Raw()).Validate(); err != nil {
		t.Error(err)
	}
}

func TestGroupsAreComplete(t *testing.T) {
	for _, name := range Groups() {
		calls, err := Group(name)
		if err != nil || len(calls) == 0 {
			t.Errorf("%s: %v, %v", name, calls, err)
		}
		for _, call := range calls {
			if !arch.Known(call) {
				t.Errorf("%s has %s, which no ABI has", name, call)
			}
		}
	}
}

func TestErrnoNamesAreComplete(t *testing.T) {
	on := map[string]bool{}
	all := arch.All()
	if testing.Short() { // for emulated machines: the tables are the same everywhere
		all = all[:1]
	}
	for _, info := range all {
		for n := range uint16(maxErrno) {
			if name, ok := info.ErrnoName(n); ok {
				on[name] = true
				if _, ok := errnoIndex(name); !ok {
					t.Errorf("errnoNames lacks %s, errno %d of %s", name, n, info.Name)
				}
			}
		}
	}
	if len(on) < 130 {
		t.Errorf("only %d errno names are known", len(on))
	}
	for _, name := range errnoNames {
		known := slices.ContainsFunc(arch.All(), func(i *arch.Info) bool { _, ok := i.Errno(name); return ok })
		if !known {
			t.Errorf("no ABI has the errno %s", name)
		}
	}
}

func TestAdapt(t *testing.T) {
	p := Policy{DefaultAction: ActionKillProcess, Syscalls: []SyscallGroup{
		{Action: ActionLog, Names: []string{"read"}},
		{Action: ActionAllow, Names: []string{"write"}},
		{Action: ActionUserNotify, Names: []string{"open"}},
	}}
	old, notes := p.adapt(func(a Action) bool { return a.Since() != "3.17" })
	if old.DefaultAction != ActionKillThread || old.BadArchAction != ActionKillThread ||
		old.Syscalls[0].Action != ActionAllow || old.Syscalls[1].Action != ActionAllow || old.Syscalls[2].Action != ActionUserNotify {
		t.Errorf("adapted to %+v", old)
	}
	if len(notes) != 3 {
		t.Errorf("notes %v, want three", notes)
	}
	if p.DefaultAction != ActionKillProcess || p.Syscalls[0].Action != ActionLog {
		t.Errorf("the policy itself was changed: %+v", p)
	}
	if same, notes := p.adapt(func(Action) bool { return false }); len(notes) != 0 || same.DefaultAction != ActionKillProcess {
		t.Errorf("adapted to a kernel that lacks nothing: %v", notes)
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, name := range []string{"@system-service", "@known"} {
		p := Policy{DefaultAction: ActionErrno, Syscalls: []SyscallGroup{{Action: ActionAllow, Names: []string{name}}}}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Compile(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
