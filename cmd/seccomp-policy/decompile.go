package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elastic/go-seccomp-bpf/internal/explain"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

type decompileCommand struct {
	inputs  inputFlags
	out     string
	options explain.DecompileOptions
}

func newDecompile() *cobra.Command {
	c := &decompileCommand{}
	cmd := &cobra.Command{
		Use:   "decompile [FILTER] [-p PID] [-- COMMAND...]",
		Short: "Make a policy of a filter, proved to decide every call alike",
		Long: `Make a policy of a filter, compile it again, and prove that the two decide every
call alike. Where a policy cannot express what a filter does, the policy has the
strictest action instead; what and where that is stands above it and on standard
error, and the exit status is 1.`,
		ValidArgsFunction: completeFilters,
		RunE:              c.run,
	}
	c.inputs.register(cmd)
	cmd.Flags().StringVarP(&c.out, "output", "o", "-", "`FILE` to write; \"-\" for standard output")
	cmd.Flags().BoolVar(&c.options.Minimal, "minimal", false, "as few entries as possible, with whatever default action that takes")
	cmd.Flags().BoolVar(&c.options.Numbers, "numbers", false, "write values as numbers, not by name")
	return cmd
}

func (c *decompileCommand) run(cmd *cobra.Command, args []string) error {
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
	d, err := f.Decompile(c.options)
	if err != nil {
		return fmt.Errorf("%s: %w", in.Label, err)
	}
	var head []string
	if d.Proved {
		head = append(head, fmt.Sprintf("What %s decides: proved identical.", in.Label))
	} else {
		head = append(head, fmt.Sprintf("Close to what %s decides, and not the same:", in.Label))
		head = append(head, d.Problems...)
	}
	head = append(head, d.Remarks...)
	var text bytes.Buffer
	if err := policyfile.Write(&text, d.Policy, &policyfile.WriteOptions{Comments: map[string]string{"": strings.Join(head, "\n")}}); err != nil {
		return err
	}
	if err := writeOutput(cmd, c.out, text.Bytes()); err != nil {
		return err
	}
	if d.Proved {
		return nil
	}
	for _, p := range d.Problems {
		fmt.Fprintf(cmd.ErrOrStderr(), "seccomp-policy: %s: not expressed: %s\n", in.Label, p)
	}
	return &foundError{}
}
