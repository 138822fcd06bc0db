package oracle_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/emit"
	"github.com/elastic/go-seccomp-bpf/internal/oracle"
)

// seedVariable repeats a run: it holds the seed that the run printed.
const seedVariable = "SECCOMP_TEST_SEED"

func newSeed(t testing.TB) uint64 {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv(seedVariable); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("repeat with %s=%d", seedVariable, seed)
	return seed
}

// anyAction is an action of any kind.
func anyAction(r *rand.Rand) func() seccomp.Action {
	return func() seccomp.Action {
		switch r.IntN(10) {
		case 0:
			return seccomp.ActionKillThread
		case 1:
			return seccomp.ActionKillProcess
		case 2:
			return seccomp.TrapData(uint16(r.Uint32()))
		case 3:
			return seccomp.TraceData(uint16(r.Uint32()))
		case 4:
			return seccomp.ActionLog
		case 5:
			return seccomp.ActionUserNotify
		case 6:
			return seccomp.ErrnoName([]string{"EPERM", "ENOSYS", "EACCES", "ECONNREFUSED", "EDEADLK"}[r.IntN(5)])
		case 7:
			return seccomp.ActionErrno | seccomp.Action(r.IntN(4096))
		}
		return seccomp.ActionAllow
	}
}

// machines are native ABIs of both byte orders and word sizes.
func machines(t testing.TB) []*arch.Info {
	var list []*arch.Info
	for _, name := range []string{"x86_64", "aarch64", "s390x", "mips64", "i386", "x86_64", "ppc64le", "arm", "sparc64", "mipsel", "riscv64", "ppc64", "mipsel64", "m68k"} {
		abi, err := arch.GetInfo(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, abi)
	}
	return list
}

// tooLong tells whether a policy is honestly refused: these are random and may
// need more than a program can hold.
func tooLong(err error) bool {
	var long *emit.TooLongError
	return errors.As(err, &long)
}

func text(p *seccomp.Policy) string {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Sprintf("%+v (%v)", *p, err)
	}
	return string(b)
}

// TestProgramsDecideAsPoliciesSay holds the programs of random policies, run
// by the interpreter, against the oracle.
func TestProgramsDecideAsPoliciesSay(t *testing.T) {
	seed := newSeed(t)
	policies, calls := 600, 300
	if testing.Short() {
		policies = 100
	}
	native := machines(t)
	decisions, instructions, long := 0, 0, 0
	results := map[uint32]int{}
	for i := range policies {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		g := &generator{Rand: r, machine: native[i%len(native)], action: anyAction(r)}
		p := g.next()
		compiled, err := p.Compile(&seccomp.CompileOptions{ABI: g.machine, Objective: seccomp.Objective(i / 3 % 4)})
		if tooLong(err) {
			long++
			continue
		}
		if err != nil {
			t.Fatalf("seed %d, policy %d on %s: %v\n%s", seed, i, g.machine.Name, err, text(p))
		}
		o, err := oracle.New(p, g.machine)
		if err != nil {
			t.Fatalf("seed %d, policy %d on %s: %v\n%s", seed, i, g.machine.Name, err, text(p))
		}
		program := cbpf.Program(compiled.Raw())
		instructions += len(program)
		for range calls {
			c := g.someCall()
			want, err := o.Decide(c)
			if err != nil {
				t.Fatalf("seed %d, policy %d on %s: %v: %v\n%s", seed, i, g.machine.Name, c, err, text(p))
			}
			words := (&cbpf.Data{NR: c.NR, Arch: c.Arch, IP: r.Uint64(), Args: c.Args}).Words(g.machine.BigEndian)
			if have, _ := program.Run(&words); have != want {
				t.Errorf("seed %d, policy %d on %s: %v: the program returns %#x, the policy says %#x\n%s", seed, i, g.machine.Name, c, have, want, text(p))
				break
			}
			decisions++
			results[want&cbpf.RetActionFull]++
		}
	}
	t.Logf("%d policies, %d too long, %d decisions, %d instructions on average, by action: %x", policies, long, decisions, instructions/policies, results)
	if long > policies/100 || decisions < policies*calls*9/10 {
		t.Errorf("%d decisions of %d policies, of which %d are too long: hardly a test", decisions, policies, long)
	}
}
