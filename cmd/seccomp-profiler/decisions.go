package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// unresolvedChoices are what to do with sites about which nothing was decided.
var unresolvedChoices = []string{"fail", "allow-all", "ignore"}

// decision says what a site with an unknown number may call:
//
//	decisions:
//	- function: main.run
//	  module: server       # optional
//	  offset: 0x4c         # optional
//	  allow: [getpid]      # or ignore: true
//	  reason: the number is one of two
type decision struct {
	Function string   `yaml:"function"`
	Module   string   `yaml:"module"`
	Offset   string   `yaml:"offset"`
	Allow    []string `yaml:"allow"`
	Ignore   bool     `yaml:"ignore"`
	Reason   string   `yaml:"reason"`

	line int
	used bool
}

// UnmarshalYAML keeps the line for messages.
func (d *decision) UnmarshalYAML(n *yaml.Node) error {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		switch key := n.Content[i].Value; key {
		case "function", "module", "offset", "allow", "ignore", "reason":
		default:
			return fmt.Errorf("line %d: unknown key %q (want function, module, offset, allow, ignore or reason)", n.Content[i].Line, key)
		}
	}
	type plain decision
	if err := n.Decode((*plain)(d)); err != nil {
		return err
	}
	d.line = n.Line
	return nil
}

func readDecisions(name string) ([]decision, error) {
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--decisions: %w", err)
	}
	var file struct {
		Decisions []decision `yaml:"decisions"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--decisions %s: %w", name, err)
	}
	for i := range file.Decisions {
		if err := file.Decisions[i].check(); err != nil {
			return nil, fmt.Errorf("--decisions %s:%d: %w", name, file.Decisions[i].line, err)
		}
	}
	return file.Decisions, nil
}

func (d *decision) check() error {
	switch {
	case d.Function == "":
		return errors.New("function is missing")
	case len(d.Allow) == 0 && !d.Ignore:
		return fmt.Errorf("%s: say what it calls (allow: [NAME, ...]) or ignore: true", d.Function)
	case len(d.Allow) > 0 && d.Ignore:
		return fmt.Errorf("%s: allow or ignore, not both", d.Function)
	}
	if d.Offset != "" {
		if _, err := strconv.ParseUint(d.Offset, 0, 64); err != nil {
			return fmt.Errorf("offset %q: want a number such as 0x4c", d.Offset)
		}
	}
	for _, n := range d.Allow {
		if err := checkCall(n); err != nil {
			return err
		}
	}
	return nil
}

func (d *decision) matches(u elfscan.Site) bool {
	if d.Function != u.Function || d.Module != "" && d.Module != filepath.Base(u.Module) {
		return false
	}
	if d.Offset == "" {
		return true
	}
	n, err := strconv.ParseUint(d.Offset, 0, 64)
	return err == nil && n == u.Offset
}

// decide returns the calls to add for sites with unknown numbers, or an error
// if there are any about which nothing was decided.
func (f *scanFlags) decide(w io.Writer, results []*elfscan.Result) ([]string, error) {
	decisions, err := readDecisions(f.decisions)
	if err != nil {
		return nil, err
	}
	var extra nameList
	open := 0
	for _, r := range results {
		for _, u := range r.Unresolved {
			if d := decisionFor(decisions, u); d != nil {
				extra = append(extra, d.Allow...)
				continue
			}
			open++
			if !f.quiet || f.unresolved == "fail" {
				fmt.Fprintf(w, "unresolved: %s\n", siteText(u))
			}
		}
	}
	for _, d := range decisions {
		if !d.used && !f.quiet {
			fmt.Fprintf(w, "--decisions %s:%d: %s: no such site is unresolved any more\n", f.decisions, d.line, d.Function)
		}
	}
	info, err := arch.GetInfo(results[0].ABI)
	if err != nil {
		return nil, err
	}
	switch {
	case open > 0 && f.unresolved == "fail":
		return nil, &exitCode{exitUnresolved, fmt.Errorf("%d system calls with unknown numbers; decide about them in a file (--decisions, see --help), or with --unresolved ignore or allow-all", open)}
	case open > 0 && f.unresolved == "allow-all":
		return slices.Sorted(maps.Keys(info.SyscallNames)), nil
	}
	return extra.calls("decisions", info, w)
}

func decisionFor(ds []decision, u elfscan.Site) *decision {
	for i := range ds {
		if ds[i].matches(u) {
			ds[i].used = true
			return &ds[i]
		}
	}
	return nil
}
