package decision

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// memoryLimit is what lifting any program may allocate, in MiB, garbage
// included: about five times what it holds at a time.
const memoryLimit = 256

// lift lifts a program that may be hostile, and checks that it keeps to its
// budget. What becomes of it is a function or a clear error, nothing else.
func lift(p []bpf.RawInstruction, bigEndian bool) (*Space, Node, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := NewSpace(0)
	n, err := s.Lift(p, bigEndian)
	runtime.ReadMemStats(&after)
	mib := (after.TotalAlloc - before.TotalAlloc) >> 20
	if s.Len() > DefaultNodeLimit || s.steps > s.budget+s.budget/50 || mib > memoryLimit {
		return s, n, fmt.Errorf("%d nodes, %d steps or %d MiB are more than the budget has (%v)", s.Len(), s.steps, mib, err)
	}
	return s, n, err
}

// FuzzLift lifts any program, within the budget, and compares what the function
// says with what the interpreter does.
func FuzzLift(f *testing.F) {
	for _, p := range hostile() {
		start := append(slices.Clone(p[:min(len(p)-1, 60)]), bpf.RawInstruction{Op: retAcc})
		if cbpf.Program(start).Validate() == nil {
			f.Add(cbpf.Program(start).Encode(binary.LittleEndian), uint64(len(p)), false)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64, bigEndian bool) {
		p, err := cbpf.Decode(raw, binary.LittleEndian)
		if err != nil || p.Validate() != nil {
			return
		}
		s, n, err := lift(p, bigEndian)
		if errors.Is(err, ErrTooComplex) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(seed, 1))
		for range 50 {
			words := randomWords(r)
			want, _ := p.Run(&words)
			ordered := inOrder(words, bigEndian)
			if got := s.Eval(n, &ordered); got != want {
				t.Fatalf("words %#x: lifted %#x, interpreted %#x", words, got, want)
			}
		}
	})
}

// BenchmarkHostile is how long it takes to give up.
func BenchmarkHostile(b *testing.B) {
	for name, p := range hostile() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := lift(p, false); err != nil && !errors.Is(err, ErrTooComplex) {
					b.Fatal(err)
				}
			}
		})
	}
}
