package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

// nameList is a flag that takes names: separated by commas, semicolons or
// spaces, and any number of times.
type nameList []string

var _ pflag.Value = (*nameList)(nil)

func (l *nameList) String() string { return strings.Join(*l, ",") }
func (l *nameList) Type() string   { return "names" }

func (l *nameList) Set(text string) error {
	*l = append(*l, strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' })...)
	return nil
}

// calls are the named calls that an ABI has, groups expanded. The names that
// it lacks are told; those that nobody has are an error.
func (l nameList) calls(flag string, info *arch.Info, notes io.Writer) ([]string, error) {
	var out []string
	for _, name := range l {
		if strings.HasPrefix(name, "@") {
			members, err := seccomp.Group(name)
			if err != nil {
				return nil, fmt.Errorf("--%s: %w", flag, err)
			}
			out = append(out, slices.DeleteFunc(members, func(n string) bool { _, ok := info.Number(n); return !ok })...)
			continue
		}
		if err := checkCall(name); err != nil {
			return nil, fmt.Errorf("--%s: %w", flag, err)
		}
		if _, ok := info.Number(name); !ok {
			fmt.Fprintf(notes, "--%s: %s does not exist on %s\n", flag, name, info.Name)
			continue
		}
		out = append(out, name)
	}
	return out, nil
}

// checkCall refuses names that no ABI has.
func checkCall(name string) error {
	if arch.Known(name) {
		return nil
	}
	near := arch.Nearest(name, 3)
	if len(near) == 0 {
		return fmt.Errorf("unknown system call %q", name)
	}
	return fmt.Errorf("unknown system call %q (did you mean %s?)", name, strings.Join(near, ", "))
}

func lookup(flags *pflag.FlagSet, name string) *pflag.Flag {
	if len(name) == 1 {
		return flags.ShorthandLookup(name)
	}
	return flags.Lookup(name)
}

// complete offers fixed words for a flag.
func complete(cmd *cobra.Command, flag string, words func() []string) {
	// The flag exists: no error is possible.
	_ = cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		before, last := "", typed
		if i := strings.LastIndexByte(typed, ','); i >= 0 {
			before, last = typed[:i+1], typed[i+1:]
		}
		var out []string
		for _, w := range words() {
			if strings.HasPrefix(w, last) {
				out = append(out, before+w)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	})
}

// callNames are the calls of this machine, and the groups.
func callNames() []string {
	info, err := arch.GetInfo("")
	if err != nil {
		if info, err = arch.GetInfo("x86_64"); err != nil {
			return nil
		}
	}
	out := seccomp.Groups()
	for name := range info.SyscallNames {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
