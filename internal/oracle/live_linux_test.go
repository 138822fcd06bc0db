package oracle_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/oracle"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

// liveRun says what a child is to do and, coming back, what it did.
type liveRun struct {
	Seed            uint64
	Policies, Calls int
	First           int // the first policy's number

	Decisions, Gate, X32, Negative, Loaded int
	Results                                int // different errnos
	NoGate                                 bool
}

// compareWithKernel lets oracle, interpreter and kernel decide the same calls.
// Every action is an errno, so that none is made.
var compareWithKernel = testchild.New("compare with kernel", func(in []byte) ([]byte, error) {
	var run liveRun
	if err := json.Unmarshal(in, &run); err != nil {
		return nil, err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	probes, err := sharedProbes(run.Calls)
	if err != nil {
		return nil, err
	}
	machine, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	run.NoGate = !gateOpen(probes)
	results := map[uintptr]bool{}
	for i := run.First; i < run.First+run.Policies; i++ {
		r := rand.New(rand.NewPCG(run.Seed, uint64(i)))
		g := &generator{Rand: r, machine: machine, action: distinctErrnos(i)}
		if err := run.policy(g, probes, results); err != nil {
			return nil, fmt.Errorf("seed %d, policy %d: %w\n%s", run.Seed, i, err, text(g.policy))
		}
	}
	run.Results = len(results)
	return json.Marshal(run)
})

// distinctErrnos gives another errno each time, the first depending on from.
func distinctErrnos(from int) func() seccomp.Action {
	n := seccomp.Action(200 + from*7%3000)
	return func() seccomp.Action {
		n++
		return seccomp.ActionErrno | n
	}
}

// gateOpen tells whether the kernel takes calls of the other ABI at all: a
// kernel without IA32_EMULATION ends the process.
func gateOpen(probes []probe) bool {
	if !hasGate {
		return false
	}
	probes[0] = probe{gate: true, frame: [7]uint32{gateGetpid}}
	return runInKernel(nil, probes[:1]) == nil && int32(-probes[0].result) > 0
}

func (run *liveRun) policy(g *generator, probes []probe, results map[uintptr]bool) error {
	p := g.next()
	p.BadArchAction = g.action()
	compiled, err := p.Compile(&seccomp.CompileOptions{ABI: g.machine, Objective: seccomp.Objective(g.IntN(4))})
	if tooLong(err) {
		return nil
	}
	if err != nil {
		return err
	}
	o, err := oracle.New(p, g.machine)
	if err != nil {
		return err
	}
	calls := make([]oracle.Call, len(probes))
	for i := range calls {
		calls[i] = g.someCall()
		run.aim(&probes[i], &calls[i], g)
	}
	program := cbpf.Program(compiled.Raw())
	if len(program)+6 > 4096 {
		return nil
	}
	run.Loaded++
	if err := runInKernel(exitable(program, g.machine.BigEndian), probes); err != nil {
		return err
	}
	for i, c := range calls {
		want, err := o.Decide(c)
		if err != nil {
			return err
		}
		words := (&cbpf.Data{NR: c.NR, Arch: c.Arch, Args: c.Args}).Words(g.machine.BigEndian)
		have, _ := program.Run(&words)
		made := probes[i].result
		if have != want || uint32(made) != want&cbpf.RetData || want&cbpf.RetActionFull != cbpf.RetErrno {
			return fmt.Errorf("%v: the policy says %#x, the program returns %#x, the kernel returned errno %d", c, want, have, made)
		}
		run.Decisions++
		results[made] = true
	}
	return nil
}

// aim makes c a call that this process can make, and the probe the making of it.
func (run *liveRun) aim(p *probe, c *oracle.Call, g *generator) {
	*p = probe{}
	if g.machine.Name == "x86_64" && !run.NoGate && c.Arch == gateArch {
		p.gate = true
		p.frame[0] = c.NR
		for i := range c.Args {
			c.Args[i] &= 1<<32 - 1
			p.frame[1+i] = uint32(c.Args[i])
		}
		run.Gate++
		return
	}
	c.Arch = uint32(g.machine.ID)
	if name, _ := g.machine.SyscallName(c.NR); name == "uretprobe" || name == "uprobe" {
		// The kernel makes these without asking filters
		// (kernel/seccomp.c: seccomp_uprobe_exception).
		c.NR = ^uint32(0)
	}
	if g.machine.Name == "s390x" {
		// Which keeps 16 bits of a number, and gives restart_syscall to no filter
		// (arch/s390/kernel/syscall.c: __do_syscall).
		const restartSyscall = 7
		if c.NR &= 1<<16 - 1; c.NR == restartSyscall {
			c.NR++
		}
	}
	p.nr = uintptr(int32(c.NR)) // -1 must not be a positive number of 64 bits
	for i := range c.Args {
		p.args[i] = uintptr(c.Args[i])
		c.Args[i] = uint64(p.args[i])
	}
	if c.NR == ^uint32(0) {
		run.Negative++
	} else if c.NR&(1<<30) != 0 {
		run.X32++
	}
}

const gateArch = 0x40000003 // AUDIT_ARCH_I386

// TestKernelDecidesAsPoliciesSay has the running kernel decide a million calls.
func TestKernelDecidesAsPoliciesSay(t *testing.T) {
	seed := newSeed(t)
	want, calls, children, policies, results := 1_000_000, 2500, 2, 50, 8
	if testing.Short() {
		want, calls, children, policies, results = 22_000, 2800, 1, 4, 4 // for emulated machines
	}
	var sum liveRun
	for want > sum.Decisions {
		runs := make([]liveRun, children)
		for i := range runs {
			runs[i] = liveRun{Seed: seed, Policies: policies, Calls: calls, First: sum.First}
			sum.First += runs[i].Policies
		}
		for i := range runs {
			in, err := json.Marshal(runs[i])
			if err != nil {
				t.Fatal(err)
			}
			r, err := compareWithKernel.Do(in, testchild.Options{Timeout: 5 * time.Minute})
			switch {
			case err != nil:
				t.Fatal(err)
			case r.Err != nil || !r.Returned || r.ExitCode != 0:
				t.Fatalf("%s\n%s", r.Status(), r.Log)
			}
			if err := json.Unmarshal(r.Out, &runs[i]); err != nil {
				t.Fatal(err)
			}
			sum.add(&runs[i])
		}
	}
	t.Logf("%d policies, %d loaded, %d decisions in the kernel, of which %d through the 32-bit gate (closed: %v), %d with x32's bit, %d of number -1; %d different errnos in one child",
		sum.Policies, sum.Loaded, sum.Decisions, sum.Gate, sum.NoGate, sum.X32, sum.Negative, sum.Results)
	if hasGate && !sum.NoGate && min(sum.Gate, sum.X32, 100*sum.Negative) < want/20 {
		t.Errorf("some kinds of calls were hardly made: %+v", sum)
	}
	if sum.Results < results || sum.Loaded < want/calls/2 {
		t.Errorf("hardly a test: %+v", sum)
	}
}

func (run *liveRun) add(other *liveRun) {
	run.Decisions += other.Decisions
	run.Gate += other.Gate
	run.X32 += other.X32
	run.Negative += other.Negative
	run.Loaded += other.Loaded
	run.Policies += other.Policies
	run.Results = max(run.Results, other.Results)
	run.NoGate = other.NoGate
}
