package seccomp

import "testing"

// TestMIPSNumbersOfOtherABIs: a 64-bit MIPS kernel takes the numbers of all
// its ABIs from a task of any, so that a denylist needs them guarded.
func TestMIPSNumbersOfOtherABIs(t *testing.T) {
	p := Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionErrno, Names: []string{"openat"}}}}
	openat := map[string]uint32{"mips": 4288, "mips64": 5247, "mips64n32": 6251, "mipsel": 4288, "mipsel64": 5247, "mipsel64n32": 6251}
	for name, own := range openat {
		c := compileFor(t, name, p)
		for _, nr := range openat {
			want := "kill_process"
			if nr == own {
				want = "errno(1)"
			}
			if got := decide(c, abi(t, name), nr); got != want {
				t.Errorf("%s: %d gives %s, want %s", name, nr, got, want)
			}
		}
		if got := decide(c, abi(t, name), own+1); got != "allow" {
			t.Errorf("%s: %d gives %s, want allow", name, own+1, got)
		}
	}
}

// TestGuardedNumbersKeepTheirGuard: naming a guarded number with a condition
// does not open it to the calls that do not meet the condition.
func TestGuardedNumbersKeepTheirGuard(t *testing.T) {
	p := Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionKillProcess, NamesWithConditions: []NameWithConditions{
		{Name: "0x40000000", Conditions: ArgumentConditions{{Argument: 0, Operation: Equal, Value: 3}}}}}}}
	c := compileFor(t, "x86_64", p)
	if got := decide(c, abi(t, "x86_64"), 0x40000000); got != "errno(38)" {
		t.Errorf("x32's read gives %s, want ENOSYS", got)
	}
}

// TestGroupsDecideInOrderAcrossABIs: x86_64 and x32 share an audit
// architecture, and the first group decides for both.
func TestGroupsDecideInOrderAcrossABIs(t *testing.T) {
	p := Policy{DefaultAction: ActionKillProcess, ABIs: []string{"x86_64", "x32"}, Syscalls: []SyscallGroup{
		{Action: ActionErrno | 5, Names: []string{"read"}},
		{Action: ActionErrno | 6, Names: []string{"0x40000000"}}}}
	if got := decide(compileFor(t, "x86_64", p), abi(t, "x86_64"), 0x40000000); got != "errno(5)" {
		t.Errorf("x32's read gives %s, want errno(5)", got)
	}
}

// TestNumbersHavePrototypes: a call named by its number is compared as wide as
// the kernel looks.
func TestNumbersHavePrototypes(t *testing.T) {
	p := Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionErrno, NamesWithConditions: []NameWithConditions{
		{Name: "41", Conditions: ArgumentConditions{{Name: "domain", Operation: Equal, Value: 38}}}}}}}
	c := compileFor(t, "x86_64", p)
	if got := decide(c, abi(t, "x86_64"), 41, 1<<32|38); got != "errno(1)" {
		t.Errorf("socket(AF_ALG) with high bits gives %s", got)
	}
}

// TestConditionsBehindMultiplexersNeedNoPrototype: an ABI that has a call only
// through ipc has no prototype to look argument names up in.
func TestConditionsBehindMultiplexersNeedNoPrototype(t *testing.T) {
	p := Policy{DefaultAction: ActionAllow, ABIs: []string{"x86_64", "i386"}, Syscalls: []SyscallGroup{{Action: ActionErrno, NamesWithConditions: []NameWithConditions{
		{Name: "semop", Conditions: ArgumentConditions{{Name: "semid", Operation: Equal, Value: 3}}}}}}}
	c := compileFor(t, "x86_64", p)
	if got := decide(c, abi(t, "i386"), number(t, abi(t, "i386"), "ipc"), 1); got != "errno(1)" {
		t.Errorf("ipc(SEMOP) gives %s", got)
	}
}

// TestNumbersStayWithinTheirABI: where x86_64 and x32 are covered, a group for
// one of them does not decide the other's numbers.
func TestNumbersStayWithinTheirABI(t *testing.T) {
	p := Policy{DefaultAction: ActionKillProcess, ABIs: []string{"x86_64", "x32"}, Syscalls: []SyscallGroup{
		{Action: ActionErrno | 5, ABIs: []string{"x32"}, Names: []string{"0", "0x40000001", "2-0x40000003"}},
		{Action: ActionErrno | 6, ABIs: []string{"x86_64"}, Names: []string{"0", "0x40000001", "2-3"}}}}
	c := compileFor(t, "x86_64", p)
	for nr, want := range map[uint32]string{0: "errno(6)", 2: "errno(6)", 3: "errno(6)", 4: "kill_process",
		0x40000000: "errno(5)", 0x40000001: "errno(5)", 0x40000003: "errno(5)", 0x40000004: "kill_process"} {
		if got := decide(c, abi(t, "x86_64"), nr); got != want {
			t.Errorf("%#x gives %s, want %s", nr, got, want)
		}
	}
}
