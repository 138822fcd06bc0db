package main

import (
	"testing"

	"github.com/elastic/go-seccomp-bpf/bench/internal/ruler"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

func TestGoals(t *testing.T) {
	for _, g := range goals {
		if limit, _ := g.bound(); metrics[g.metric] == nil || limit <= 0 {
			t.Errorf("goal %+v has no metric or no limit", g)
		}
	}
}

func TestJudge(t *testing.T) {
	for mean, want := range map[float64]bool{6.4: true, 6.5: true, 6.504: true, 6.506: false, 7: false} {
		r := &row{Policy: "p1", Compiler: "ours, mean, trace weights", Metrics: ruler.Metrics{Mean: mean}}
		found := false
		for _, g := range judge([]*row{r}, nil) {
			if g.Metric == "mean" && g.Limit == 6.5 {
				found = true
				if g.Reached != want || g.Value != mean {
					t.Errorf("mean %g: %+v", mean, g)
				}
			}
		}
		if !found {
			t.Errorf("mean %g is not judged", mean)
		}
	}
	wrong := &row{Policy: "x", Compiler: "ours, size", Ours: true, program: make(cbpf.Program, 1), Metrics: ruler.Metrics{Mismatches: 1, Constant: 2, InBitmap: 1}}
	smaller := &row{Policy: "x", Compiler: "ours, size", Ours: true, program: make(cbpf.Program, 1), Metrics: ruler.Metrics{Instructions: 9}}
	peer := &row{Policy: "x", Compiler: "peer", program: make(cbpf.Program, 1), Metrics: ruler.Metrics{Instructions: 8}}
	for _, mismatches := range []int{0, 1} { // one that differs from its policy is no measure
		peer.Metrics.Mismatches = mismatches
		beaten := 0
		for _, g := range judge([]*row{smaller, peer}, nil) {
			if !g.Reached {
				beaten++
			}
		}
		if want := 1 - mismatches; beaten != want {
			t.Errorf("beaten in %d columns by a peer with %d mismatches, want %d", beaten, mismatches, want)
		}
	}
	missed := 0
	for _, g := range judge([]*row{wrong}, []extra{{Most: 4}}) {
		if !g.Reached {
			missed++
		}
	}
	if missed != 3 {
		t.Errorf("%d of a mismatch, a hole in the bitmap and costly ABIs are seen", missed)
	}
}
