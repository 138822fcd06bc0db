package seccomp

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

func precompile() (*Precompiled, error) {
	p := Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ErrnoName("EXDEV"), Names: []string{"getpriority"}}}}
	c, err := p.Compile(nil)
	if err != nil {
		return nil, err
	}
	return &Precompiled{ABIs: []string{c.ABIs()[0].Name}, Program: c.Raw()}, nil
}

var loadPrecompiled = testchild.New("load precompiled", func([]byte) ([]byte, error) {
	pre, err := precompile()
	if err != nil {
		return nil, err
	}
	if err := LoadFilter(Filter{NoNewPrivs: true, Precompiled: pre}); err != nil {
		return nil, err
	}
	_, _, errno := unix.RawSyscall(unix.SYS_GETPRIORITY, 0, 0, 0)
	if errno != unix.EXDEV {
		return nil, errors.New("getpriority is not refused: " + errno.Error())
	}
	return []byte("refused"), nil
})

func TestLoadPrecompiled(t *testing.T) {
	if got := loadPrecompiled.Run(t, nil); string(got) != "refused" {
		t.Errorf("%q", got)
	}
}

func TestPrecompiledErrors(t *testing.T) {
	good, err := precompile()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		pre  Precompiled
		want string
	}{
		{Precompiled{ABIs: good.ABIs}, "precompiled filter"},
		{Precompiled{Program: good.Program}, "for which ABIs"},
		{Precompiled{ABIs: []string{"vax"}, Program: good.Program}, "vax"},
		{Precompiled{ABIs: []string{"sparc64"}, Program: good.Program}, "covers [sparc64]"},
		{Precompiled{ABIs: good.ABIs, Program: []bpf.RawInstruction{{Op: 0x15}}}, "precompiled filter"},
	} {
		err := LoadFilter(Filter{Precompiled: &test.pre})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error %v, want one with %q", test.pre.ABIs, err, test.want)
		}
	}
	both := Filter{Precompiled: good, Policy: Policy{DefaultAction: ActionAllow}}
	if err := LoadFilter(both); err == nil || !strings.Contains(err.Error(), "both") {
		t.Errorf("a policy and a program: %v", err)
	}
}

// BenchmarkPrecompiled is all that stands between a precompiled program and
// seccomp(2).
func BenchmarkPrecompiled(b *testing.B) {
	pre, err := precompile()
	if err != nil {
		b.Fatal(err)
	}
	f := Filter{Precompiled: pre}
	b.ReportAllocs()
	for b.Loop() {
		c, err := f.compile()
		if err != nil {
			b.Fatal(err)
		}
		if err := c.runsHere(); err != nil {
			b.Fatal(err)
		}
	}
}
