package main

import (
	"fmt"
	"slices"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/elfscan"
	"github.com/elastic/go-seccomp-bpf/internal/symbols"
)

// comments are what the native format says beside the policy: what it was made
// from; what values without a name of their own consist of; and on request
// where each call comes from.
func (o *output) comments(p *seccomp.Policy, results []*elfscan.Result) map[string]string {
	out := map[string]string{"": strings.Join(header(results), "\n")}
	group := &p.Syscalls[0]
	for i, name := range group.Names {
		if o.debug {
			out[fmt.Sprintf("syscalls[0].names[%d]", i)] = origin(results, name)
		}
	}
	info, err := arch.GetInfo(results[0].ABI)
	if err != nil {
		return out
	}
	namer := symbols.For(info)
	for i := range group.NamesWithConditions {
		n := &group.NamesWithConditions[i]
		if o.debug {
			out[fmt.Sprintf("syscalls[0].names_with_args[%d]", i)] = origin(results, n.Name)
		}
		for j := range n.Conditions {
			if text := spelled(namer, info, n.Name, &n.Conditions[j]); text != "" {
				out[fmt.Sprintf("syscalls[0].names_with_args[%d].arguments[%d]", i, j)] = text
			}
		}
	}
	return out
}

// spelled names the numbers of a condition that mix a name with flags, which
// conditions cannot.
func spelled(namer *symbols.Namer, info *arch.Info, call string, c *seccomp.Condition) string {
	at := int(c.Argument)
	if params, ok := info.Params(call); ok && c.Name != "" {
		at = slices.IndexFunc(params, func(p arch.Param) bool { return p.Name == c.Name })
	}
	values := c.Values
	if c.Operation == seccomp.Equal && c.Symbol == "" {
		values = []uint64{c.Value}
	}
	var lines []string
	for _, v := range values {
		if text, ok := namer.Name(call, at, v, 64); ok && text != fmt.Sprint(v) {
			lines = append(lines, fmt.Sprintf("%d is %s", v, text))
		}
	}
	return strings.Join(lines, "\n")
}

// origin says in one line where a call comes from.
func origin(results []*elfscan.Result, name string) string {
	for _, r := range results {
		for _, c := range r.Calls {
			if c.Name != name {
				continue
			}
			if len(c.Evidence) == 0 {
				return c.Grade.String()
			}
			return fmt.Sprintf("%s: %s", c.Grade, place(c.Evidence[0]))
		}
	}
	return "not found in the program, but asked for"
}

// place is where evidence was found.
func place(e elfscan.Evidence) string {
	text := fmt.Sprintf("%s at %#x in %s", e.Function, e.Address, e.Module)
	if e.File != "" {
		text += fmt.Sprintf(" (%s:%d)", e.File, e.Line)
	}
	return text
}
