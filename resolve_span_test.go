package seccomp

import (
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// TestNumberRanges decides calls by ranges of numbers and by groups that are
// for some of the ABIs only.
func TestNumberRanges(t *testing.T) {
	x86, err := arch.GetInfo("x86_64")
	if err != nil {
		t.Fatal(err)
	}
	p := Policy{
		ABIs:          []string{"x86_64", "i386"},
		DefaultAction: ActionAllow,
		Syscalls: []SyscallGroup{
			{Action: TraceData(1), Names: []string{"getpid", "-1"}},
			{Action: TraceData(2), NamesWithConditions: []NameWithConditions{
				{Name: "600", Conditions: ArgumentConditions{{Operation: Equal, Value: 7}}},
			}},
			{Action: TraceData(3), Names: []string{"512-0x2ff", "0x40000000-0xffffffff"}},
			{Action: TraceData(4), Names: []string{"600", "500-800"}},
			{Action: TraceData(5), Names: []string{"20", "getpid"}, ABIs: []string{"i386"}},
			{Action: TraceData(6), Names: []string{"0-4294967295"}, ABIs: []string{"i386"}},
		},
	}
	c, err := p.Compile(&CompileOptions{ABI: x86})
	if err != nil {
		t.Fatal(err)
	}
	const i386 = 0x40000003
	for _, test := range []struct {
		arch, nr uint32
		arg      uint64
		want     uint32 // trace data; 0 is allow
	}{
		{uint32(x86.ID), 39, 0, 1},         // getpid
		{uint32(x86.ID), 0xffffffff, 0, 1}, // named before the range
		{uint32(x86.ID), 600, 7, 2},
		{uint32(x86.ID), 600, 8, 3}, // the range goes on where the condition fails
		{uint32(x86.ID), 512, 0, 3}, // in place of what x32 gets by itself
		{uint32(x86.ID), 0x2ff, 0, 3},
		{uint32(x86.ID), 0x40000000, 0, 3},
		{uint32(x86.ID), 0x80000000, 0, 3},
		{uint32(x86.ID), 500, 0, 4},
		{uint32(x86.ID), 0x300, 0, 4},
		{uint32(x86.ID), 801, 0, 0},
		{uint32(x86.ID), 20, 0, 0}, // i386's number only
		{i386, 20, 0, 1},           // getpid again, by its name
		{i386, 600, 0, 6},          // a number without ABIs is the native one's
		{i386, 0, 0, 6},
		{i386, 0xffffffff, 0, 6},
	} {
		call := cbpf.Data{Arch: test.arch, NR: test.nr, Args: [6]uint64{test.arg}}
		words := call.Words(false)
		got, _ := cbpf.Program(c.Raw()).Run(&words)
		want := uint32(ActionTrace) | test.want
		if test.want == 0 {
			want = uint32(ActionAllow)
		}
		if got != want {
			t.Errorf("arch %#x number %#x argument %d: %s, want %s", test.arch, test.nr, test.arg,
				cbpf.ReturnString(got), cbpf.ReturnString(want))
		}
	}
}

func TestNumberRangeErrors(t *testing.T) {
	for _, test := range []struct {
		group SyscallGroup
		want  string
	}{
		{SyscallGroup{Names: []string{"9-3"}}, "starts with the lower"},
		{SyscallGroup{Names: []string{"1-"}}, "not a syscall number"},
		{SyscallGroup{Names: []string{"1-0x100000000"}}, "not a syscall number"},
		{SyscallGroup{Names: []string{"1-2-3"}}, "not a syscall number"},
		{SyscallGroup{Names: []string{"read"}, ABIs: []string{"i386"}}, "does not cover i386"},
		{SyscallGroup{Names: []string{"read"}, ABIs: []string{"x86_46"}}, "abis[0]"},
		{SyscallGroup{NamesWithConditions: []NameWithConditions{
			{Name: "1-2", Conditions: ArgumentConditions{{Operation: Equal}}}}}, "takes no conditions"},
	} {
		test.group.Action = ActionAllow
		p := Policy{DefaultAction: ActionKillProcess, ABIs: []string{"x86_64"}, Syscalls: []SyscallGroup{test.group}}
		_, err := p.Compile(nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error %v, want one with %q", test.group, err, test.want)
		}
	}
}
