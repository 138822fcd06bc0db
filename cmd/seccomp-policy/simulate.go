package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/explain"
	"github.com/elastic/go-seccomp-bpf/internal/source"
)

// A simulation is what simulate and explain --why do.
type simulation struct {
	calls  []string
	bulk   []bulkCall // from a file
	errors io.Writer  // for those of bulk that cannot be read
	abi    string
	path   bool // show the instructions executed
	output *outputFlags
}

type simulateCommand struct {
	inputs inputFlags
	output outputFlags
	what   simulation
	file   string
}

func newSimulate() *cobra.Command {
	c := &simulateCommand{}
	cmd := &cobra.Command{
		Use:   "simulate FILTER CALL...",
		Short: "Show what a filter does to given calls",
		Long: `Show what a filter does to given calls: the action, the rule of the policy that
decides, and how many instructions are executed.

A CALL is NAME or NAME(ARGUMENT, ...). An argument is a number, constants joined
by "|", or "_" for one that does not matter (it is 0 then); text in quotes and
structures stand for pointers to them, so that lines of strace can be pasted.`,
		Example: `  seccomp-policy simulate p.yaml 'openat(AT_FDCWD, _, O_RDONLY)' --abi i386
  strace -f -o trace.txt make; seccomp-policy simulate p.yaml --file trace.txt`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 && c.inputs.pid == 0 {
				return completeFilters(cmd, args, word)
			}
			return callNames(c.what.abi), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: c.run,
	}
	c.inputs.register(cmd)
	c.output.register(cmd, "text", "json", "yaml")
	cmd.Flags().StringVar(&c.what.abi, "abi", "", "`ABI` of the calls (default: that of the filter's machine)")
	cmd.Flags().StringVar(&c.file, "file", "", "read calls from `FILE`, one a line, as strace prints them; \"-\" for standard input")
	cmd.Flags().BoolVar(&c.what.path, "path", false, "show the instructions executed")
	complete(cmd, "abi", abiNames)
	return cmd
}

func (c *simulateCommand) run(cmd *cobra.Command, args []string) error {
	if err := c.output.check(); err != nil {
		return err
	}
	words, command := split(cmd, args)
	var filters []string
	if c.inputs.pid == 0 && len(command) == 0 && len(words) > 0 {
		filters, words = words[:1], words[1:]
	}
	c.what.calls, c.what.output = words, &c.output
	inputs, err := c.inputs.open(cmd, filters, command)
	if err != nil {
		return err
	}
	if c.file != "" {
		lines, err := readCalls(c.file, cmd.InOrStdin())
		if err != nil {
			return err
		}
		c.what.bulk, c.what.errors = lines, cmd.ErrOrStderr()
	}
	if len(c.what.calls)+len(c.what.bulk) == 0 {
		return fmt.Errorf("which call? Name one, such as 'openat(AT_FDCWD, _, O_RDONLY)', or a file with --file")
	}
	return simulateAll(cmd.OutOrStdout(), inputs, &c.what)
}

// A bulkCall is a call in a file.
type bulkCall struct {
	where string // file and line
	text  string
}

// readCalls reads calls from a file, taking off what strace puts around them.
func readCalls(name string, stdin io.Reader) ([]bulkCall, error) {
	r := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	} else {
		name = "standard input"
	}
	var calls []bulkCall
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if call := explain.StraceCall(lines.Text()); call != "" {
			calls = append(calls, bulkCall{fmt.Sprintf("%s:%d", name, n), call})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return calls, nil
}

// A simulationReport is what filters do to calls, as JSON.
type simulationReport struct {
	Schema string      `json:"schema"`
	Calls  []simulated `json:"calls"`
}

// A simulated call, as JSON.
type simulated struct {
	Filter       string `json:"filter"`
	ABI          string `json:"abi"`
	Call         string `json:"call"`
	Action       string `json:"action"`
	Rule         string `json:"rule,omitempty"`
	Instructions int    `json:"instructions"`
	Bitmap       bool   `json:"bitmap"` // Linux 5.11 answers without running the filter
	path         string
}

// simulateAll prints what each filter does to each call.
func simulateAll(w io.Writer, inputs []source.Input, s *simulation) error {
	report := simulationReport{Schema: "seccomp-policy/simulate/1", Calls: []simulated{}}
	unread := 0
	for i := range inputs {
		m, err := newSimulator(&inputs[i], s)
		if err != nil {
			return err
		}
		for _, text := range s.calls {
			r, err := m.simulate(text)
			if err != nil {
				return err
			}
			report.Calls = append(report.Calls, *r)
		}
		for _, call := range s.bulk {
			r, err := m.simulate(call.text)
			if err != nil {
				if unread++; i == 0 {
					fmt.Fprintf(s.errors, "seccomp-policy: %s: %v\n", call.where, err)
				}
				continue
			}
			report.Calls = append(report.Calls, *r)
		}
	}
	done, err := s.output.structured(w, &report)
	if !done {
		var text bytes.Buffer
		printSimulated(&text, report.Calls, len(inputs) > 1)
		err = s.output.print(w, text.Bytes())
	}
	if err == nil && unread > 0 {
		err = fmt.Errorf("%d of %d calls could not be read", unread/len(inputs), len(s.bulk))
	}
	return err
}

// A simulator applies one filter to calls of one ABI.
type simulator struct {
	in    *source.Input
	f     *explain.Filter
	abi   *arch.Info
	rules *explain.RuleFinder // nil: no policy is known
	path  bool
}

func newSimulator(in *source.Input, s *simulation) (*simulator, error) {
	f, err := lift(in)
	if err != nil {
		return nil, err
	}
	m := &simulator{in: in, f: f, abi: f.Native, path: s.path}
	if s.abi != "" {
		if m.abi, err = arch.GetInfo(s.abi); err != nil {
			return nil, fmt.Errorf("--abi: %w", err)
		}
	}
	if in.File != nil {
		m.rules = explain.NewRuleFinder(in.File, in.Compiled)
	}
	return m, nil
}

func (m *simulator) simulate(text string) (*simulated, error) {
	call, err := explain.ParseCall(text, m.abi)
	if err != nil {
		return nil, err
	}
	v := m.f.Decide(call.Data)
	r := &simulated{Filter: m.in.Label, ABI: m.abi.Name, Call: explain.CallText(&call.Data, m.abi), Action: explain.ActionWords(v.Action, m.abi)}
	words := call.Data.Words(m.f.BigEndian)
	r.Bitmap = true
	for _, p := range m.f.Programs {
		_, executed := p.Run(&words)
		r.Instructions += executed
		r.Bitmap = r.Bitmap && p.ConstAllow(call.Data.Arch, call.Data.NR)
	}
	if m.rules != nil {
		if r.Rule, err = m.rules.Rule(call.Data); err != nil {
			return nil, err
		}
	}
	if m.path {
		m.f.FindPaths(&v, call.Data)
		r.path = pathText(m.f, &v, m.abi)
	}
	return r, nil
}

func printSimulated(w io.Writer, results []simulated, labels bool) {
	for _, r := range results {
		where := ""
		if r.Rule != "" {
			where = "; " + r.Rule
		}
		if labels {
			fmt.Fprintf(w, "%s: ", r.Filter)
		}
		cost := fmt.Sprintf("%d instructions", r.Instructions)
		if r.Bitmap {
			cost += ", none on Linux 5.11 and later"
		}
		fmt.Fprintf(w, "%s %s: %s (%s%s)\n", r.ABI, r.Call, r.Action, cost, where)
		if r.path != "" {
			fmt.Fprintln(w, r.path)
		}
	}
}

// pathText lists the instructions that decided.
func pathText(f *explain.Filter, v *explain.Verdict, abi *arch.Info) string {
	var out strings.Builder
	for i, p := range v.Programs {
		if len(v.Programs) > 1 {
			decides := ""
			if p.Decides {
				decides = ", which decides"
			}
			fmt.Fprintf(&out, "  filter %d of %d (newest first): %s%s\n", i+1, len(v.Programs), explain.ActionWords(p.Action, abi), decides)
		}
		lines := cbpf.Lines(f.Programs[i], cbpf.DisassembleOptions{BigEndian: f.BigEndian, Symbols: explain.DisassemblySymbols(abi)})
		for _, at := range p.Path {
			l := lines[at]
			comment := l.Comment
			if comment != "" {
				comment = "; " + comment
			}
			fmt.Fprintf(&out, "  %5d  %-5s %-28s %s\n", at, l.Mnemonic, l.Operands, comment)
		}
	}
	text := strings.TrimRight(out.String(), "\n")
	trimmed := strings.Split(text, "\n")
	for i := range trimmed {
		trimmed[i] = strings.TrimRight(trimmed[i], " ")
	}
	return strings.Join(trimmed, "\n")
}
