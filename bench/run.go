package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/bench/internal/kernel"
	"github.com/elastic/go-seccomp-bpf/bench/internal/peer"
	"github.com/elastic/go-seccomp-bpf/bench/internal/ruler"
	"github.com/elastic/go-seccomp-bpf/bench/neutral"
	"github.com/elastic/go-seccomp-bpf/bench/policies"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// A row is one policy compiled in one way.
type row struct {
	Policy   string                 `json:"policy"`
	Compiler string                 `json:"compiler"`
	Ours     bool                   `json:"ours"`
	Failure  string                 `json:"failure,omitempty"` // why there is no program
	Metrics  ruler.Metrics          `json:"metrics"`
	Compile  neutral.Cost           `json:"compile"`          // without a proof
	Prove    neutral.Cost           `json:"prove,omitzero"`   // compiling and proving; ours only
	Kernel   map[string]kernel.Time `json:"kernel,omitempty"` // by workload

	program cbpf.Program
	detail  bool // left out of a brief table
}

// An extra is what native calls pay for i386 and x32 in the same filter, in
// executed instructions.
type extra struct {
	Policy     string  `json:"policy"`
	Setting    string  `json:"setting"`
	Mean       float64 `json:"mean"`        // over the trace
	BitmapMean float64 `json:"bitmap_mean"` // over the trace, with the kernel's bitmap
	Most       int     `json:"most"`        // over all calls and samples
	Size       int     `json:"size"`        // instructions that the program grew by
}

// A bench is one run.
type bench struct {
	flags flags
	trace *ruler.Trace // nil: none, every call weighs the same
	peers []peer.Compiler

	Rows    []*row    `json:"rows"`
	Extras  []extra   `json:"extras"`
	Goals   []reached `json:"goals"`
	Remarks []string  `json:"remarks,omitempty"`
}

// load reads the policies to compare: those of the ruler that are there, and
// this module's own.
func (b *bench) load() ([]*neutral.Policy, error) {
	var all []*neutral.Policy
	for _, name := range []string{"p1", "p2", "p3"} {
		p, err := neutral.Read(filepath.Join(b.flags.ruler, "policies", name+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			b.remark("%v: left out", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	own, err := policies.All()
	if err != nil {
		return nil, err
	}
	if b.trace, err = ruler.ReadTrace(b.flags.ruler); err != nil {
		return nil, err
	}
	if b.trace == nil {
		b.remark("%s has no trace: every call that a policy may allow weighs the same", b.flags.ruler)
	}
	return append(all, own...), nil
}

func (b *bench) remark(format string, args ...any) {
	b.Remarks = append(b.Remarks, fmt.Sprintf(format, args...))
}

func (b *bench) run(ctx context.Context) error {
	all, err := b.load()
	if err != nil {
		return err
	}
	if !b.flags.short {
		dir, err := os.MkdirTemp("", "bench")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if b.peers, err = peer.Build(ctx, b.flags.source, dir, b.flags.budget); err != nil {
			b.remark("%v", err)
		}
	}
	for _, p := range all {
		if len(b.flags.only) > 0 && !slices.Contains(b.flags.only, p.Name) {
			continue
		}
		b.progress("%s", p.Name)
		if err := b.policy(ctx, p); err != nil {
			return err
		}
	}
	b.Goals = judge(b.Rows, b.Extras)
	return nil
}

func (b *bench) progress(format string, args ...any) {
	if !b.flags.short {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}
}

// policy compiles one policy in every way, and measures what came of it.
func (b *bench) policy(ctx context.Context, p *neutral.Policy) error {
	t, err := b.traceFor(p)
	if err != nil {
		return err
	}
	var rows []*row
	for _, s := range settings(b.trace != nil) {
		m, err := s.compile(p, t.Names, b.flags.budget)
		if err != nil {
			return err
		}
		rows = append(rows, &row{Policy: p.Name, Compiler: s.String(), Ours: true, program: m.program, Compile: m.cost, Prove: m.proof, detail: s.detail()})
	}
	for _, c := range b.peers {
		if c.NeedsTrace && b.trace == nil {
			continue
		}
		r := &row{Policy: p.Name, Compiler: c.Name, detail: c.NeedsTrace}
		told := *p
		told.Weights = t.Weights
		if r.program, r.Compile, err = c.Compile(ctx, &told); err != nil {
			r.Failure = err.Error()
			b.remark("%v", err)
		}
		rows = append(rows, r)
	}
	measure := ruler.New(p, t)
	for _, r := range rows {
		if r.program != nil {
			r.Metrics = measure.Measure(r.program)
		}
	}
	b.Rows = append(b.Rows, rows...)
	if !b.flags.short {
		b.inKernel(ctx, p, t, rows)
	}
	return b.addABIs(p, t, measure)
}

func (b *bench) traceFor(p *neutral.Policy) (*ruler.Trace, error) {
	if b.trace != nil {
		return b.trace, nil
	}
	return ruler.Uniform(p)
}

// inKernel times all programs in one run.
func (b *bench) inKernel(ctx context.Context, p *neutral.Policy, t *ruler.Trace, rows []*row) {
	var programs []cbpf.Program
	var timed []*row
	for _, r := range rows {
		if r.program != nil {
			programs, timed = append(programs, r.program), append(timed, r)
		}
	}
	times, err := kernel.Measure(ctx, programs, p, t, b.flags.kernel)
	if err != nil {
		b.remark("policy %s: no times in the kernel: %v", p.Name, err)
		return
	}
	for i, r := range timed {
		r.Kernel = times[i]
	}
}

// addABIs compares the policy for x86_64 alone with the same for i386 and x32
// as well.
func (b *bench) addABIs(p *neutral.Policy, t *ruler.Trace, measure *ruler.Ruler) error {
	alone, several := *p, *p
	alone.ABIs, several.ABIs = nil, []string{"i386", "x32"}
	for _, objective := range []seccomp.Objective{seccomp.MeanWithBitmap, seccomp.Mean, seccomp.WorstCase, seccomp.Size} {
		s := setting{objective: objective}
		before, err := s.compile(&alone, t.Names, 0)
		if err != nil {
			return err
		}
		after, err := s.compile(&several, t.Names, 0)
		if err != nil {
			return err
		}
		m, n := measure.Measure(before.program), measure.Measure(after.program)
		b.Extras = append(b.Extras, extra{
			Policy: p.Name, Setting: s.String(),
			Mean: n.Mean - m.Mean, BitmapMean: n.BitmapMean - m.BitmapMean, Size: n.Instructions - m.Instructions,
			Most: measure.MostAdded(before.program, after.program),
		})
	}
	return nil
}
