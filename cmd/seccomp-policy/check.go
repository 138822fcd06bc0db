package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/explain"
	"github.com/elastic/go-seccomp-bpf/internal/lint"
	"github.com/elastic/go-seccomp-bpf/internal/source"
)

type checkCommand struct {
	inputs inputFlags
	output outputFlags
	goals  []string
	abis   []string
	kernel string
	failOn string
	rules  bool
}

func newCheck() *cobra.Command {
	c := &checkCommand{}
	cmd := &cobra.Command{
		Use:   "check [FILTER...] [-p PID] [-- COMMAND...]",
		Short: "Find what is likely to be wrong with a filter, or prove goals",
		Long: `Find what is likely to be wrong with a filter. Each finding has a stable rule id,
a severity, a fix and, where one call can show it, that call: seccomp-policy
simulate repeats what the filter does to it.

With --goal, prove instead that the filter denies, or allows, all calls of a
form, or print a call that breaks it. In a goal "_" is any value, "&FLAGS" a value
with any of these bits, "~FLAGS" one with none. Goals to deny hold for all ABIs
that the machine runs, and for socketcall and ipc.

Exit status: 0 when nothing is found, 1 when something is, 2 on errors.`,
		Example: `  seccomp-policy check web.yaml
  seccomp-policy check web.yaml --goal "deny:socket(AF_ALG)" --goal "deny:clone(&CLONE_NEWUSER)"`,
		ValidArgsFunction: completeFilters,
		RunE:              c.run,
	}
	c.inputs.register(cmd)
	c.output.register(cmd, "text", "json", "yaml")
	flags := cmd.Flags()
	flags.StringArrayVar(&c.goals, "goal", nil, "prove this `GOAL`, deny:CALL or allow:CALL, and check nothing else")
	flags.StringSliceVar(&c.abis, "abi", nil, "`ABIs` that goals are about, or all")
	flags.StringVar(&c.kernel, "kernel", "", "the oldest Linux `VERSION` that the filter is to run on")
	flags.StringVar(&c.failOn, "fail-on", "warning", "the least `SEVERITY` that makes the exit status 1: info, warning, error")
	flags.BoolVar(&c.rules, "rules", false, "list the rules")
	complete(cmd, "abi", abiNames)
	complete(cmd, "fail-on", func() []string { return []string{"info", "warning", "error"} })
	return cmd
}

// A checkReport is what check finds, as JSON.
type checkReport struct {
	Schema  string            `json:"schema"`
	Filters []checkedFilter   `json:"filters"`
	Goals   []lint.GoalResult `json:"goals,omitempty"`
}

type checkedFilter struct {
	Label    string         `json:"label"`
	Findings []lint.Finding `json:"findings"`
}

func (c *checkCommand) run(cmd *cobra.Command, args []string) error {
	if err := c.output.check(); err != nil {
		return err
	}
	if c.rules {
		for _, r := range lint.Rules() {
			fmt.Fprintf(cmd.OutOrStdout(), "%-20s %s\n", r.ID, r.Title)
		}
		return nil
	}
	if lint.Severity(c.failOn).Rank() < 0 {
		return fmt.Errorf("--fail-on %q: want info, warning or error", c.failOn)
	}
	words, command := split(cmd, args)
	inputs, err := c.inputs.open(cmd, words, command)
	if err != nil {
		return err
	}
	report := checkReport{Schema: "seccomp-policy/check/1", Filters: []checkedFilter{}}
	found := false
	for i := range inputs {
		bad, err := c.check(&report, &inputs[i])
		if err != nil {
			return err
		}
		found = found || bad
	}
	if err := c.print(cmd, &report); err != nil {
		return err
	}
	if found {
		return &foundError{}
	}
	return nil
}

// check looks at one filter; true when the exit status is to be 1.
func (c *checkCommand) check(report *checkReport, in *source.Input) (bool, error) {
	f, err := lift(in)
	if err != nil {
		return false, err
	}
	if len(c.goals) > 0 {
		return c.prove(report, f)
	}
	var options lint.Options
	if c.kernel != "" {
		version, err := arch.ParseVersion(c.kernel)
		if err != nil {
			return false, fmt.Errorf("--kernel: %w", err)
		}
		options.Kernel = &version
	}
	findings, err := lint.Check(f, in, options)
	if err != nil {
		return false, fmt.Errorf("%s: %w", in.Label, err)
	}
	if findings == nil {
		findings = []lint.Finding{}
	}
	report.Filters = append(report.Filters, checkedFilter{in.Label, findings})
	for _, finding := range findings {
		if finding.Severity.Rank() >= lint.Severity(c.failOn).Rank() {
			return true, nil
		}
	}
	return false, nil
}

func (c *checkCommand) prove(report *checkReport, f *explain.Filter) (broken bool, err error) {
	abis, err := parseABIs(c.abis, f.BigEndian)
	if err != nil {
		return false, err
	}
	for _, text := range c.goals {
		goal, err := lint.ParseGoal(text)
		if err != nil {
			return false, err
		}
		r, err := lint.Prove(f, goal, abis)
		if err != nil {
			return false, err
		}
		broken = broken || !r.Proved
		report.Goals = append(report.Goals, *r)
	}
	return broken, nil
}

func (c *checkCommand) print(cmd *cobra.Command, r *checkReport) error {
	w := cmd.OutOrStdout()
	if done, err := c.output.structured(w, r); done {
		return err
	}
	var text bytes.Buffer
	for _, f := range r.Filters {
		printFindings(&text, &f)
	}
	for _, g := range r.Goals {
		if g.Proved {
			fmt.Fprintf(&text, "proved: %s\n", g.Goal)
		} else {
			fmt.Fprintf(&text, "broken: %s\n  %s %s: %s\n", g.Goal, g.ABI, g.Witness, g.Action)
		}
	}
	return c.output.print(w, text.Bytes())
}

func printFindings(w io.Writer, f *checkedFilter) {
	if len(f.Findings) == 0 {
		fmt.Fprintf(w, "%s: nothing found\n", f.Label)
	}
	for _, finding := range f.Findings {
		place := f.Label
		if finding.Place != "" {
			place = finding.Place
		}
		fmt.Fprintf(w, "%s: %s: %s [%s]\n", place, finding.Severity, finding.Text, finding.Rule)
		if finding.Witness != "" {
			fmt.Fprintf(w, "  shown by: simulate --abi %s '%s' (%s)\n", finding.ABI, finding.Witness, finding.Action)
		}
		fmt.Fprintf(w, "  fix: %s\n", finding.Fix)
	}
}
