package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/buildversion"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// options are the flags.
type options struct {
	policy      string
	allow, deny []string
	noNewPrivs  bool
	check, dump bool
	output      string
}

const longHelp = `Runs a command under a seccomp policy: the system calls that the policy refuses
fail, or end the command, whatever the command is told to do.

The policy is a file (see -policy) or, without one, a policy that most programs
run under: it refuses what changes the machine, reaches other processes or
makes namespaces, and new kernel interfaces that are often attacked.

The command takes the sandbox's place. Its exit status and signals are its own;
the sandbox exits with 127 if there is no such command, 126 if it cannot be
executed, and 125 if the policy is wrong or cannot be loaded.

A refused call fails with an error such as EPERM ("Operation not permitted"),
and the command says what it makes of that; the kernel keeps no record. To see
what a policy refuses before anything runs, use -check. To see the calls of a
command, run it under strace -f without the sandbox.

Flags may be written with one dash or two. They end at the command.`

const examples = `  sandbox -- git log                        # under the default policy
  sandbox unshare -U true                   # refused: Operation not permitted
  sandbox -deny @network-io -- make test    # no network
  sandbox -allow ptrace -- strace true      # one call more
  sandbox -policy web.yaml -- ./server      # under a policy of your own
  sandbox -check -policy web.yaml           # is it right, and what does it do?
  sandbox -dump                             # the program that the kernel runs`

func newCommand() *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:           "sandbox [flags] [--] COMMAND [ARG...]",
		Short:         "Run a command under a seccomp policy",
		Long:          longHelp,
		Example:       examples,
		Version:       buildversion.String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		// No subcommands: any word could be the command to run.
		CompletionOptions:     cobra.CompletionOptions{DisableDefaultCmd: true},
		DisableFlagsInUseLine: true,
		Args:                  cobra.ArbitraryArgs,
		ValidArgsFunction:     completeCommand,
		RunE:                  func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	o.define(cmd)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return fmt.Errorf("%w; see sandbox --help", err)
	})
	return cmd
}

func (o *options) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	flags.SortFlags = false
	flags.StringVarP(&o.policy, "policy", "p", policyfile.DefaultName, "policy `FILE`, - for standard input, or the name of a builtin one")
	flags.StringSliceVar(&o.allow, "allow", nil, "allow these calls and @groups as well: `NAME,...`")
	flags.StringSliceVar(&o.deny, "deny", nil, "refuse these calls and @groups with EPERM, also where -allow names them: `NAME,...`")
	flags.BoolVar(&o.noNewPrivs, "no-new-privs", true, "give up privileges that executing setuid programs would bring;\n=false needs CAP_SYS_ADMIN")
	flags.BoolVar(&o.check, "check", false, "say what the policy does, and run nothing")
	flags.BoolVar(&o.dump, "dump", false, "print the program that the kernel would run, and run nothing")
	flags.StringVarP(&o.output, "output", "o", "text", "form of what -check says: `text|json`")
	flags.String("completion", "", "print the completion script for a shell: `bash|zsh|fish|powershell`")
	flags.BoolP("help", "h", false, "print this help")
	flags.BoolP("version", "v", false, "print the version")

	// The names are fixed and the functions exist: no error is possible.
	_ = cmd.RegisterFlagCompletionFunc("allow", completeNames)
	_ = cmd.RegisterFlagCompletionFunc("deny", completeNames)
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("completion",
		cobra.FixedCompletions([]string{"bash", "zsh", "fish", "powershell"}, cobra.ShellCompDirectiveNoFileComp))
}

// normalise gives flags that are written with one dash, as Go's flag package
// has them, the two that pflag wants. It stops where the command begins.
func normalise(cmd *cobra.Command, args []string) []string {
	out := slices.Clone(args)
	first := 0
	if len(out) > 0 && (out[0] == cobra.ShellCompRequestCmd || out[0] == cobra.ShellCompNoDescRequestCmd) {
		first = 1 // a shell asks how to complete what follows
	}
	for i := first; i < len(out); i++ {
		arg := out[i]
		if arg == "--" || arg == "-" || !strings.HasPrefix(arg, "-") {
			break
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		f := lookup(cmd.Flags(), name)
		if len(name) > 1 && !strings.HasPrefix(arg, "--") {
			out[i] = "-" + arg
		}
		if f != nil && !hasValue && f.NoOptDefVal == "" { // else pflag says what is wrong
			i++ // its value, whatever that looks like
		}
	}
	return out
}

func lookup(flags *pflag.FlagSet, name string) *pflag.Flag {
	if len(name) == 1 {
		return flags.ShorthandLookup(name)
	}
	return flags.Lookup(name)
}

func (o *options) run(cmd *cobra.Command, args []string) error {
	if shell, _ := cmd.Flags().GetString("completion"); shell != "" {
		return completion(cmd, shell)
	}
	switch {
	case o.output != "text" && o.output != "json":
		return fmt.Errorf("-o %s: want text or json", o.output)
	case o.output == "json" && !o.check:
		return errors.New("-o json is for -check")
	case o.check && o.dump:
		return errors.New("-check and -dump: choose one")
	case len(args) == 0 && !o.check && !o.dump:
		return errors.New("no command to run; see sandbox --help")
	}
	file, err := policyfile.ReadFile(o.policy)
	if err != nil {
		return err
	}
	if err := adjust(file, o.allow, o.deny); err != nil {
		return err
	}
	compiled, err := file.Compile(nil)
	if err != nil {
		return err
	}
	switch {
	case o.dump:
		return dump(cmd.OutOrStdout(), compiled)
	case o.check:
		return o.report(cmd.OutOrStdout(), file, compiled)
	}
	return execute(args, seccomp.Filter{NoNewPrivs: o.noNewPrivs, Policy: file.Policy}, compiled)
}

func completion(cmd *cobra.Command, shell string) error {
	out := cmd.OutOrStdout()
	switch shell {
	case "bash":
		return cmd.GenBashCompletionV2(out, true)
	case "zsh":
		return cmd.GenZshCompletion(out)
	case "fish":
		return cmd.GenFishCompletion(out, true)
	case "powershell":
		return cmd.GenPowerShellCompletionWithDesc(out)
	}
	return fmt.Errorf("-completion %s: want bash, zsh, fish or powershell", shell)
}

// completeCommand leaves it to the shell to complete the command's own words.
func completeCommand(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// completeNames completes the last of the names with calls of this machine and
// groups.
func completeNames(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before, last := "", typed
	if i := strings.LastIndexByte(typed, ','); i >= 0 {
		before, last = typed[:i+1], typed[i+1:]
	}
	names := seccomp.Groups()
	if abi, err := arch.GetInfo(""); err == nil {
		for name := range abi.SyscallNames {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var matching []string
	for _, name := range names {
		if strings.HasPrefix(name, last) {
			matching = append(matching, before+name)
		}
	}
	return matching, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
