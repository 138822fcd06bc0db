package decision

import (
	"math/rand/v2"
	"testing"
)

// randomPredicate is over argument 0, with values near which it changes.
func randomPredicate(s *Space, r *rand.Rand) (Node, []uint64) {
	n := s.Const(uint32(r.IntN(2)))
	var known []uint64
	for range 1 + r.IntN(3) {
		c := Cond{Bits: []uint8{32, 64}[r.IntN(2)], Mask: ^uint64(0), Not: r.IntN(2) == 0}
		lo, hi := r.Uint64()>>r.IntN(64), r.Uint64()>>r.IntN(64)
		c.Set = []Interval{{min(lo, hi), max(lo, hi)}}
		if r.IntN(2) == 0 {
			one, other := r.IntN(64), r.IntN(64)
			c.Mask = 1<<one | 1<<other
			c.Set = []Interval{{lo & c.Mask, lo & c.Mask}}
		}
		known = append(known, lo, hi, c.Mask)
		if r.IntN(2) == 0 {
			n = s.Or(n, s.Cond(&c))
		} else {
			n = s.And(n, s.Cond(&c))
		}
	}
	return n, known
}

func holds(s *Space, n Node, v uint64) bool {
	var words [Words]uint32
	words[WordArg0], words[WordArg0+1] = uint32(v>>32), uint32(v)
	return s.Eval(n, &words) != 0
}

// TestEnumerations compares the ways to take a predicate apart with the
// predicate itself.
func TestEnumerations(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 9))
		s := NewSpace(0)
		p, known := randomPredicate(s, r)
		parts, okParts := s.Intervals64(p, WordArg0, 1<<12)
		cubes, okCubes := s.Cover(p, WordArg0, 1<<12)
		cases, okCases := s.Split(p, WordArg0, 1<<12)
		hull := s.Hull(p, WordArg0)
		checkHull(t, s, p, hull)
		some := s.Exists(p, WordArg0)
		for range 200 {
			v := known[r.IntN(len(known))] + uint64(r.IntN(3)) - 1
			if r.IntN(3) == 0 {
				v = r.Uint64()
			}
			want := holds(s, p, v)
			if okParts && inParts(s, parts, v) != want {
				t.Fatalf("seed %d: %#x: the intervals do not say %v", seed, v, want)
			}
			in := false
			for _, q := range cubes {
				in = in || v&q.Mask == q.Value
			}
			if okCubes && in != want {
				t.Fatalf("seed %d: %#x: the cubes do not say %v", seed, v, want)
			}
			if want && v&hull.Mask != hull.Value {
				t.Fatalf("seed %d: %#x: outside the hull %#x", seed, v, hull)
			}
			if want && !holds(s, some, v&0xffffffff) {
				t.Fatalf("seed %d: %#x: no upper half is said to exist", seed, v)
			}
			matched := 0
			for _, c := range cases {
				if holds(s, c.When, v) {
					matched++
					if holds(s, c.To, v) != want {
						t.Fatalf("seed %d: %#x: its case does not say %v", seed, v, want)
					}
				}
			}
			if okCases && matched != 1 {
				t.Fatalf("seed %d: %#x: in %d cases", seed, v, matched)
			}
		}
	}
}

func inParts(s *Space, parts []Part, v uint64) bool {
	for _, p := range parts {
		if p.Lo <= v && v <= p.Hi {
			value, _ := s.Value(p.To)
			return value != 0
		}
	}
	return false
}

// TestApply combines return values as a stack of filters does.
func TestApply(t *testing.T) {
	s := NewSpace(0)
	a := s.ITE(s.masked(WordNR, ^uint32(0), 5), s.Const(10), s.Const(20))
	b := s.ITE(s.masked(WordArch, 1, 1), s.Const(1), s.Const(2))
	sum := s.Apply(a, b, func(x, y uint32) uint32 { return x + y })
	for _, test := range []struct{ arch, nr, want uint32 }{{1, 5, 11}, {0, 5, 12}, {3, 6, 21}, {2, 0, 22}} {
		words := [Words]uint32{WordArch: test.arch, WordNR: test.nr}
		if got := s.Eval(sum, &words); got != test.want {
			t.Errorf("architecture %d, number %d: %d, want %d", test.arch, test.nr, got, test.want)
		}
	}
	if got := s.Values(sum); len(got) != 4 {
		t.Errorf("values %v, want four", got)
	}
	if words, ok := s.Find(s.Is(sum, func(v uint32) bool { return v == 21 })); !ok || s.Eval(sum, &words) != 21 {
		t.Errorf("found %v for 21", words)
	}
}

// TestBounds gives up where there is too much to list.
func TestBounds(t *testing.T) {
	s := NewSpace(0)
	odd := s.masked(ArgWord(0, false), 1, 1)
	if parts, ok := s.Intervals64(odd, WordArg0, 100); ok {
		t.Errorf("the odd numbers in %d intervals", len(parts))
	}
	if cubes, ok := s.Cover(odd, WordArg0, 100); !ok || len(cubes) != 1 {
		t.Errorf("the odd numbers in %d cubes", len(cubes))
	}
}

// checkHull compares a hull with what each bit can be where p holds.
func checkHull(t *testing.T, s *Space, p Node, hull Cube) {
	t.Helper()
	no := s.Const(falseValue)
	for i := range 64 {
		bit := uint64(1) << i
		clear := s.And(p, s.InCube(WordArg0, Cube{Mask: bit})) != no
		set := s.And(p, s.InCube(WordArg0, Cube{Mask: bit, Value: bit})) != no
		if known := hull.Mask&bit != 0; known == (clear && set) || known && set != (hull.Value&bit != 0) {
			t.Fatalf("bit %d can be clear: %v, set: %v; the hull is %#x", i, clear, set, hull)
		}
	}
}
