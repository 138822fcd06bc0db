package emit

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// decide is what a Spec says about a call, read off its fields one by one. It
// is what programs are held against, and shares nothing with their making.
func decide(s *decision.Spec, d *cbpf.Data) uint32 {
	for _, a := range s.ABIs {
		if a.Arch != d.Arch {
			continue
		}
		for _, c := range a.Calls {
			if c.NR != d.NR {
				continue
			}
			for _, r := range c.Rules {
				if allHold(r.Conds, d) {
					return r.Action
				}
			}
			return c.Else
		}
		for _, r := range a.Ranges {
			if r.Lo <= d.NR && d.NR <= r.Hi {
				return r.Action
			}
		}
		return a.Default
	}
	return s.BadArch
}

func allHold(conds []decision.Cond, d *cbpf.Data) bool {
	for _, c := range conds {
		v := d.Args[c.Arg]
		if c.Bits == 32 {
			v = uint64(uint32(v))
		}
		v &= c.Mask
		in := false
		for _, iv := range c.Set {
			in = in || iv.Lo <= v && v <= iv.Hi
		}
		if in == c.Not {
			return false
		}
	}
	return true
}

// A specMaker makes Specs, and calls near everything a Spec compares with.
type specMaker struct {
	*rand.Rand
	spec   *decision.Spec
	values []uint64
}

var edges = []uint64{0, 1, 2, 3, 7, 8, 0xff, 0x100, 0xffff, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<32 + 1, 1<<63 - 1, 1 << 63, ^uint64(0) - 1, ^uint64(0),
	0xffffffff00000000, 0xfffffffe00000001, 0x100000000ff}

func (m *specMaker) value() uint64 {
	switch m.IntN(4) {
	case 0:
		return m.Uint64() >> m.IntN(64)
	case 1:
		if len(m.values) > 0 {
			return m.near(m.values[m.IntN(len(m.values))])
		}
	}
	return edges[m.IntN(len(edges))]
}

func (m *specMaker) near(v uint64) uint64 {
	switch m.IntN(7) {
	case 0:
		return v + 1
	case 1:
		return v - 1
	case 2:
		return v ^ 1<<m.IntN(64)
	case 3:
		return v ^ 1<<m.IntN(32)
	case 4:
		return v ^ m.Uint64()<<32
	}
	return v
}

// mask has the shapes that masks have: all, few bits, a field, one half, most.
func (m *specMaker) mask() uint64 {
	bit := uint64(1) << m.IntN(64)
	switch m.IntN(12) {
	case 0:
		return bit
	case 1:
		return bit | 1<<m.IntN(64) | 1<<m.IntN(64)
	case 2:
		return bit - 1
	case 3:
		return ^(bit - 1)
	case 4:
		return ^bit
	case 5:
		return 0xff << m.IntN(57)
	case 6:
		return 0xffffffff00000000
	case 7:
		return 0
	}
	return ^uint64(0)
}

func (m *specMaker) cond() decision.Cond {
	c := decision.Cond{Arg: uint8(m.IntN(3) * 2), Bits: 64, Mask: m.mask(), Not: m.IntN(3) == 0}
	if m.IntN(4) == 0 {
		c.Arg = uint8(m.IntN(6))
	}
	if m.IntN(2) == 0 {
		c.Bits = 32
		c.Mask &= 1<<32 - 1
	}
	for range m.IntN(4) {
		lo := m.value()
		hi := lo
		switch m.IntN(5) {
		case 0:
			hi = max(lo, m.value())
		case 1:
			hi = ^uint64(0)
		case 2:
			hi = max(lo, lo+m.Uint64N(20))
		default:
			if c.Mask != 0 {
				lo &= c.Mask
				hi = lo
			}
		}
		if c.Bits == 32 && m.IntN(4) != 0 {
			lo, hi = lo&(1<<32-1), hi&(1<<32-1)
			lo, hi = min(lo, hi), max(lo, hi)
		}
		c.Set = append(c.Set, decision.Interval{Lo: lo, Hi: hi})
		m.values = append(m.values, lo, hi)
	}
	return c
}

func (m *specMaker) action() uint32 {
	return []uint32{cbpf.RetAllow, cbpf.RetAllow, cbpf.RetKillThread, cbpf.RetKillProcess, cbpf.RetLog, cbpf.RetErrno | 1, cbpf.RetErrno | m.Uint32N(4096)}[m.IntN(7)]
}

func (m *specMaker) call(nr uint32) decision.Call {
	c := decision.Call{NR: nr, Else: m.action()}
	for range m.IntN(4) {
		r := decision.Rule{Action: m.action()}
		for range m.IntN(4) {
			r.Conds = append(r.Conds, m.cond())
		}
		c.Rules = append(c.Rules, r)
	}
	return c
}

// next makes another Spec.
func (m *specMaker) next() *decision.Spec {
	m.values = nil
	m.spec = &decision.Spec{BigEndian: m.IntN(2) == 0, BadArch: m.action()}
	arches := []uint32{0xc000003e, 0x40000003, 0x80000016, 8, ^uint32(0), 0}
	m.Shuffle(len(arches), func(i, j int) { arches[i], arches[j] = arches[j], arches[i] })
	for _, arch := range arches[:m.IntN(4)] {
		m.spec.ABIs = append(m.spec.ABIs, m.abi(arch))
	}
	return m.spec
}

func (m *specMaker) abi(arch uint32) decision.ABI {
	a := decision.ABI{Arch: arch, Default: m.action()}
	nr := uint64(m.IntN(3)) * uint64(m.Uint32N(5000))
	if m.IntN(8) == 0 {
		nr = 1<<32 - 1 - uint64(m.IntN(700)) // up to the last number
	}
	for range m.IntN(12) {
		if nr > 1<<32-1 {
			break
		}
		if m.IntN(4) == 0 {
			hi := min(nr+m.Uint64N(1<<m.IntN(33)), 1<<32-1)
			a.Ranges = append(a.Ranges, decision.Range{Lo: uint32(nr), Hi: uint32(hi), Action: m.action()})
			nr = hi + 1
		} else {
			a.Calls = append(a.Calls, m.call(uint32(nr)))
			nr++
		}
		nr += m.Uint64N(3)
	}
	return a
}

// probe is a call that the Spec has something to say about.
func (m *specMaker) probe() *cbpf.Data {
	d := &cbpf.Data{NR: m.Uint32N(40), Arch: m.Uint32(), IP: m.Uint64()}
	for i := range d.Args {
		d.Args[i] = m.near(m.value())
	}
	if len(m.spec.ABIs) == 0 {
		return d
	}
	a := &m.spec.ABIs[m.IntN(len(m.spec.ABIs))]
	d.Arch = a.Arch
	if len(a.Ranges) > 0 && m.IntN(4) == 0 {
		r := a.Ranges[m.IntN(len(a.Ranges))]
		d.NR = []uint32{r.Lo - 1, r.Lo, r.Hi, r.Hi + 1}[m.IntN(4)]
		return d
	}
	if len(a.Calls) == 0 {
		return d
	}
	c := a.Calls[m.IntN(len(a.Calls))]
	d.NR = c.NR + m.Uint32N(20)/19
	if len(c.Rules) == 0 {
		return d
	}
	for _, k := range c.Rules[m.IntN(len(c.Rules))].Conds {
		if len(k.Set) == 0 {
			continue
		}
		iv := k.Set[m.IntN(len(k.Set))]
		v := []uint64{iv.Lo, iv.Hi, iv.Lo - 1, iv.Hi + 1, iv.Lo/2 + iv.Hi/2}[m.IntN(5)]
		v = v&k.Mask | m.value()&^k.Mask
		if k.Bits == 32 {
			v = v&(1<<32-1) | m.Uint64()<<32*m.Uint64N(2)
		}
		d.Args[k.Arg] = v
	}
	return d
}

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

// TestProgramsDecideAsSpecsSay holds the programs of random Specs, for each
// objective, against the naive reading of the Spec. The proof is left out: it
// is the other half of what is under test.
func TestProgramsDecideAsSpecsSay(t *testing.T) {
	seed := newSeed(t)
	specs, calls := 600, 60
	if testing.Short() {
		specs = 150
	}
	decisions, long := 0, 0
	for i := range specs {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		m := &specMaker{Rand: r}
		spec := m.next()
		for objective := range Size + 1 {
			opt := Options{Objective: objective, SkipProof: i%2 == 0}
			if r.IntN(2) == 0 {
				opt.Weight = func(arch, nr uint32) float64 { return float64((arch ^ nr*2654435761) >> (nr % 32) % 1000) }
			}
			result, err := Compile(spec, opt)
			var tooLong *TooLongError
			if errors.As(err, &tooLong) {
				long++
				continue
			}
			if err != nil {
				t.Fatalf("seed %d, spec %d, objective %d: %v\n%+v", seed, i, objective, err, spec)
			}
			program := cbpf.Program(result.Program)
			if err := program.Validate(); err != nil {
				t.Fatalf("seed %d, spec %d, objective %d: %v\n%+v", seed, i, objective, err, spec)
			}
			for range calls {
				d := m.probe()
				words := d.Words(spec.BigEndian)
				have, _ := program.Run(&words)
				if want := decide(spec, d); have != want {
					t.Fatalf("seed %d, spec %d, objective %d: %+v: the program returns %#x, the spec says %#x\n%+v", seed, i, objective, d, have, want, spec)
				}
				decisions++
			}
		}
	}
	t.Logf("%d specs, %d programs too long, %d decisions", specs, long, decisions)
	if long > specs/50 {
		t.Errorf("%d programs are too long: hardly a test", long)
	}
}
