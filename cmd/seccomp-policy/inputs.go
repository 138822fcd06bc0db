package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/explain"
	"github.com/elastic/go-seccomp-bpf/internal/source"
)

// inputFlags say which filters a command is about.
type inputFlags struct {
	pid     int
	order   string
	machine string
	timeout time.Duration
	settle  time.Duration
	task    string
}

func (f *inputFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVarP(&f.pid, "pid", "p", 0, "the filters of the running process `PID`")
	flags.StringVar(&f.order, "byte-order", "", "byte `order` of raw programs, little or big (default: detected)")
	flags.StringVar(&f.machine, "machine", "", "`ABI` of the machine that policies are compiled for (default: this one)")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "for -- COMMAND: end it after this `time` at the latest")
	flags.DurationVar(&f.settle, "settle", time.Second, "for -- COMMAND: end it when it has not installed a filter for this `time`")
	flags.StringVar(&f.task, "task", "", "only filters of threads whose label contains `TEXT`")
	complete(cmd, "byte-order", func() []string { return []string{"little", "big"} })
	complete(cmd, "machine", abiNames)
}

// complete offers values for a flag.
func complete(cmd *cobra.Command, flag string, values func() []string) {
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values(), cobra.ShellCompDirectiveNoFileComp
	}))
}

func abiNames() []string {
	var names []string
	for _, abi := range arch.All() {
		names = append(names, abi.Name)
	}
	return names
}

// split parts a command line at "--".
func split(cmd *cobra.Command, args []string) (words, command []string) {
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		return args[:dash], args[dash:]
	}
	return args, nil
}

// open finds all filters that the words, -p and the command name.
func (f *inputFlags) open(cmd *cobra.Command, words, command []string) ([]source.Input, error) {
	o := source.Options{Order: f.order, Stdin: cmd.InOrStdin()}
	if f.machine != "" {
		machine, err := arch.GetInfo(f.machine)
		if err != nil {
			return nil, fmt.Errorf("--machine: %w", err)
		}
		o.Machine = machine
	}
	var all []source.Input
	add := func(in []source.Input, err error) error {
		all = append(all, in...)
		return err
	}
	for _, word := range words {
		if err := add(source.Open(word, o)); err != nil {
			return nil, err
		}
	}
	if f.pid != 0 {
		if err := add(source.Process(f.pid)); err != nil {
			return nil, err
		}
	}
	if len(command) > 0 {
		options := source.CommandOptions{Timeout: f.timeout, Settle: f.settle, Stdout: os.Stderr, Stderr: os.Stderr}
		if err := add(source.Command(cmd.Context(), command, options)); err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, errors.New("which filter? Name a file, \"-\", builtin:NAME, -p PID or -- COMMAND")
	}
	return f.choose(all)
}

// choose keeps the filters that --task asks for.
func (f *inputFlags) choose(all []source.Input) ([]source.Input, error) {
	if f.task == "" {
		return all, nil
	}
	var kept []source.Input
	for _, in := range all {
		if strings.Contains(in.Label, f.task) {
			kept = append(kept, in)
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("--task %q: no label contains it (%s)", f.task, labels(all))
	}
	return kept, nil
}

// single is for commands about one filter.
func single(all []source.Input) (*source.Input, error) {
	if len(all) > 1 {
		return nil, fmt.Errorf("%d filters, where one is wanted; choose one with --task: %s", len(all), labels(all))
	}
	return &all[0], nil
}

func labels(all []source.Input) string {
	var list []string
	for _, in := range all {
		list = append(list, in.Label)
	}
	return strings.Join(list, "; ")
}

// lift makes the function of an input.
func lift(in *source.Input) (*explain.Filter, error) {
	return liftInto(decision.NewSpace(nodeLimit), in)
}

func liftInto(space *decision.Space, in *source.Input) (*explain.Filter, error) {
	f, err := explain.New(space, in.Label, in.Programs, in.BigEndian, in.Native)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Label, err)
	}
	return f, nil
}

// parseABIs reads the value of --abi: names joined by commas, or "all".
func parseABIs(list []string, bigEndian bool) ([]*arch.Info, error) {
	var out []*arch.Info
	for _, name := range list {
		if name == "all" {
			for _, abi := range arch.All() {
				if abi.BigEndian == bigEndian {
					out = append(out, abi)
				}
			}
			continue
		}
		abi, err := arch.GetInfo(name)
		if err != nil {
			return nil, fmt.Errorf("--abi: %w", err)
		}
		out = append(out, abi)
	}
	return out, nil
}

// nodeLimit bounds what one command may need: some programs that compilers in
// use make take more than the default while they are lifted.
const nodeLimit = 1_000_000
