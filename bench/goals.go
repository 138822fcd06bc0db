package main

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/elastic/go-seccomp-bpf/bench/internal/ruler"
)

// A goal is what a metric of one of our programs must not exceed.
type goal struct {
	policy   string
	settings []string // any of them reaches it, by the best value
	metric   string
	limit    string // as the ruler writes it: a value that rounds to it reaches it
}

const (
	ourBitmap = "ours, bitmap"
	ourMean   = "ours, mean"
)

var (
	anySetting    = []string{ourBitmap, ourBitmap + ", " + noWeights, ourBitmap + ", " + traceWeights, ourMean, ourMean + ", " + noWeights, ourMean + ", " + traceWeights, "ours, worst", "ours, size"}
	bitmapSetting = []string{ourBitmap}
	meanUniform   = []string{ourMean + ", " + noWeights}
	meanTrace     = []string{ourMean + ", " + traceWeights}
)

// goals are what the policies p1 to p3 were set, and what holds for every one.
var goals = []goal{
	{"p1", anySetting, "instructions", "101"},
	{"p1", bitmapSetting, "mean with bitmap", "0.0115"},
	{"p1", bitmapSetting, "worst", "22"},
	{"p1", meanUniform, "mean", "7.6"},
	{"p1", meanTrace, "mean", "6.50"},
	{"p1", meanUniform, "refused", "9.1"},
	{"p2", bitmapSetting, "mean with bitmap", "0.008"},
	{"p2", meanTrace, "mean", "7.77"},
	{"p3", bitmapSetting, "instructions", "635"},
	{"p3", bitmapSetting, "worst", "31"},
	{"p3", bitmapSetting, "mean with bitmap", "5.37"},
	{"p3", bitmapSetting, "conditional", "12.4"},
	{"p1", bitmapSetting, "compile ms", "0.5"},
	{"p1", bitmapSetting, "compile and prove ms", "2"},
	{"p3", bitmapSetting, "compile and prove ms", "10"},
}

// timed tells whether the goal depends on how busy the machine is.
func (g *goal) timed() bool {
	return g.metric == "compile ms" || g.metric == "compile and prove ms"
}

// extraLimit is how many more instructions a native call may execute when i386
// and x32 join the policy.
const extraLimit = 3

var metrics = map[string]func(*row) float64{
	"instructions":         func(r *row) float64 { return float64(r.Metrics.Instructions) },
	"mean with bitmap":     func(r *row) float64 { return r.Metrics.BitmapMean },
	"mean":                 func(r *row) float64 { return r.Metrics.Mean },
	"worst":                func(r *row) float64 { return float64(r.Metrics.Worst) },
	"refused":              func(r *row) float64 { return r.Metrics.Refused },
	"conditional":          func(r *row) float64 { return r.Metrics.Conditional },
	"compile ms":           func(r *row) float64 { return r.Compile.NS / 1e6 },
	"compile and prove ms": func(r *row) float64 { return r.Prove.NS / 1e6 },
}

// A reached is a goal, the best value found, and whether that reaches it.
type reached struct {
	Policy  string  `json:"policy"`
	Metric  string  `json:"metric"`
	By      string  `json:"by"`
	Value   float64 `json:"value"`
	Limit   float64 `json:"limit"`
	Reached bool    `json:"reached"`
	Timed   bool    `json:"timed,omitempty"`
	General bool    `json:"general,omitempty"` // holds for every policy
}

// judge finds the value of every goal whose policy was measured, and of what
// holds for every policy.
func judge(rows []*row, extras []extra) []reached {
	var out []reached
	for _, g := range goals {
		limit, slack := g.bound()
		best := reached{Policy: g.policy, Metric: g.metric, Limit: limit, Timed: g.timed()}
		for _, r := range rows {
			if r.Policy != g.policy || !slices.Contains(g.settings, r.Compiler) {
				continue
			}
			if v := metrics[g.metric](r); best.By == "" || v < best.Value {
				best.By, best.Value = r.Compiler, v
			}
		}
		if best.By == "" {
			continue
		}
		best.Reached = best.Value < limit+slack || best.Value == limit
		out = append(out, best)
	}
	for _, r := range rows {
		if r.Ours && r.program != nil {
			out = append(out, always(r.Policy, r.Compiler, "mismatches", float64(r.Metrics.Mismatches), 0),
				always(r.Policy, r.Compiler, "constant allows outside the bitmap", missing(&r.Metrics), 0))
		}
	}
	out = append(out, besidePeers(rows)...)
	for _, x := range extras {
		out = append(out, always(x.Policy, x.Setting, "most instructions added to a native call by i386 and x32", float64(x.Most), extraLimit))
	}
	return out
}

// besidePeers compares the best of ours with the best of the peers that decide as
// the policy says, in each column.
func besidePeers(rows []*row) []reached {
	type column struct{ policy, metric string }
	theirs, best := map[column]*row{}, map[column]*row{}
	var columns []column
	for _, r := range rows {
		if r.program == nil || r.Metrics.Mismatches > 0 {
			continue
		}
		side := theirs
		if r.Ours {
			side = best
		}
		for _, metric := range []string{"instructions", "mean", "worst", "mean with bitmap", "conditional", "refused"} {
			c := column{r.Policy, metric}
			if theirs[c] == nil && best[c] == nil {
				columns = append(columns, c)
			}
			if have := side[c]; have == nil || metrics[metric](r) < metrics[metric](have) {
				side[c] = r
			}
		}
	}
	var out []reached
	for _, c := range columns {
		if theirs[c] != nil && best[c] != nil {
			value := metrics[c.metric]
			out = append(out, always(c.policy, best[c].Compiler, c.metric+", beside "+theirs[c].Compiler, value(best[c]), value(theirs[c])))
		}
	}
	return out
}

func missing(m *ruler.Metrics) float64 { return float64(m.Constant - m.InBitmap) }

func always(policy, by, metric string, value, limit float64) reached {
	return reached{Policy: policy, Metric: metric, By: by, Value: value, Limit: limit, Reached: value <= limit, General: true}
}

// bound is the limit and half a unit of its last digit, nothing for whole numbers.
func (g *goal) bound() (limit, slack float64) {
	limit, err := strconv.ParseFloat(g.limit, 64)
	_, fraction, found := strings.Cut(g.limit, ".")
	if err != nil || !found {
		return limit, 0
	}
	return limit, 0.5 * math.Pow10(-len(fraction))
}
