package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/elastic/go-seccomp-bpf/internal/buildversion"
)

const rootLong = `Read, compare, check and compile seccomp filters.

A filter is named wherever one is wanted as
  FILE            a policy in any format that is read, a raw program (an array of
                  struct sock_filter), or the text of a program (.asm)
  -               the same on standard input
  builtin:NAME    a policy that comes with this program
  pid:PID, -p PID the filters of a running process, all together
  -- COMMAND ...  the filters that a command installs; it is then ended

Exit status: 0, 1 when diff finds differences or check has findings, 2 on errors.`

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:               "seccomp-policy",
		Short:             "Read, compare, check and compile seccomp filters",
		Long:              rootLong,
		Version:           buildversion.String(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
	})
	root.AddCommand(
		newExplain(),
		newGraph(),
		newCompile(),
		newDecompile(),
		newCheck(),
		newDiff(),
		newDisasm(),
		newAsm(),
		newSimulate(),
		newList(),
		newMan(),
	)
	return root
}
