package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/elfscan"
)

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
	for i, d := range file.Decisions {
		if d.Function == "" || len(d.Allow) == 0 && !d.Ignore {
			return nil, fmt.Errorf("--decisions %s: decision %d: want function, and allow or ignore", name, i+1)
		}
		for _, n := range d.Allow {
			if !arch.Known(n) {
				return nil, fmt.Errorf("--decisions %s: decision %d: unknown system call %q (did you mean %s?)",
					name, i+1, n, strings.Join(arch.Nearest(n, 3), ", "))
			}
		}
	}
	return file.Decisions, nil
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
	if f.unresolved != "fail" && f.unresolved != "allow-all" && f.unresolved != "ignore" {
		return nil, fmt.Errorf("--unresolved %s: want fail, allow-all or ignore", f.unresolved)
	}
	decisions, err := readDecisions(f.decisions)
	if err != nil {
		return nil, err
	}
	var extra []string
	open := 0
	for _, r := range results {
		for _, u := range r.Unresolved {
			if d := lookup(decisions, u); d != nil {
				extra = append(extra, d.Allow...)
				continue
			}
			open++
			if !f.quiet || f.unresolved == "fail" {
				fmt.Fprintf(w, "unresolved: %s\n", siteText(u))
			}
		}
	}
	switch {
	case open == 0 || f.unresolved == "ignore":
		return extra, nil
	case f.unresolved == "allow-all":
		return allCalls(results[0].ABI)
	}
	return nil, &exitCode{exitUnresolved, fmt.Errorf("%d system calls with unknown numbers; decide about them in a file (--decisions), or with --unresolved=ignore or allow-all", open)}
}

func lookup(ds []decision, u elfscan.Site) *decision {
	for i := range ds {
		if ds[i].matches(u) {
			return &ds[i]
		}
	}
	return nil
}

// allCalls are all calls of an ABI: what a site with any number may make.
func allCalls(abi string) ([]string, error) {
	info, err := arch.GetInfo(abi)
	if err != nil {
		return nil, err
	}
	var out []string
	for name := range info.SyscallNames {
		out = append(out, name)
	}
	return out, nil
}
