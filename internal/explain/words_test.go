package explain

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/symbols"
)

// holds evaluates a condition in the plainest way.
func holds(c *Cond, v uint64) bool {
	if c.Bits == 32 {
		v &= 0xffffffff
	}
	in := false
	for _, w := range c.Values {
		in = in || w == v
	}
	switch c.Op {
	case OpIn:
		return in
	case OpNotIn:
		return !in
	case OpRange:
		return c.Lo <= v && v <= c.Hi
	case OpMask:
		return v&c.Mask == c.Value
	}
	return v&c.Mask != c.Value
}

// interesting values of a register lie around those of conditions.
func interesting(r *rand.Rand, known []uint64) uint64 {
	v := r.Uint64()
	if len(known) > 0 && r.IntN(4) > 0 {
		v = known[r.IntN(len(known))] + uint64(r.IntN(5)) - 2
	}
	switch r.IntN(4) {
	case 0:
		v &= 0xffffffff
	case 1:
		v ^= 1 << r.IntN(64)
	}
	return v
}

// TestRulesAreExact makes functions of random conditions, puts them into words,
// and asks both about many calls.
func TestRulesAreExact(t *testing.T) {
	unsaid := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		var known []uint64
		spec := randomCall(r, &known)
		space := decision.NewSpace(0)
		n := space.Rules(spec.Rules, spec.Else)
		f := &Filter{Space: space, Node: n}
		kind := func(int) symbols.Kind { return symbols.Kind(seed % 3) }
		rules, otherwise, err := f.rules(n, 0x7fff0000, kind)
		if errors.Is(err, ErrWords) {
			unsaid++ // such as two random masks of one argument
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for range 300 {
			var words [decision.Words]uint32
			var args [7]uint64
			for i := range args {
				args[i] = interesting(r, known)
				words[wordOf(i)], words[wordOf(i)+1] = uint32(args[i]>>32), uint32(args[i])
			}
			got := otherwise
			for _, rule := range rules {
				all := true
				for i := range rule.Conds {
					all = all && holds(&rule.Conds[i], args[rule.Conds[i].Arg])
				}
				if all {
					got = rule.Action
					break
				}
			}
			if want := space.Eval(n, &words); got != want {
				t.Fatalf("seed %d: arguments %#x are %#x in words and %#x in truth\n%+v", seed, args, got, want, rules)
			}
		}
	}
	if unsaid > 20 {
		t.Errorf("of 400 functions, %d have no words", unsaid)
	}
}

// randomCall makes rules as policies have them.
func randomCall(r *rand.Rand, known *[]uint64) decision.Call {
	value := func() uint64 {
		v := r.Uint64() >> r.IntN(64)
		*known = append(*known, v)
		return v
	}
	call := decision.Call{Else: []uint32{0x7fff0000, 0x00050001}[r.IntN(2)]}
	for range 1 + r.IntN(3) {
		rule := decision.Rule{Action: []uint32{0x7fff0000, 0x00050001, 0x80000000}[r.IntN(3)]}
		for range 1 + r.IntN(2) {
			c := decision.Cond{Arg: uint8(r.IntN(3)), Bits: []uint8{32, 64}[r.IntN(2)], Mask: ^uint64(0), Not: r.IntN(3) == 0}
			switch r.IntN(4) {
			case 0:
				for range 1 + r.IntN(4) {
					v := value()
					c.Set = append(c.Set, decision.Interval{Lo: v, Hi: v})
				}
			case 1:
				lo, hi := value(), value()
				c.Set = []decision.Interval{{Lo: min(lo, hi), Hi: max(lo, hi)}}
			default:
				c.Mask = value() | 1<<r.IntN(32)
				v := value() & c.Mask
				c.Set = []decision.Interval{{Lo: v, Hi: v}}
			}
			rule.Conds = append(rule.Conds, c)
		}
		call.Rules = append(call.Rules, rule)
	}
	return call
}

// TestWords is the specification of how conditions are said.
func TestWords(t *testing.T) {
	x86, err := arch.GetInfo("x86_64")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		call string
		cond Cond
		want string
	}{
		{"socket", Cond{Arg: 0, Bits: 32, Op: OpIn, Values: []uint64{1}}, "family == AF_UNIX"},
		{"socket", Cond{Arg: 0, Bits: 64, Op: OpNotIn, Values: []uint64{38, 40}}, "family ∉ {AF_ALG, AF_VSOCK} (as 64 bits)"},
		{"clone", Cond{Arg: 0, Bits: 32, Op: OpMask, Mask: 0x10000000}, "clone_flags & CLONE_NEWUSER == 0"},
		{"clone", Cond{Arg: 0, Bits: 64, Op: OpNotMask, Mask: 0x10020000}, "clone_flags & (CLONE_NEWNS|CLONE_NEWUSER) != 0"},
		{"clone", Cond{Arg: 0, Bits: 64, Op: OpMask, Mask: 0xffffffff00000000}, "clone_flags >> 32 == 0x0"},
		{"mmap", Cond{Arg: 1, Bits: 32, Op: OpRange, Hi: 4096}, "len <= 0x1000 (low 32 bits)"},
		{"read", Cond{Arg: 0, Bits: 32, Op: OpRange, Lo: 0, Hi: 0x7fffffff}, "fd <= 0x7fffffff"},
		{"openat", Cond{Arg: 0, Bits: 32, Op: OpRange, Lo: 0, Hi: 0x7fffffff}, "dfd >= 0"},
		{"openat", Cond{Arg: 0, Bits: 32, Op: OpIn, Values: []uint64{0xffffff9c}}, "dfd == AT_FDCWD"},
		{"read", Cond{Arg: ArgIP, Bits: 64, Op: OpRange, Lo: 0x1000, Hi: 0x1fff}, "0x1000 <= instruction pointer <= 0x1fff"},
		{"read", Cond{Arg: 5, Bits: 64, Op: OpIn, Values: []uint64{7}}, "arg5 == 7"},
	} {
		if got := test.cond.Words(x86, test.call); got != test.want {
			t.Errorf("%s: %s, want %s", test.call, got, test.want)
		}
	}
}
