package decision

import (
	"testing"

	"golang.org/x/net/bpf"
)

// TestLiftBounded: a bounded lift decides as the program does, or not at all,
// and the more the more comparisons it may make.
func TestLiftBounded(t *testing.T) {
	const undecided = 0x7ffe0000
	var prog []bpf.RawInstruction // returns the index of the first of ten words that is 7
	for i := range uint32(10) {
		prog = append(prog, bpf.RawInstruction{Op: 0x20, K: 16 + 4*i}, bpf.RawInstruction{Op: 0x15, K: 7, Jf: 1}, bpf.RawInstruction{Op: 0x06, K: i})
	}
	prog = append(prog, bpf.RawInstruction{Op: 0x06, K: 99})
	for comparisons := range 12 {
		s := NewSpace(0)
		n, err := s.LiftBounded(prog, false, comparisons, undecided)
		if err != nil {
			t.Fatal(err)
		}
		for first := range 11 {
			var words [Words]uint32
			if first < 10 {
				words[wordAt(uint32(16+4*first), false)] = 7
			}
			want := uint32(first)
			switch {
			case first >= comparisons && (first < 10 || comparisons < 10):
				want = undecided
			case first == 10:
				want = 99
			}
			if got := s.Eval(n, &words); got != want {
				t.Errorf("%d comparisons, word %d is 7: %#x, want %#x", comparisons, first, got, want)
			}
		}
	}
	s := NewSpace(0)
	whole, err := s.Lift(prog, false)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := s.LiftBounded(prog, false, 10, undecided); err != nil || all != whole {
		t.Errorf("ten comparisons decide everything, and the functions differ (%v)", err)
	}
}
