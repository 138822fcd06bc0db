package main

import (
	"bytes"

	"github.com/spf13/cobra"

	"github.com/elastic/go-seccomp-bpf/internal/explain"
)

type explainCommand struct {
	inputs inputFlags
	output outputFlags
	abis   []string
	all    bool
	html   bool
	why    []string
}

func newExplain() *cobra.Command {
	c := &explainCommand{}
	cmd := &cobra.Command{
		Use:   "explain [FILTER...] [-p PID] [-- COMMAND...]",
		Short: "Say what a filter does to each system call",
		Long: `Say what a filter does to each system call, ABI by ABI: each action with its
calls and, in words and symbols, its conditions; what calls through other ABIs
get; how large the filter is and what it costs.

All filters of a process are taken together: the strictest action counts.`,
		Example: `  seccomp-policy explain web.yaml
  seccomp-policy explain -p 1234 --abi all
  seccomp-policy explain --why 'socket(AF_ALG)' filter.bpf
  seccomp-policy explain -o json -- bwrap --ro-bind / / true`,
		ValidArgsFunction: completeFilters,
		RunE:              c.run,
	}
	c.inputs.register(cmd)
	c.output.register(cmd, "text", "json", "yaml", "html")
	cmd.Flags().StringSliceVar(&c.abis, "abi", nil, "only these `ABIs`, or all (default: those the filter tells from others)")
	cmd.Flags().BoolVarP(&c.all, "all", "a", false, "list calls that get the default action, too")
	cmd.Flags().BoolVar(&c.html, "html", false, "the same as -o html")
	cmd.Flags().StringArrayVar(&c.why, "why", nil, "name the rule, or the instructions, that decide `CALL`")
	complete(cmd, "abi", abiNames)
	completeCalls(cmd, "why")
	return cmd
}

func (c *explainCommand) run(cmd *cobra.Command, args []string) error {
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
	if len(c.why) > 0 {
		return simulateAll(cmd.OutOrStdout(), inputs, &simulation{calls: c.why, abi: first(c.abis), path: true, output: &c.output})
	}
	report := explain.Report{Schema: explain.SchemaExplain}
	for i := range inputs {
		f, err := lift(&inputs[i])
		if err != nil {
			return err
		}
		abis, err := parseABIs(c.abis, f.BigEndian)
		if err != nil {
			return err
		}
		r, err := f.Report(abis)
		if err != nil {
			return err
		}
		if compiled := inputs[i].Compiled; compiled != nil {
			for _, note := range compiled.Notes {
				r.Notes = append(r.Notes, note.String())
			}
		}
		report.Filters = append(report.Filters, *r)
	}
	return c.print(cmd, &report)
}

func (c *explainCommand) print(cmd *cobra.Command, report *explain.Report) error {
	w := cmd.OutOrStdout()
	if done, err := c.output.structured(w, report); done {
		return err
	}
	if c.output.format == "html" {
		return report.HTML(w, nil)
	}
	var text bytes.Buffer
	style := c.output.style(w)
	style.All = c.all
	if err := report.Text(&text, style); err != nil {
		return err
	}
	return c.output.print(w, text.Bytes())
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
