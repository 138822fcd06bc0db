package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/explain"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

type listCommand struct {
	output outputFlags
	abis   []string
}

func newList() *cobra.Command {
	c := &listCommand{}
	cmd := &cobra.Command{
		Use:   "list [WHAT...]",
		Short: "List system calls, ABIs, groups, parameters and constants",
		Long: `List what policies can name. WHAT is
  NAME       a system call: its numbers, parameters and the constants they take,
             and the Linux version that has it
  NUMBER     the system call of that number
  @GROUP     the calls of a group
  CONSTANT   the value of a constant; a name that ends in "*" lists all like it
  calls, abis, groups, policies, actions, operations, formats
and nothing lists all calls of the ABI.`,
		Example: `  seccomp-policy list openat --abi all
  seccomp-policy list @network-io
  seccomp-policy list 'CLONE_NEW*' --abi aarch64`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			words := append(listTopicNames(), seccomp.Groups()...)
			return append(words, callNames(first(c.abis))...), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: c.run,
	}
	c.output.register(cmd, "text", "json", "yaml")
	cmd.Flags().StringSliceVar(&c.abis, "abi", nil, "of these `ABIs`, or all (default: this machine's)")
	complete(cmd, "abi", abiNames)
	return cmd
}

// A listReport is what is listed, as JSON.
type listReport struct {
	Schema string    `json:"schema"`
	Items  []listing `json:"items"`
}

// A listing is one line of what is listed.
type listing struct {
	Name       string   `json:"name"`
	ABI        string   `json:"abi,omitempty"`
	Number     *uint32  `json:"number,omitempty"`
	Value      *uint64  `json:"value,omitempty"`
	Since      string   `json:"since,omitempty"`
	Parameters []string `json:"parameters,omitempty"`
	Constants  []string `json:"constants,omitempty"`
	Members    []string `json:"members,omitempty"`
	Text       string   `json:"text,omitempty"`
}

func (c *listCommand) run(cmd *cobra.Command, args []string) error {
	if err := c.output.check(); err != nil {
		return err
	}
	abis, err := c.chosen()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"calls"}
	}
	var list []listing
	for _, what := range args {
		found, err := lookUp(what, abis)
		if err != nil {
			return err
		}
		list = append(list, found...)
	}
	w := cmd.OutOrStdout()
	if done, err := c.output.structured(w, &listReport{"seccomp-policy/list/1", list}); done {
		return err
	}
	var text bytes.Buffer
	for i := range list {
		list[i].print(&text)
	}
	return c.output.print(w, text.Bytes())
}

func (c *listCommand) chosen() ([]*arch.Info, error) {
	if len(c.abis) == 0 {
		abi, err := arch.GetInfo("")
		if err != nil {
			abi, err = arch.GetInfo("x86_64")
		}
		return []*arch.Info{abi}, err
	}
	var out []*arch.Info
	for _, name := range c.abis {
		if name == "all" {
			return arch.All(), nil
		}
		abi, err := arch.GetInfo(name)
		if err != nil {
			return nil, fmt.Errorf("--abi: %w", err)
		}
		out = append(out, abi)
	}
	return out, nil
}

var listTopics = []struct {
	name string
	list func(abis []*arch.Info) []listing
}{
	{"calls", listCalls},
	{"abis", func([]*arch.Info) []listing { return listABIs() }},
	{"groups", func([]*arch.Info) []listing { return listGroups() }},
	{"policies", func([]*arch.Info) []listing { return named(policyfile.Builtins()) }},
	{"actions", func([]*arch.Info) []listing { return listActions() }},
	{"operations", func([]*arch.Info) []listing { return listOperations() }},
	{"formats", func([]*arch.Info) []listing { return listFormats() }},
}

func listTopicNames() []string {
	var names []string
	for _, t := range listTopics {
		names = append(names, t.name)
	}
	return names
}

// lookUp finds what one word stands for.
func lookUp(what string, abis []*arch.Info) ([]listing, error) {
	for _, t := range listTopics {
		if t.name == what {
			return t.list(abis), nil
		}
	}
	if strings.HasPrefix(what, "@") {
		calls, err := seccomp.Group(what)
		return []listing{{Name: what, Members: calls}}, err
	}
	if prefix, ok := strings.CutSuffix(what, "*"); ok {
		return listConstants(prefix, abis), nil
	}
	var out []listing
	for _, abi := range abis {
		call, err := explain.ParseCall(what, abi)
		if err == nil {
			out = append(out, describeCall(abi, call.Data.NR, call.Name))
		} else if v, kind, ok := abi.Constant(what); ok {
			out = append(out, listing{Name: what, ABI: abi.Name, Value: &v, Text: kind.String()})
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	if arch.Known(what) {
		return nil, fmt.Errorf("%s: not a system call of %s (--abi all shows whose)", what, abis[0].Name)
	}
	return nil, explain.UnknownName(what, abis[0])
}

func describeCall(abi *arch.Info, nr uint32, name string) listing {
	l := listing{Name: name, ABI: abi.Name, Number: &nr}
	if since, ok := abi.Since(name); ok {
		l.Since = since.String()
	}
	params, _ := abi.Params(name)
	for i, p := range params {
		l.Parameters = append(l.Parameters, p.Type+" "+p.Name)
		if names := explain.Symbols(abi).Names(name, i); len(names) > 0 {
			l.Constants = append(l.Constants, p.Name+": "+strings.Join(names, " "))
		}
	}
	return l
}

func listCalls(abis []*arch.Info) []listing {
	var out []listing
	for _, abi := range abis {
		info, err := arch.GetInfo(abi.Name)
		if err != nil {
			continue
		}
		start := len(out)
		for name := range info.SyscallNames {
			nr, _ := info.Number(name)
			l := describeCall(info, nr, name)
			l.Constants = nil
			out = append(out, l)
		}
		slices.SortFunc(out[start:], func(a, b listing) int {
			if *a.Number != *b.Number {
				return int(int64(*a.Number) - int64(*b.Number))
			}
			return strings.Compare(a.Name, b.Name)
		})
	}
	return out
}

func listConstants(prefix string, abis []*arch.Info) []listing {
	var out []listing
	for _, abi := range abis {
		for _, name := range abi.ConstantNames(prefix) {
			v, kind, _ := abi.Constant(name)
			out = append(out, listing{Name: name, ABI: abi.Name, Value: &v, Text: kind.String()})
		}
	}
	return out
}

func listABIs() []listing {
	var out []listing
	for _, abi := range arch.All() {
		order := "little"
		if abi.BigEndian {
			order = "big"
		}
		l := listing{Name: abi.Name, Text: fmt.Sprintf("%s, %d-bit registers, %s endian", abi.ID, abi.WordBits, order)}
		if abi.GOARCH != "" {
			l.Text += ", GOARCH=" + abi.GOARCH
		}
		for _, compat := range abi.Compat() {
			l.Members = append(l.Members, compat.Name)
		}
		out = append(out, l)
	}
	return out
}

func listGroups() []listing {
	var out []listing
	for _, name := range seccomp.Groups() {
		calls, err := seccomp.Group(name)
		if err == nil {
			out = append(out, listing{Name: name, Text: fmt.Sprintf("%d calls", len(calls))})
		}
	}
	return out
}

func listActions() []listing {
	var out []listing
	for _, name := range []string{"kill_process", "kill_thread", "trap", "errno", "user_notify", "trace", "log", "allow"} {
		l := listing{Name: name}
		if a, err := seccomp.ParseAction(name); err == nil {
			l.Since = a.Since()
		}
		out = append(out, l)
	}
	return out
}

func listOperations() []listing {
	var names []string
	for _, o := range seccomp.Operations {
		names = append(names, string(o))
	}
	return named(names)
}

func listFormats() []listing {
	var out []listing
	for _, f := range policyfile.Formats() {
		l := listing{Name: f.Name, Text: f.Title + " (read)"}
		if f.Write {
			l.Text = f.Title + " (read and written)"
		}
		out = append(out, l)
	}
	return out
}

func named(names []string) []listing {
	out := make([]listing, len(names))
	for i, n := range names {
		out[i].Name = n
	}
	return out
}

func (l *listing) print(w io.Writer) {
	if l.Members != nil && l.Text == "" {
		for _, m := range l.Members {
			fmt.Fprintln(w, m)
		}
		return
	}
	line := l.Name
	if l.ABI != "" {
		line = fmt.Sprintf("%-12s %s", l.ABI, l.Name)
	}
	if l.Number != nil {
		line = fmt.Sprintf("%-12s %5d %s(%s)", l.ABI, *l.Number, l.Name, strings.Join(l.Parameters, ", "))
	}
	if l.Value != nil {
		line += fmt.Sprintf(" = %#x", *l.Value)
	}
	if l.Text != "" {
		line += "  " + l.Text
	}
	if len(l.Members) > 0 {
		line += "; also runs " + strings.Join(l.Members, ", ")
	}
	if l.Since != "" {
		line += "  since Linux " + strings.TrimPrefix(l.Since, "Linux ")
	}
	fmt.Fprintln(w, line)
	for _, c := range l.Constants {
		fmt.Fprintf(w, "%18s  %s\n", "", c)
	}
}
