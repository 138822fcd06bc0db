package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/elfscan"
	"github.com/elastic/go-seccomp-bpf/internal/buildversion"
	"github.com/elastic/go-seccomp-bpf/internal/symbols"
)

// The report is what -o json prints; docs/schema/scan-1.json describes it.
type reportJSON struct {
	Schema   string        `json:"schema"`
	Tool     string        `json:"tool"`
	Programs []programJSON `json:"programs"`
}

type programJSON struct {
	Path       string         `json:"path"`
	ABI        string         `json:"abi"`
	GOARCH     string         `json:"goarch,omitempty"`
	BuildID    string         `json:"build_id,omitempty"`
	GoVersion  string         `json:"go_version,omitempty"`
	Script     string         `json:"script,omitempty"`
	Partial    bool           `json:"partial"`
	Modules    []moduleJSON   `json:"modules"`
	Calls      []callJSON     `json:"calls"`
	Unresolved []siteJSON     `json:"unresolved"`
	Loads      []evidenceJSON `json:"loads"`
	Execs      []string       `json:"execs"`
	Notes      []string       `json:"notes"`
}

type moduleJSON struct {
	Path    string `json:"path"`
	BuildID string `json:"build_id,omitempty"`
}

type callJSON struct {
	Name      string         `json:"name"`
	Number    uint32         `json:"number"`
	Grade     string         `json:"grade"`
	Gate      string         `json:"gate,omitempty"`
	Evidence  []evidenceJSON `json:"evidence"`
	Arguments *argumentsJSON `json:"arguments,omitempty"`
}

type argumentsJSON struct {
	Names  []string   `json:"names"`
	Values [][]uint64 `json:"values,omitempty"`
	Text   [][]string `json:"text,omitempty"`
	Why    string     `json:"why,omitempty"`
}

type evidenceJSON struct {
	Function string      `json:"function"`
	Module   string      `json:"module"`
	Address  string      `json:"address"`
	Site     string      `json:"site,omitempty"`
	File     string      `json:"file,omitempty"`
	Line     int         `json:"line,omitempty"`
	Gate     string      `json:"gate,omitempty"`
	Path     []frameJSON `json:"path,omitempty"`
}

type frameJSON struct {
	Function string `json:"function"`
	Module   string `json:"module"`
	Address  string `json:"address"`
}

type siteJSON struct {
	evidenceJSON
	Offset string `json:"offset"`
	Reason string `json:"reason"`
}

// writeReport prints all that is known, or all about some calls.
func writeReport(w io.Writer, results []*elfscan.Result, only []string) error {
	out := reportJSON{Schema: "seccomp-profiler/scan/1", Tool: buildversion.String()}
	for _, r := range results {
		info, err := arch.GetInfo(r.ABI)
		if err != nil {
			return err
		}
		p := programJSON{Path: r.Path, ABI: r.ABI, GOARCH: r.GOARCH, BuildID: r.BuildID, GoVersion: r.GoVersion, Script: r.Script,
			Partial: r.Partial, Modules: []moduleJSON{}, Calls: []callJSON{}, Unresolved: []siteJSON{}, Loads: []evidenceJSON{},
			Execs: append([]string{}, r.Execs...), Notes: append([]string{}, r.Notes...)}
		for _, m := range r.Modules {
			p.Modules = append(p.Modules, moduleJSON(m))
		}
		for i := range r.Calls {
			if c := &r.Calls[i]; len(only) == 0 || slices.Contains(only, c.Name) {
				p.Calls = append(p.Calls, callOf(info, c))
			}
		}
		for _, u := range r.Unresolved {
			p.Unresolved = append(p.Unresolved, siteJSON{evidenceOf(u.Evidence), hex(u.Offset), u.Reason})
		}
		for _, l := range r.Loads {
			p.Loads = append(p.Loads, evidenceOf(l))
		}
		out.Programs = append(out.Programs, p)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

func callOf(info *arch.Info, c *elfscan.Call) callJSON {
	out := callJSON{Name: c.Name, Number: c.Number, Grade: c.Grade.String(), Gate: c.Gate, Evidence: []evidenceJSON{}}
	for _, e := range c.Evidence {
		out.Evidence = append(out.Evidence, evidenceOf(e))
	}
	if c.Args == nil {
		return out
	}
	namer := symbols.For(info)
	a := &argumentsJSON{Values: c.Args.Values, Why: c.Args.Why()}
	for _, i := range c.Args.Index {
		a.Names = append(a.Names, namer.Param(c.Name, i))
	}
	for _, tuple := range c.Args.Values {
		var text []string
		for k, v := range tuple {
			text = append(text, namer.Value(c.Name, c.Args.Index[k], v, 64))
		}
		a.Text = append(a.Text, text)
	}
	out.Arguments = a
	return out
}

func evidenceOf(e elfscan.Evidence) evidenceJSON {
	out := evidenceJSON{Function: e.Function, Module: e.Module, Address: hex(e.Address), File: e.File, Line: e.Line, Gate: e.Gate}
	if e.Site != 0 {
		out.Site = hex(e.Site)
	}
	for _, f := range e.Path {
		out.Path = append(out.Path, frameJSON{f.Function, f.Module, hex(f.Address)})
	}
	return out
}

func hex(v uint64) string { return fmt.Sprintf("%#x", v) }
