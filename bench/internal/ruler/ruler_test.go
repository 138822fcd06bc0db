package ruler

import (
	"testing"

	"github.com/elastic/go-seccomp-bpf/bench/neutral"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

const (
	ld, jeq, ret = 0x20, 0x15, 0x06
	errnoEPERM   = 0x00050001
)

// example allows read, and ioctl with one request; nothing else.
var example = &neutral.Policy{Name: "example", Default: "errno:1", Rules: []neutral.Rule{
	{Name: "read", NR: 0, Action: "allow"},
	{Name: "ioctl", NR: 16, Action: "allow", Alts: [][]neutral.Cond{{{Arg: 1, Op: "eq", V: 0x5401}}}},
}}

// exampleProgram is the same by hand.
func exampleProgram() cbpf.Program {
	return cbpf.Program{
		{Op: ld, K: 4},                     // 0: arch
		{Op: jeq, K: archX86, Jt: 1},       // 1
		{Op: ret, K: 0x80000000},           // 2
		{Op: ld, K: 0},                     // 3: nr
		{Op: jeq, K: 0, Jt: 5},             // 4: read
		{Op: jeq, K: 16, Jf: 5},            // 5: ioctl
		{Op: ld, K: 28},                    // 6: args[1], high half
		{Op: jeq, K: 0, Jf: 3},             // 7
		{Op: ld, K: 24},                    // 8: low half
		{Op: jeq, K: 0x5401, Jt: 0, Jf: 1}, // 9
		{Op: ret, K: cbpf.RetAllow},        // 10
		{Op: ret, K: errnoEPERM},           // 11
	}
}

func exampleTrace() *Trace {
	return &Trace{
		Weights: map[uint32]float64{0: 3, 16: 1},
		Samples: map[uint32][]Sample{16: {{[6]uint64{3, 0x5401}, 1}, {[6]uint64{3, 0x5401 | 1<<40}, 3}}},
		Last:    19,
	}
}

func TestMeasure(t *testing.T) {
	p := exampleProgram()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	got := New(example, exampleTrace()).Measure(p)
	// read: 0 1 3 4 10. ioctl: 0 1 3 4 5 6 7 11, or up to 9 and a return.
	ioctl := (10*1 + 8*3) / 4.0
	want := Metrics{
		Instructions: 12, Longest: 10,
		Mean: (5*3 + ioctl) / 4, Worst: 10,
		BitmapMean: ioctl / 4, BitmapWorst: 10, InBitmap: 1, Constant: 1,
		Conditional: ioctl, Refused: 6, Uniform: (5 + 10) / 2.0,
	}
	if got != want {
		t.Errorf("have %+v\nwant %+v", got, want)
	}
}

// TestMistakesShow changes one instruction at a time to what a compiler could
// have got wrong.
func TestMistakesShow(t *testing.T) {
	for name, mistake := range map[string]func(cbpf.Program){
		"a call more":           func(p cbpf.Program) { p[4].K = 1 },
		"another request":       func(p cbpf.Program) { p[9].K = 0x5402 },
		"high half ignored":     func(p cbpf.Program) { p[7].Jf = 0 },
		"wrong argument":        func(p cbpf.Program) { p[8].K = 32 },
		"another errno":         func(p cbpf.Program) { p[11].K++ },
		"bits tested at all":    func(p cbpf.Program) { p[9].Op = 0x45 },
		"register not reloaded": func(p cbpf.Program) { p[8] = p[7]; p[8].Jf = 2 },
	} {
		p := exampleProgram()
		mistake(p)
		if m := New(example, exampleTrace()).Measure(p); m.Mismatches == 0 {
			t.Errorf("%s: no probe shows it", name)
		}
	}
}

func TestMostAdded(t *testing.T) {
	longer := append(cbpf.Program{{Op: ld, K: 0}, {Op: ld, K: 0}}, exampleProgram()...)
	if n := New(example, exampleTrace()).MostAdded(exampleProgram(), longer); n != 2 {
		t.Errorf("two more instructions for every call are counted as %d", n)
	}
}

func TestUniform(t *testing.T) {
	u, err := Uniform(example)
	if err != nil {
		t.Fatal(err)
	}
	if len(u.Weights) != 2 || u.Weights[0] != 1 || u.Names["ioctl"] != 1 {
		t.Errorf("calls that may be allowed: %v", u.Names)
	}
}
