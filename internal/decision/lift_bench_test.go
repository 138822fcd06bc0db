package decision_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/emit"
)

// profile is an allowlist of 300 calls, every sixth of which has eight
// alternatives for its arguments.
func profile() *decision.Spec {
	abi := decision.ABI{Arch: 0xc000003e, Default: cbpf.RetErrno | 1}
	for nr := range uint32(400) {
		if nr%4 == 3 {
			continue
		}
		call := decision.Call{NR: nr, Else: abi.Default, Rules: []decision.Rule{{Action: cbpf.RetAllow}}}
		if nr%6 == 0 {
			call.Rules = call.Rules[:0]
			for i := range uint64(8) {
				value := uint64(nr)<<8 | i<<4
				call.Rules = append(call.Rules, decision.Rule{Action: cbpf.RetAllow, Conds: []decision.Cond{
					{Arg: 1, Bits: 64, Mask: ^uint64(0), Set: []decision.Interval{{Lo: value, Hi: value}}},
					{Arg: 2, Bits: 64, Mask: 0xff00ff, Set: []decision.Interval{{Lo: 1 << i, Hi: 1 << i}}},
				}})
			}
		}
		abi.Calls = append(abi.Calls, call)
	}
	return &decision.Spec{BadArch: cbpf.RetKillProcess, ABIs: []decision.ABI{abi}}
}

// programs are the profile as emit compiles it and, where they are at hand,
// what other compilers make of the ruler's policies.
func programs(b *testing.B) map[string][]bpf.RawInstruction {
	compiled, err := emit.Compile(profile(), emit.Options{})
	if err != nil {
		b.Fatal(err)
	}
	out := map[string][]bpf.RawInstruction{"profile": compiled.Program}
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "bench", "filters", "*.bpf"))
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		program, err := cbpf.Decode(raw, binary.LittleEndian)
		if err != nil {
			b.Fatalf("%s: %v", file, err)
		}
		out[strings.TrimSuffix(filepath.Base(file), ".bpf")] = program
	}
	return out
}

func BenchmarkLift(b *testing.B) {
	for name, program := range programs(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := decision.NewSpace(0).Lift(program, false)
				if errors.Is(err, decision.ErrTooComplex) {
					b.Skip(err)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFromSpec(b *testing.B) {
	spec := profile()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decision.NewSpace(0).FromSpec(spec); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProof is what it takes to prove a program equal to its Spec.
func BenchmarkProof(b *testing.B) {
	spec, program := profile(), programs(b)["profile"]
	b.ReportAllocs()
	for b.Loop() {
		space := decision.NewSpace(0)
		want, err := space.FromSpec(spec)
		if err != nil {
			b.Fatal(err)
		}
		got, err := space.Lift(program, false)
		if err != nil {
			b.Fatal(err)
		}
		if got != want {
			b.Fatal("the program differs from its Spec")
		}
	}
}
