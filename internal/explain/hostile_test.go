package explain

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/emit"
)

// read does all that commands do with one filter.
func read(p cbpf.Program) error {
	f, err := New(decision.NewSpace(100_000), "hostile", []cbpf.Program{p}, false, nil)
	if err != nil {
		return err
	}
	r, err := f.Report(nil)
	if err != nil {
		return err
	}
	report := Report{Filters: []FilterReport{*r}}
	if err := report.Text(io.Discard, Style{}); err != nil {
		return err
	}
	NewGraph(r, "").SVG()
	_, err = f.Decompile(DecompileOptions{})
	return err
}

const (
	ldAbs = 0x20
	jset  = 0x45
	jeq   = 0x15
	mulX  = 0x2c
	addX  = 0x0c
	xorX  = 0xac
	tax   = 0x07
	retA  = 0x16
	retK  = 0x06
)

// hostile programs are valid, and made to be as complex as possible.
func hostile() map[string]cbpf.Program {
	r := rand.New(rand.NewPCG(1, 2))
	allow := bpf.RawInstruction{Op: retK, K: cbpf.RetAllow}
	product := cbpf.Program{{Op: ldAbs, K: 16}, {Op: tax}, {Op: ldAbs, K: 24}, {Op: mulX}, {Op: retA}}
	var tests cbpf.Program
	for len(tests) < 4090 {
		tests = append(tests,
			bpf.RawInstruction{Op: ldAbs, K: uint32(r.IntN(16)) * 4},
			bpf.RawInstruction{Op: jset, K: 1 << r.IntN(32), Jt: uint8(r.IntN(3) * 2), Jf: uint8(r.IntN(2) * 4)})
	}
	for len(tests) < 4096 {
		tests = append(tests, allow)
	}
	var numbers cbpf.Program
	for len(numbers) < 4094 {
		numbers = append(numbers,
			bpf.RawInstruction{Op: ldAbs, K: 0},
			bpf.RawInstruction{Op: jeq, K: r.Uint32(), Jt: 0, Jf: 1},
			bpf.RawInstruction{Op: retK, K: cbpf.RetErrno | uint32(len(numbers)%4000)})
	}
	numbers = append(numbers, allow)
	sums := cbpf.Program{{Op: ldAbs, K: 16}}
	for i := range uint32(12) {
		sums = append(sums, bpf.RawInstruction{Op: tax}, bpf.RawInstruction{Op: ldAbs, K: 16 + 4*(i%12)},
			bpf.RawInstruction{Op: []uint16{addX, xorX}[i%2]})
	}
	sums = append(sums, bpf.RawInstruction{Op: jeq, K: 7, Jt: 0, Jf: 1}, allow, bpf.RawInstruction{Op: retK})
	parity := cbpf.Program{{Op: ldAbs, K: 0}, {Op: jset, K: 1, Jt: 0, Jf: 1}, allow, {Op: retK}}
	return map[string]cbpf.Program{"product": product, "tests": tests, "numbers": numbers, "sums": sums, "parity": parity}
}

// TestHostile reads programs that are made to take long. What becomes of them
// may be an error; it has to come soon.
func TestHostile(t *testing.T) {
	for name, p := range hostile() {
		if err := p.Validate(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		start := time.Now()
		err := read(p)
		if spent := time.Since(start); spent > 20*time.Second {
			t.Errorf("%s: took %v (%v)", name, spent, err)
		} else {
			t.Logf("%s: %v: %v", name, spent.Round(time.Millisecond), err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, p := range hostile() {
		f.Add(p[:min(len(p), 64)].Encode(binary.LittleEndian))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := cbpf.Decode(data, binary.LittleEndian)
		if err != nil || p.Validate() != nil {
			return
		}
		start := time.Now()
		err = read(p)
		if spent := time.Since(start); spent > 20*time.Second {
			t.Errorf("took %v (%v)", spent, err)
		}
	})
}

// TestDecompileRandom decompiles programs of random policies on two ABIs.
func TestDecompileRandom(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 3))
		spec := decision.Spec{BadArch: []uint32{cbpf.RetKillProcess, cbpf.RetErrno | 1}[r.IntN(2)]}
		for _, name := range []string{"x86_64", "i386"}[:1+r.IntN(2)] {
			spec.ABIs = append(spec.ABIs, randomABI(t, r, name))
		}
		result, err := emit.Compile(&spec, emit.Options{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		f, err := New(decision.NewSpace(0), "random", []cbpf.Program{result.Program}, false, nil)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, o := range []DecompileOptions{{}, {Minimal: true}} {
			d, err := f.Decompile(o)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if !d.Proved {
				t.Errorf("seed %d: not proved: %v", seed, d.Problems)
			}
		}
	}
}

// randomABI decides some calls and some other numbers at random.
func randomABI(t *testing.T, r *rand.Rand, name string) decision.ABI {
	t.Helper()
	info, err := arch.GetInfo(name)
	if err != nil {
		t.Fatal(err)
	}
	abi := decision.ABI{Arch: uint32(info.ID), Default: []uint32{cbpf.RetAllow, cbpf.RetErrno | 38}[r.IntN(2)]}
	for nr := uint32(0); nr < 460; nr += 1 + uint32(r.IntN(20)) {
		call := decision.Call{NR: nr, Else: []uint32{cbpf.RetAllow, cbpf.RetErrno | 1, cbpf.RetTrace | 3}[r.IntN(3)]}
		if r.IntN(4) == 0 {
			v := uint64(r.IntN(100))
			call.Rules = []decision.Rule{{Action: cbpf.RetLog, Conds: []decision.Cond{{Arg: uint8(r.IntN(6)), Bits: []uint8{32, 64}[r.IntN(2)],
				Mask: ^uint64(0), Set: []decision.Interval{{Lo: v, Hi: v + uint64(r.IntN(3)*50)}}}}}}
		}
		abi.Calls = append(abi.Calls, call)
	}
	if r.IntN(2) == 0 {
		abi.Ranges = []decision.Range{{Lo: 700, Hi: 800, Action: cbpf.RetTrap | 9}, {Lo: 0x40000000, Hi: 0x7fffffff, Action: cbpf.RetKillProcess}}
	}
	return abi
}
