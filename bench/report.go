package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/elastic/go-seccomp-bpf/bench/internal/kernel"
)

// markdown writes the tables for people.
func (b *bench) markdown(w io.Writer) error {
	var out strings.Builder
	b.table(&out)
	b.extras(&out)
	b.goals(&out)
	for _, remark := range b.Remarks {
		fmt.Fprintf(&out, "\n- %s", strings.ReplaceAll(remark, "\n", "\n- "))
	}
	if len(b.Remarks) > 0 {
		out.WriteString("\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

const legend = `
Executed instructions count loads and the return. mean: over the trace; worst:
over all probes; bitmap: calls that the kernel (5.11) answers from its bitmap
cost nothing, and in bitmap is how many of the calls that are allowed whatever
their arguments it answers. cond: calls that arguments decide; refused: known
numbers without a rule. differ: probes decided otherwise than by the policy,
not counting numbers 512 to 547, which ours refuse with ENOSYS as x32's.
compile: median time on a CPU, and allocations; ours + proof as well. In the kernel: time of a
call as a ratio to the same call without a filter, all filters of a policy in
one interleaved run on one CPU: mix is calls as often as the trace has them,
-bitmap the same with the bitmap defeated by a second filter, always a call
allowed whatever its arguments, arg one allowed for them, refused one refused.
`

var workloads = []string{"mix", "mix without bitmap", "always", "argument", "refused"}

func (b *bench) table(out *strings.Builder) {
	head := []string{"policy", "compiler", "size", "mean", "worst", "bitmap mean", "bitmap worst", "in bitmap", "cond", "refused", "differ", "compile", "allocs"}
	if !b.flags.short {
		head = append(head, "mix", "mix -bitmap", "always", "arg", "refused")
	}
	line(out, head...)
	line(out, strings.Split(strings.Repeat("---,", len(head)-1)+"---", ",")...)
	for _, r := range b.Rows {
		if b.flags.brief && r.detail {
			continue
		}
		line(out, append(r.cells(), b.times(r.Kernel)...)...)
	}
	out.WriteString(legend)
}

func (r *row) cells() []string {
	if r.program == nil {
		return []string{r.Policy, r.Compiler + ": cannot", "", "", "", "", "", "", "", "", "", "", ""}
	}
	m := &r.Metrics
	compile, allocs := milliseconds(r.Compile.NS), fmt.Sprint(r.Compile.Allocs)
	if r.Ours {
		compile += " + " + milliseconds(r.Prove.NS-r.Compile.NS)
		allocs += fmt.Sprintf(" + %d", int64(r.Prove.Allocs)-int64(r.Compile.Allocs))
	}
	return []string{
		r.Policy, r.Compiler, fmt.Sprint(m.Instructions), fmt.Sprintf("%.2f", m.Mean), fmt.Sprint(m.Worst),
		fmt.Sprintf("%.4f", m.BitmapMean), fmt.Sprint(m.BitmapWorst), fmt.Sprintf("%d/%d", m.InBitmap, m.Constant),
		fmt.Sprintf("%.2f", m.Conditional), fmt.Sprintf("%.2f", m.Refused), fmt.Sprint(m.Mismatches), compile, allocs,
	}
}

func milliseconds(ns float64) string { return fmt.Sprintf("%.3g ms", ns/1e6) }

func (b *bench) times(times map[string]kernel.Time) []string {
	if b.flags.short {
		return nil
	}
	var cells []string
	for _, name := range workloads {
		cell := "–"
		if t, ok := times[name]; ok {
			cell = fmt.Sprintf("%.2f", t.Ratio)
		}
		cells = append(cells, cell)
	}
	return cells
}

func line(out *strings.Builder, cells ...string) {
	fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
}

func (b *bench) extras(out *strings.Builder) {
	out.WriteString("\nInstructions that native calls execute more when i386 and x32 join the policy:\n\n")
	line(out, "policy", "compiler", "mean", "bitmap mean", "most", "size")
	line(out, "---", "---", "---", "---", "---", "---")
	for _, x := range b.Extras {
		line(out, x.Policy, x.Setting, fmt.Sprintf("%.2f", x.Mean), fmt.Sprintf("%.4f", x.BitmapMean), fmt.Sprint(x.Most), fmt.Sprint(x.Size))
	}
}

// goals lists the goals of the ruler, and of what holds for every policy what does not.
func (b *bench) goals(out *strings.Builder) {
	out.WriteString("\nGoals:\n\n")
	line(out, "policy", "what", "best of ours", "by", "goal", "reached")
	line(out, "---", "---", "---", "---", "---", "---")
	held := 0
	for _, g := range b.Goals {
		if g.Reached && g.General {
			held++
			continue
		}
		answer := "no"
		if g.Reached {
			answer = "yes"
		}
		line(out, g.Policy, g.Metric, fmt.Sprintf("%.4g", g.Value), g.By, fmt.Sprintf("≤ %.4g", g.Limit), answer)
	}
	fmt.Fprintf(out, "\nAnd %d more for every policy: no mismatch, all constant allows in the bitmap, at most %d instructions added to any native call by i386 and x32; with peers, the best of ours in each column at least as good as the best of theirs that are right.\n", held, extraLimit)
}
