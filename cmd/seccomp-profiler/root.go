package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elastic/go-seccomp-bpf/internal/buildversion"
)

const rootLong = `Make a seccomp policy for a program.

  seccomp-profiler scan ./server > server.yaml   read the program, without running it
  sandbox -policy server.yaml -- ./server        run it under that policy

Without a command, and with the flags of the original seccomp-profiler, it does
what that one did, that is scan --format code --default-action errno:

  seccomp-profiler -pkg main -out policy_{{.GOOS}}_{{.GOARCH}}.go ./server

Exit status: 0; 1 on errors; 3 if system calls with unknown numbers are left to
decide about; 4 if scan --diff found changes.`

// newRoot is the whole command.
func newRoot() *cobra.Command {
	original := scanFlags{defaultFormat: "code"}
	root := &cobra.Command{
		Use:                        "seccomp-profiler",
		Short:                      "Make a seccomp policy for a program",
		Long:                       rootLong,
		Version:                    buildversion.String(),
		SilenceUsage:               true,
		SilenceErrors:              true,
		DisableAutoGenTag:          true,
		SuggestionsMinimumDistance: 2,
		Args:                       executableOrCommand,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			err := original.run(cmd, args[0])
			if errors.Is(err, fs.ErrNotExist) && !strings.Contains(args[0], "/") {
				err = fmt.Errorf("%w, and there is no %w", err, unknownCommand(cmd, args[0]))
			}
			return err
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
	})
	original.defineOriginal(root, "errno")
	for _, name := range []string{"format", "t", "pkg", "d", "b", "allow", "out"} {
		if f := lookup(root.Flags(), name); f != nil {
			f.Hidden = true // they are scan's, where help has them
		}
	}
	root.AddCommand(newScan())
	return root
}

// executableOrCommand takes several arguments for those of a command.
func executableOrCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("there is no %w", unknownCommand(cmd, args[0]))
	}
	return nil
}

// unknownCommand continues "there is no".
func unknownCommand(cmd *cobra.Command, name string) error {
	hint := "see " + cmd.CommandPath() + " --help"
	if like := cmd.SuggestionsFor(name); len(like) > 0 {
		hint = "did you mean " + strings.Join(like, " or ") + "?"
	}
	return fmt.Errorf("command %q (%s)", name, hint)
}

// normalise gives long flags that are written with one dash, as Go's flag
// package has them, the two that pflag wants.
func normalise(root *cobra.Command, args []string) []string {
	out := append([]string(nil), args...)
	for i := 0; i < len(out); i++ {
		arg := out[i]
		if arg == "--" {
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			continue
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		f := lookup(root.Flags(), name)
		for _, c := range root.Commands() {
			if f == nil {
				f = lookup(c.Flags(), name)
			}
		}
		if f == nil {
			continue
		}
		if len(name) > 1 && arg[1] != '-' {
			out[i] = "-" + arg
		}
		if !hasValue && f.NoOptDefVal == "" {
			i++ // its value, whatever that looks like
		}
	}
	return out
}
