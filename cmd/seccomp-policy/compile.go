package main

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/embed"
	"github.com/elastic/go-seccomp-bpf/internal/source"
)

type compileCommand struct {
	inputs    inputFlags
	out       string
	format    string
	objective string
	name      string
	pkg       string
}

var objectives = map[string]seccomp.Objective{
	"bitmap": seccomp.MeanWithBitmap, "mean": seccomp.Mean, "worst": seccomp.WorstCase, "size": seccomp.Size,
}

func newCompile() *cobra.Command {
	c := &compileCommand{}
	cmd := &cobra.Command{
		Use:   "compile POLICY -o FILE",
		Short: "Compile a policy to raw instructions, C or Go",
		Long: `Compile a policy, prove that the program decides every call as the policy does, and
write it as
  raw  an array of struct sock_filter
  c    a C array of struct sock_filter
  go   a Go file that embeds the program with the policy's hash and its ABI, and
       loads without compiling
The format follows the name of the file (.c, .h, .go) unless --format says it.

  //go:generate go run github.com/elastic/go-seccomp-bpf/cmd/seccomp-policy compile web.yaml -o zweb_amd64.go --machine amd64`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFilters,
		RunE:              c.run,
	}
	flags := cmd.Flags()
	flags.StringVar(&c.inputs.machine, "machine", "", "`ABI` of the machine that it is for (default: this one)")
	flags.StringVar(&c.inputs.order, "byte-order", "", "byte `order` of raw output, little or big (default: the machine's)")
	flags.StringVarP(&c.out, "output", "o", "-", "`FILE` to write; \"-\" for standard output")
	flags.StringVarP(&c.format, "format", "f", "", "raw, c or go")
	flags.StringVar(&c.objective, "objective", "bitmap", "what is cheap: bitmap (the mean, where the kernel answers constant allows), mean, worst, size")
	flags.StringVar(&c.name, "name", "", "`name` of the C array or Go variable (default: after the policy's file)")
	flags.StringVar(&c.pkg, "package", "", "`name` of the Go package (default: $GOPACKAGE, else main)")
	complete(cmd, "machine", abiNames)
	complete(cmd, "format", func() []string { return []string{"raw", "c", "go"} })
	complete(cmd, "objective", func() []string { return []string{"bitmap", "mean", "worst", "size"} })
	return cmd
}

func (c *compileCommand) run(cmd *cobra.Command, args []string) error {
	objective, ok := objectives[c.objective]
	if !ok {
		return fmt.Errorf("--objective %q: want bitmap, mean, worst or size", c.objective)
	}
	var machine *arch.Info
	if c.inputs.machine != "" {
		info, err := arch.GetInfo(c.inputs.machine)
		if err != nil {
			return fmt.Errorf("--machine: %w", err)
		}
		machine = info
	}
	file, text, err := source.Policy(args[0], cmd.InOrStdin())
	if err != nil {
		return err
	}
	compiled, err := file.Compile(&seccomp.CompileOptions{ABI: machine, Objective: objective})
	if err != nil {
		return err
	}
	for _, note := range compiled.Notes {
		fmt.Fprintf(cmd.ErrOrStderr(), "seccomp-policy: note: %s\n", note)
	}
	p := embed.Program{Compiled: compiled, Policy: args[0], Text: text, Name: c.variable(args[0]), Package: c.pkg}
	out, err := c.encode(&p)
	if err != nil {
		return err
	}
	return writeOutput(cmd, c.out, out)
}

func (c *compileCommand) encode(p *embed.Program) ([]byte, error) {
	switch c.outputFormat() {
	case "raw":
		order := p.Compiled.ByteOrder()
		switch c.inputs.order {
		case "":
		case "little":
			order = binary.LittleEndian
		case "big":
			order = binary.BigEndian
		default:
			return nil, fmt.Errorf("--byte-order %q: want little or big", c.inputs.order)
		}
		return p.Raw(order), nil
	case "c":
		return p.C()
	case "go":
		return p.Go()
	}
	return nil, fmt.Errorf("--format %q: want raw, c or go", c.format)
}

func (c *compileCommand) outputFormat() string {
	if c.format != "" {
		return c.format
	}
	switch filepath.Ext(c.out) {
	case ".c", ".h":
		return "c"
	case ".go":
		return "go"
	}
	return "raw"
}

// variable is the name of what holds the program.
func (c *compileCommand) variable(policy string) string {
	if c.name != "" {
		return c.name
	}
	base := strings.TrimSuffix(filepath.Base(policy), filepath.Ext(policy))
	return embed.Identifier(strings.TrimPrefix(base, "builtin:"))
}
