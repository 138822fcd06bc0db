package ruler

import (
	"github.com/elastic/go-seccomp-bpf/bench/neutral"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

const (
	archX86  = 0xc000003e
	archI386 = 0x40000003
	x32Bit   = 0x40000000
)

// Metrics is what a filter costs in executed instructions, loads and the return
// among them. Means are over the trace.
type Metrics struct {
	Instructions int `json:"instructions"`
	// Longest is the longest path through the program, whether or not a call
	// can take it.
	Longest int `json:"longest"`

	Mean  float64 `json:"mean"`  // every call runs the filter
	Worst int     `json:"worst"` // over all probes, of any ABI

	BitmapMean  float64 `json:"bitmap_mean"`  // calls in the kernel's bitmap cost nothing
	BitmapWorst int     `json:"bitmap_worst"` // over all probes of calls that are not in it
	InBitmap    int     `json:"in_bitmap"`    // calls in the bitmap
	Constant    int     `json:"constant"`     // calls that the policy allows whatever the arguments

	Conditional float64 `json:"conditional"` // over calls that the policy decides by arguments
	Refused     float64 `json:"refused"`     // over known numbers without a rule, each alike
	Uniform     float64 `json:"uniform"`     // over calls that the policy may allow, each alike

	Mismatches int `json:"mismatches"` // probes decided otherwise than by the policy
}

// A Ruler measures filters for one policy.
type Ruler struct {
	policy *neutral.Policy
	trace  *Trace
	probes []probe
}

// A probe is a call of x86_64 and what the policy says to it.
type probe struct {
	nr   uint32
	args [6]uint64
	want uint32
}

// New makes a Ruler.
func New(p *neutral.Policy, t *Trace) *Ruler {
	r := &Ruler{policy: p, trace: t}
	for nr := range uint32(probed) {
		rule := p.Rule(nr)
		args := probes(rule)
		for _, s := range t.Samples[nr] {
			args = append(args, s.Args)
		}
		for i := range args {
			r.probes = append(r.probes, probe{nr, args[i], p.Eval(rule, &args[i])})
		}
	}
	r.probes = append(r.probes, probe{nr: x32Bit - 1, want: p.Eval(nil, &[6]uint64{})})
	return r
}

// Measure measures a valid program.
func (r *Ruler) Measure(program cbpf.Program) Metrics {
	m := &measurement{Ruler: r, program: program}
	m.Instructions, m.Longest = len(program), longest(program)
	m.probeAll()
	m.weigh()
	m.countUniformly()
	return m.Metrics
}

// MostAdded is the most instructions that a call of x86_64 executes more in one
// program than in the other.
func (r *Ruler) MostAdded(before, after cbpf.Program) int {
	most := 0
	for i := range r.probes {
		p := &r.probes[i]
		most = max(most, native(after, p.nr, &p.args)-native(before, p.nr, &p.args))
	}
	return most
}

type measurement struct {
	*Ruler
	Metrics
	program cbpf.Program
}

func run(program cbpf.Program, arch, nr uint32, args *[6]uint64) (ret uint32, executed int) {
	d := cbpf.Data{NR: nr, Arch: arch, Args: *args}
	words := d.Words(false)
	return program.Run(&words)
}

// native is how many instructions a call of x86_64 executes.
func native(program cbpf.Program, nr uint32, args *[6]uint64) int {
	_, n := run(program, archX86, nr, args)
	return n
}

// probeAll compares the filter with the policy and looks for the worst call.
func (m *measurement) probeAll() {
	for i := range m.probes {
		m.compare(&m.probes[i])
	}
	for nr := range uint32(500) {
		m.other(archI386, nr)
		m.other(archX86, nr|x32Bit)
	}
}

func (m *measurement) compare(p *probe) {
	got, n := run(m.program, archX86, p.nr, &p.args)
	m.count(archX86, p.nr, n)
	if got == p.want || p.nr >= firstX32 && p.nr <= lastX32 {
		return
	}
	m.Mismatches++
}

func (m *measurement) other(arch, nr uint32) {
	_, n := run(m.program, arch, nr, &[6]uint64{})
	m.count(arch, nr, n)
}

func (m *measurement) count(arch, nr uint32, executed int) {
	m.Worst = max(m.Worst, executed)
	if executed > m.BitmapWorst && !m.program.ConstAllow(arch, nr) {
		m.BitmapWorst = executed
	}
}

// mean is the mean cost of a call over its samples.
func (m *measurement) mean(nr uint32) float64 {
	var sum, weight float64
	for _, s := range m.trace.samples(m.policy, nr) {
		sum += s.Weight * float64(native(m.program, nr, &s.Args))
		weight += s.Weight
	}
	return sum / weight
}

func (m *measurement) weigh() {
	var total, conditional float64
	for nr, w := range m.trace.Weights {
		cost := w * m.mean(nr)
		total += w
		m.Mean += cost
		if !m.program.ConstAllow(archX86, nr) {
			m.BitmapMean += cost
		}
		if r := m.policy.Rule(nr); r != nil && len(r.Alts) > 0 {
			conditional += w
			m.Conditional += cost
		}
	}
	m.Mean /= max(total, 1)
	m.BitmapMean /= max(total, 1)
	m.Conditional /= max(conditional, 1)
}

func (m *measurement) countUniformly() {
	var refused, uniform int
	for nr := range m.trace.Last + 1 {
		r := m.policy.Rule(nr)
		switch {
		case r == nil && m.policy.Default != "allow":
			refused++
			m.Refused += float64(native(m.program, nr, &[6]uint64{}))
			continue
		case r != nil && r.Action != "allow" && len(r.Alts) == 0:
			continue
		case r == nil || len(r.Alts) == 0:
			m.Constant++
			if m.program.ConstAllow(archX86, nr) {
				m.InBitmap++
			}
		}
		uniform++
		m.Uniform += m.witnesses(r, nr)
	}
	m.Refused /= float64(max(refused, 1))
	m.Uniform /= float64(max(uniform, 1))
}

// witnesses is the mean cost of a call over its rule's alternatives.
func (m *measurement) witnesses(r *neutral.Rule, nr uint32) float64 {
	if r == nil || len(r.Alts) == 0 {
		return float64(native(m.program, nr, &[6]uint64{}))
	}
	var sum, n float64
	for _, alt := range r.Alts {
		if args, ok := witness(alt); ok {
			sum += float64(native(m.program, nr, &args))
			n++
		}
	}
	return sum / max(n, 1)
}

// longest is the number of instructions on the longest path of a valid program,
// in which every jump goes forward.
func longest(program cbpf.Program) int {
	const (
		class, ret, jmp = 0x07, 0x06, 0x05
		ja              = 0x05
	)
	paths := make([]int, len(program)+1)
	for i := len(program) - 1; i >= 0; i-- {
		in := program[i]
		switch {
		case in.Op&class == ret:
			paths[i] = 1
		case in.Op == ja:
			paths[i] = 1 + paths[i+1+int(in.K)]
		case in.Op&class == jmp:
			paths[i] = 1 + max(paths[i+1+int(in.Jt)], paths[i+1+int(in.Jf)])
		default:
			paths[i] = 1 + paths[i+1]
		}
	}
	return paths[0]
}
