package emit

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// benchPolicy reads a policy of the shared ruler as a Spec for x86_64 alone.
func benchPolicy(t testing.TB, name string) *decision.Spec {
	file := filepath.Join("..", "..", "..", "shared", "bench", "policies", name+".json")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Skipf("the ruler's policies are not here: %v", err)
	}
	var p struct {
		Default string
		Rules   []struct {
			NR     uint32
			Action string
			Alts   [][]struct {
				Arg  uint8
				Op   string
				V    uint64
				Mask uint64
			}
		}
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	action := func(s string) uint32 {
		name, data, _ := strings.Cut(s, ":")
		n, _ := strconv.Atoi(data)
		switch name {
		case "allow":
			return cbpf.RetAllow
		case "errno":
			return cbpf.RetErrno | uint32(n)
		}
		t.Fatalf("action %q", s)
		return 0
	}
	abi := decision.ABI{Arch: 0xc000003e, Default: action(p.Default)}
	byNR := map[uint32]decision.Call{}
	for _, r := range p.Rules {
		c := decision.Call{NR: r.NR, Else: abi.Default}
		if len(r.Alts) == 0 {
			c.Rules = []decision.Rule{{Action: action(r.Action)}}
		}
		for _, alt := range r.Alts {
			rule := decision.Rule{Action: action(r.Action)}
			for _, k := range alt {
				cond := decision.Cond{Arg: k.Arg, Bits: 64, Mask: ^uint64(0), Set: []decision.Interval{{Lo: k.V, Hi: k.V}}}
				switch k.Op {
				case "eq":
				case "ne":
					cond.Not = true
				case "meq":
					cond.Mask = k.Mask
				case "lt":
					cond.Set[0] = decision.Interval{Hi: k.V - 1}
				case "le":
					cond.Set[0] = decision.Interval{Hi: k.V}
				case "gt":
					cond.Set[0] = decision.Interval{Lo: k.V + 1, Hi: ^uint64(0)}
				case "ge":
					cond.Set[0] = decision.Interval{Lo: k.V, Hi: ^uint64(0)}
				default:
					t.Fatal(k.Op)
				}
				rule.Conds = append(rule.Conds, cond)
			}
			c.Rules = append(c.Rules, rule)
		}
		byNR[r.NR] = c
	}
	for nr := uint32(0); nr < 1024; nr++ {
		if c, ok := byNR[nr]; ok {
			abi.Calls = append(abi.Calls, c)
		}
	}
	return &decision.Spec{ABIs: []decision.ABI{abi}, BadArch: cbpf.RetKillProcess}
}

// x86 adds what the decided semantics add to every x86_64 policy: the numbers
// of x32 and 512 to 547 return ENOSYS.
func x86(s *decision.Spec) *decision.Spec {
	const enosys = cbpf.RetErrno | 38
	s.ABIs[0].Ranges = []decision.Range{{Lo: 512, Hi: 547, Action: enosys}, {Lo: 1 << 30, Hi: 1<<31 - 1, Action: enosys}, {Lo: 3 << 30, Hi: 1<<32 - 1, Action: enosys}}
	return s
}

// ruledWeights reads the ruler's recorded calls, or weighs all calls alike.
func ruledWeights(t testing.TB, trace bool) func(arch, nr uint32) float64 {
	dir := filepath.Join("..", "..", "..", "shared", "bench")
	var count map[string]float64
	var numbers map[string]uint32
	for file, to := range map[string]any{"trace.json": &count, "syscalls_x86_64.json": &numbers} {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Skipf("the ruler's trace is not here: %v", err)
		}
		if err := json.Unmarshal(raw, to); err != nil {
			t.Fatal(err)
		}
	}
	weights := map[uint32]float64{}
	for name, n := range count {
		nr, ok := numbers[name]
		if ok {
			weights[nr] += n
		}
	}
	if !trace {
		clear(weights)
		for _, nr := range numbers {
			weights[nr] = 1
		}
	}
	return func(_, nr uint32) float64 { return weights[nr] }
}

func TestRuler(t *testing.T) {
	for _, name := range []string{"p1", "p2", "p3"} {
		for o, obj := range []string{"bitmap", "mean", "worst", "size"} {
			for _, ext := range []bool{false, true} {
				for _, traced := range []bool{false, true} {
					spec := benchPolicy(t, name)
					if ext {
						x86(spec)
					}
					opt := Options{Objective: Objective(o)}
					if traced {
						opt.Weight = ruledWeights(t, traced)
					}
					r, err := Compile(spec, opt)
					if err != nil {
						t.Errorf("%s: %v", name, err)
						continue
					}
					if dir := os.Getenv("EMIT_OUT"); dir != "" {
						f := fmt.Sprintf("%s/%s.%s.x32=%v.traced=%v.bpf", dir, name, obj, ext, traced)
						if err := os.WriteFile(f, cbpf.Program(r.Program).Encode(binary.LittleEndian), 0o644); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, name := range []string{"p1", "p2", "p3"} {
		for _, proof := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/proof=%v", name, proof), func(b *testing.B) {
				spec := x86(benchPolicy(b, name))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Compile(spec, Options{SkipProof: !proof}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// TestDegenerateSpecs compiles filters that decide everything alike.
func TestDegenerateSpecs(t *testing.T) {
	everything := decision.Range{Hi: 1<<32 - 1, Action: cbpf.RetErrno | 2}
	for name, spec := range map[string]*decision.Spec{
		"no ABI":           {BadArch: cbpf.RetAllow},
		"no call":          {BadArch: cbpf.RetKillProcess, ABIs: []decision.ABI{{Arch: 1, Default: cbpf.RetAllow}}},
		"one range":        {BadArch: cbpf.RetKillProcess, ABIs: []decision.ABI{{Arch: 1, Ranges: []decision.Range{everything}}}},
		"all the same":     {BadArch: cbpf.RetAllow, ABIs: []decision.ABI{{Arch: 1, Default: cbpf.RetAllow}}},
		"last number":      {BadArch: 7, ABIs: []decision.ABI{{Arch: 1, Calls: []decision.Call{{NR: 1<<32 - 1, Else: 3}}}}},
		"no other number":  {BadArch: 7, ABIs: []decision.ABI{{Arch: 1, Default: 3, Calls: []decision.Call{{NR: 1<<32 - 1, Rules: []decision.Rule{{Action: 4}}, Else: 3}}}}},
		"numbers of MIPS":  {BigEndian: true, BadArch: 7, ABIs: []decision.ABI{{Arch: 1, Calls: []decision.Call{{NR: 4000, Else: 3}, {NR: 4100, Else: 3}}}}},
		"first and second": {BadArch: 7, ABIs: []decision.ABI{{Arch: 2, Default: 4}, {Arch: 1, Default: 3}}},
	} {
		for o := MeanWithBitmap; o <= Size; o++ {
			if _, err := Compile(spec, Options{Objective: o}); err != nil {
				t.Errorf("%s: objective %d: %v", name, o, err)
			}
		}
	}
}
