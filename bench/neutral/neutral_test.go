package neutral

import (
	"errors"
	"strings"
	"testing"
)

func TestEval(t *testing.T) {
	call := func(conds ...Cond) *Rule { return &Rule{Action: "allow", Alts: [][]Cond{conds}} }
	p := &Policy{Default: "errno:38"}
	const refused = 0x00050000 | 38
	for _, test := range []struct {
		rule *Rule
		arg  uint64
		want uint32
	}{
		{nil, 0, refused},
		{&Rule{Action: "trap:7"}, 0, 0x00030007},
		{call(Cond{Op: "eq", V: 5}), 5, Allow},
		{call(Cond{Op: "eq", V: 5}), 5 | 1<<32, refused},
		{call(Cond{Op: "ne", V: 5}), 5, refused},
		{call(Cond{Op: "lt", V: 5}), 5, refused},
		{call(Cond{Op: "le", V: 5}), 5, Allow},
		{call(Cond{Op: "gt", V: 5}), 1 << 63, Allow},
		{call(Cond{Op: "ge", V: 5}), 4, refused},
		{call(Cond{Op: "meq", Mask: 0xf0, V: 0x20}), 0x125, Allow},
		{call(Cond{Op: "meq", Mask: 0xf0, V: 0x20}), 0x60, refused},
		{call(Cond{Op: "ge", V: 2}, Cond{Op: "le", V: 4}), 5, refused},
		{&Rule{Action: "log", Alts: [][]Cond{{{Op: "eq", V: 1}}, {{Op: "eq", V: 2}}}}, 2, 0x7ffc0000},
	} {
		if got := p.Eval(test.rule, &[6]uint64{test.arg}); got != test.want {
			t.Errorf("%+v of %#x: have %#x, want %#x", test.rule, test.arg, got, test.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for want, p := range map[string]*Policy{
		"unknown action":    {Default: "permit"},
		"two rules":         {Default: "allow", Rules: []Rule{{NR: 1, Action: "log"}, {NR: 1, Action: "log"}}},
		"unknown operation": {Default: "allow", Rules: []Rule{{Action: "log", Alts: [][]Cond{{{Op: "is"}}}}}},
		"no argument 6":     {Default: "allow", Rules: []Rule{{Action: "log", Alts: [][]Cond{{{Op: "eq", Arg: 6}}}}}},
		"outside the mask":  {Default: "allow", Rules: []Rule{{Action: "log", Alts: [][]Cond{{{Op: "meq", Mask: 1, V: 2}}}}}},
	} {
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("have %v, want %s", err, want)
		}
	}
}

func TestText(t *testing.T) {
	p := &Policy{Default: "errno:1", ABIs: []string{"i386"}, Weights: map[uint32]float64{16: 7},
		Rules: []Rule{{Name: "ioctl", NR: 16, Action: "allow", Alts: [][]Cond{{{Arg: 1, Op: "meq", V: 1, Mask: 3}}}}}}
	const want = "default 0x50001\nabi i386\nweight 16 7\nrule 16 ioctl 0x7fff0000\nalt 1\ncond 1 meq 1 3\n"
	if got := p.Text(); got != want {
		t.Errorf("have\n%swant\n%s", got, want)
	}
}

func TestMeasure(t *testing.T) {
	runs := 0
	var kept []byte
	cost, err := Measure(0, func() error { runs++; kept = make([]byte, 1<<20); return nil })
	if err != nil || runs != 2 || cost.Allocs < 1 || cost.Bytes < uint64(len(kept)) {
		t.Errorf("%d runs cost %+v, error %v", runs, cost, err)
	}
	broken := errors.New("broken")
	if _, err := Measure(0, func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("the compiler's error became %v", err)
	}
}
