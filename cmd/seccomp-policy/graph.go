package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/elastic/go-seccomp-bpf/internal/explain"
)

type graphCommand struct {
	inputs inputFlags
	out    string
	format string
	abis   []string
	call   string
}

func newGraph() *cobra.Command {
	c := &graphCommand{}
	cmd := &cobra.Command{
		Use:   "graph [FILTER] [-p PID] [-- COMMAND...]",
		Short: "Draw what a filter decides, as SVG or DOT",
		Long: `Draw what a filter decides as a tree: ABIs, calls that are decided alike, conditions
and actions. The format follows the name of the file (.svg, .dot, .gv) unless
--format says it.`,
		ValidArgsFunction: completeFilters,
		RunE:              c.run,
	}
	c.inputs.register(cmd)
	cmd.Flags().StringVarP(&c.out, "output", "o", "-", "`FILE` to write; \"-\" for standard output")
	cmd.Flags().StringVarP(&c.format, "format", "f", "", "svg or dot (default: svg)")
	cmd.Flags().StringSliceVar(&c.abis, "abi", nil, "only these `ABIs`, or all")
	cmd.Flags().StringVar(&c.call, "call", "", "only this system `CALL`")
	complete(cmd, "abi", abiNames)
	complete(cmd, "format", func() []string { return []string{"svg", "dot"} })
	completeCalls(cmd, "call")
	return cmd
}

func (c *graphCommand) run(cmd *cobra.Command, args []string) error {
	words, command := split(cmd, args)
	inputs, err := c.inputs.open(cmd, words, command)
	if err != nil {
		return err
	}
	in, err := single(inputs)
	if err != nil {
		return err
	}
	f, err := lift(in)
	if err != nil {
		return err
	}
	abis, err := parseABIs(c.abis, f.BigEndian)
	if err != nil {
		return err
	}
	if c.call != "" {
		if err := explain.CheckName(c.call, f.Native); err != nil {
			return fmt.Errorf("--call: %w", err)
		}
	}
	r, err := f.Report(abis)
	if err != nil {
		return err
	}
	g := explain.NewGraph(r, c.call)
	switch c.drawing() {
	case "svg":
		return writeOutput(cmd, c.out, []byte(g.SVG()))
	case "dot":
		return writeOutput(cmd, c.out, []byte(g.DOT()))
	}
	return fmt.Errorf("--format %q: want svg or dot", c.format)
}

func (c *graphCommand) drawing() string {
	if c.format != "" {
		return c.format
	}
	switch filepath.Ext(c.out) {
	case ".dot", ".gv":
		return "dot"
	}
	return "svg"
}
