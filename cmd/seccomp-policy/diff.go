package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/explain"
	"github.com/elastic/go-seccomp-bpf/internal/source"
)

type diffCommand struct {
	inputs inputFlags
	output outputFlags
	only   []string
	html   bool
}

func newDiff() *cobra.Command {
	c := &diffCommand{}
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Show where two filters decide differently, each with an example",
		Long: `Show where two filters decide differently: what is newly allowed or blocked, where
an errno or logging changed, by ABI, call and arguments, each with a call that shows
it. B may be -p PID or -- COMMAND.

Exit status: 0 when they decide every call alike, 1 when not, 2 on errors. With
--only, changes of other kinds do not count.`,
		Example: `  seccomp-policy diff old.yaml new.yaml
  seccomp-policy diff --only looser main.yaml branch.yaml || echo "review this"`,
		ValidArgsFunction: completeFilters,
		RunE:              c.run,
	}
	c.inputs.register(cmd)
	c.output.register(cmd, "text", "json", "yaml", "html")
	cmd.Flags().StringSliceVar(&c.only, "only", nil, "only changes of these `kinds`: looser, stricter, allowed, blocked, errno, logging, action")
	cmd.Flags().BoolVar(&c.html, "html", false, "the same as -o html")
	complete(cmd, "only", func() []string { return explain.DiffKinds })
	return cmd
}

func (c *diffCommand) run(cmd *cobra.Command, args []string) error {
	if c.html {
		c.output.format = "html"
	}
	if err := c.output.check(); err != nil {
		return err
	}
	words, command := split(cmd, args)
	inputs, err := c.inputs.open(cmd, words, command)
	if err != nil {
		return err
	}
	if len(inputs) != 2 {
		return fmt.Errorf("want two filters to compare, have %d: %s", len(inputs), labels(inputs))
	}
	a, b, err := liftTwo(inputs)
	if err != nil {
		return err
	}
	d, err := explain.Compare(a, b)
	if err != nil {
		return err
	}
	if err := d.Only(c.only); err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	if err := c.print(cmd, d, a, b); err != nil {
		return err
	}
	if len(d.Changes) > 0 {
		return &foundError{}
	}
	return nil
}

func liftTwo(inputs []source.Input) (a, b *explain.Filter, err error) {
	space := decision.NewSpace(nodeLimit)
	if a, err = liftInto(space, &inputs[0]); err != nil {
		return nil, nil, err
	}
	b, err = liftInto(space, &inputs[1])
	return a, b, err
}

func (c *diffCommand) print(cmd *cobra.Command, d *explain.Diff, a, b *explain.Filter) error {
	w := cmd.OutOrStdout()
	if done, err := c.output.structured(w, d); done {
		return err
	}
	if c.output.format == "html" {
		report := explain.Report{Schema: explain.SchemaExplain}
		for _, f := range []*explain.Filter{a, b} {
			r, err := f.Report(nil)
			if err != nil {
				return err
			}
			report.Filters = append(report.Filters, *r)
		}
		return report.HTML(w, d)
	}
	return c.output.print(w, []byte(d.Text(c.output.style(w))))
}
