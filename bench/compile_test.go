package main

import (
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/bench/neutral"
)

// BenchmarkCompile compiles every policy that is at hand, with the proof and
// without. Beside the time that passed it reports the time on CPUs, which says
// more on a busy machine.
func BenchmarkCompile(b *testing.B) {
	all, err := (&bench{flags: flags{ruler: "../../shared/bench"}}).load()
	if err != nil {
		b.Fatal(err)
	}
	native, err := arch.GetInfo("x86_64")
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range all {
		policy, err := ours(p)
		if err != nil {
			b.Fatal(err)
		}
		for _, skip := range []bool{true, false} {
			name := map[bool]string{true: "/compile", false: "/prove"}[skip]
			b.Run(p.Name+name, func(b *testing.B) {
				b.ReportAllocs()
				start := neutral.CPUTime()
				for b.Loop() {
					if _, err := policy.Compile(&seccomp.CompileOptions{ABI: native, SkipProof: skip}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(neutral.CPUTime()-start)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}
