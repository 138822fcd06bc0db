package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/explain"
)

type disasmCommand struct {
	inputs inputFlags
	output outputFlags
	abi    string
}

func newDisasm() *cobra.Command {
	c := &disasmCommand{}
	cmd := &cobra.Command{
		Use:   "disasm [FILTER...] [-p PID] [-- COMMAND...]",
		Short: "Print a filter's instructions with names and symbols",
		Long: `Print a filter's instructions with labels, names and symbols. seccomp-policy asm
makes the same bytes from the text.`,
		Example: `  seccomp-policy disasm filter.bpf > filter.asm
  seccomp-policy asm filter.asm -o filter.bpf`,
		ValidArgsFunction: completeFilters,
		RunE:              c.run,
	}
	c.inputs.register(cmd)
	c.output.register(cmd, "text")
	cmd.Flags().StringVar(&c.abi, "abi", "", "`ABI` whose names are used where the program does not check it")
	complete(cmd, "abi", abiNames)
	return cmd
}

func (c *disasmCommand) run(cmd *cobra.Command, args []string) error {
	if err := c.output.check(); err != nil {
		return err
	}
	words, command := split(cmd, args)
	inputs, err := c.inputs.open(cmd, words, command)
	if err != nil {
		return err
	}
	var assume *arch.Info
	if c.abi != "" {
		if assume, err = arch.GetInfo(c.abi); err != nil {
			return fmt.Errorf("--abi: %w", err)
		}
	}
	var text bytes.Buffer
	many := len(inputs) > 1
	for _, in := range inputs {
		for i, p := range in.Programs {
			if many || len(in.Programs) > 1 {
				fmt.Fprintf(&text, "; %s: filter %d of %d, newest first\n", in.Label, i+1, len(in.Programs))
			}
			text.WriteString(cbpf.Disassemble(p, cbpf.DisassembleOptions{BigEndian: in.BigEndian, Symbols: explain.DisassemblySymbols(assume)}))
		}
	}
	return c.output.print(cmd.OutOrStdout(), text.Bytes())
}

type asmCommand struct {
	out   string
	order string
	abi   string
}

func newAsm() *cobra.Command {
	c := &asmCommand{}
	cmd := &cobra.Command{
		Use:   "asm [FILE]",
		Short: "Assemble the text of a program to raw instructions",
		Long: `Assemble the text of a program, as disasm prints it, to an array of struct
sock_filter. Names of system calls and constants may be used for numbers, as in
"jeq #openat, L3"; they are those of --abi.`,
		Args: cobra.MaximumNArgs(1),
		RunE: c.run,
	}
	cmd.Flags().StringVarP(&c.out, "output", "o", "-", "`FILE` to write; \"-\" for standard output")
	cmd.Flags().StringVar(&c.order, "byte-order", "", "byte `order`, little or big (default: the text's, else this machine's)")
	cmd.Flags().StringVar(&c.abi, "abi", "", "`ABI` of names (default: this machine's)")
	complete(cmd, "abi", abiNames)
	complete(cmd, "byte-order", func() []string { return []string{"little", "big"} })
	return cmd
}

func (c *asmCommand) run(cmd *cobra.Command, args []string) error {
	name := "-"
	if len(args) == 1 {
		name = args[0]
	}
	text, err := readText(name, cmd.InOrStdin())
	if err != nil {
		return err
	}
	abi, err := arch.GetInfo(c.abi)
	if err != nil {
		return fmt.Errorf("--abi: %w", err)
	}
	big, err := explain.TextOrder(string(text), c.order, abi.BigEndian)
	if err != nil {
		return fmt.Errorf("--byte-order: %w", err)
	}
	p, err := cbpf.Assemble(string(text), cbpf.AssembleOptions{BigEndian: big, Symbol: explain.AssemblySymbol(abi)})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if big {
		order = binary.BigEndian
	}
	if err := p.Validate(); err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "seccomp-policy: warning: the kernel refuses this program: %v\n", err)
	}
	return writeOutput(cmd, c.out, p.Encode(order))
}

func readText(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(stdin, 16<<20))
	}
	return os.ReadFile(name)
}
