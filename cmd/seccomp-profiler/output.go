package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"golang.org/x/term"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/elfscan"
	"github.com/elastic/go-seccomp-bpf/internal/buildversion"
	"github.com/elastic/go-seccomp-bpf/internal/embed"
	"github.com/elastic/go-seccomp-bpf/internal/outfile"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// output says what to write where.
type output struct {
	format, out, template, pkg string
	debug                      bool
}

// ownFormats are the formats that policyfile does not write.
var ownFormats = []string{"yaml", "config", "json", "code", "go", "c", "raw"}

// formats are the names that --format takes.
func formats() []string {
	out := slices.Clone(ownFormats)
	for _, f := range policyfile.Formats() {
		if f.Write && f.Name != "native" && !slices.Contains(out, f.Name) {
			out = append(out, f.Name)
		}
	}
	return out
}

func formatHelp() string { return strings.Join(formats(), ", ") }

// byExtension are the formats that the names of files say.
var byExtension = map[string]string{".yaml": "yaml", ".yml": "yaml", ".json": "json", ".go": "code", ".c": "c", ".h": "c", ".bpf": "raw"}

// check settles the format.
func (o *output) check(fallback string) error {
	switch {
	case o.template != "" && o.format != "" && o.format != "code":
		return fmt.Errorf("-t is for --format code, not %s", o.format)
	case o.template != "":
		o.format = "code"
	case o.format == "" && fallback == "yaml" && byExtension[filepath.Ext(o.out)] != "":
		o.format = byExtension[filepath.Ext(o.out)]
	case o.format == "":
		o.format = fallback
	}
	if !slices.Contains(formats(), o.format) {
		return fmt.Errorf("--format %s: unknown format (want %s)", o.format, formatHelp())
	}
	return nil
}

// write renders the policy and writes it atomically.
func (o *output) write(stdout io.Writer, p *seccomp.Policy, results []*elfscan.Result) error {
	var b bytes.Buffer
	var err error
	switch o.format {
	case "code":
		err = o.code(&b, p, results)
	case "yaml", "config":
		err = policyfile.Write(&b, p, &policyfile.WriteOptions{Comments: o.comments(p, results)})
	case "json":
		err = writeJSON(&b, p)
	case "go", "c", "raw":
		err = o.compiled(&b, p, results)
	default:
		err = policyfile.WriteFormat(o.format, &b, p, &policyfile.WriteOptions{Comments: o.comments(p, results)})
	}
	if err != nil {
		return fmt.Errorf("writing the policy as %s: %w", o.format, err)
	}
	return o.save(stdout, b.Bytes(), results[0])
}

// header identifies what a policy was made from.
func header(results []*elfscan.Result) []string {
	var names []string
	for _, r := range results {
		names = append(names, baseName(r))
	}
	lines := []string{fmt.Sprintf("Made by seccomp-profiler %s from %s.", buildversion.String(), strings.Join(names, " and "))}
	for i, r := range results {
		of := ""
		if len(results) > 1 {
			of = " of " + names[i]
		}
		if r.BuildID != "" {
			lines = append(lines, "Build ID"+of+": "+r.BuildID)
		}
		if r.GoVersion != "" {
			lines = append(lines, "Go version"+of+": "+r.GoVersion)
		}
		if r.Partial {
			lines = append(lines, "Partial"+of+": not all could be read; it may make calls that are not here")
		}
	}
	return append(lines, "ABI: "+results[0].ABI)
}

// baseName is a program's name as it may stand in a comment.
func baseName(r *elfscan.Result) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) { // a line's end would end the comment
			return '?'
		}
		return c
	}, filepath.Base(r.Path))
}

// writeJSON is the native format in JSON, which has no comments.
func writeJSON(w io.Writer, p *seccomp.Policy) error {
	if err := p.Validate(); err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(map[string]any{"seccomp": p})
}

// compiled writes the program, as seccomp-policy compile does.
func (o *output) compiled(w io.Writer, p *seccomp.Policy, results []*elfscan.Result) error {
	info, err := arch.GetInfo(results[0].ABI)
	if err != nil {
		return err
	}
	compiled, err := p.Compile(&seccomp.CompileOptions{ABI: info})
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := policyfile.Write(&text, p, nil); err != nil {
		return err
	}
	base := baseName(results[0])
	program := &embed.Program{Compiled: compiled, By: "seccomp-profiler " + buildversion.String() + " from " + base, Header: header(results)[1:], Policy: base,
		Text: text.Bytes(), Name: embed.Identifier(base), Package: o.pkg}
	var out []byte
	switch o.format {
	case "raw":
		out = program.Raw(compiled.ByteOrder())
	case "c":
		out, err = program.C()
	case "go":
		out, err = program.Go()
	}
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}

// save writes to the output file, or to standard output for "-".
func (o *output) save(stdout io.Writer, b []byte, res *elfscan.Result) error {
	if o.out == "-" || o.out == "" {
		if f, ok := stdout.(*os.File); ok && o.format == "raw" && term.IsTerminal(int(f.Fd())) {
			return errors.New("a raw program is not for terminals; name a file with --out")
		}
		_, err := stdout.Write(b)
		return err
	}
	t, err := template.New("out").Option("missingkey=error").Parse(o.out)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	var name strings.Builder
	if err := t.Execute(&name, map[string]string{"GOOS": "linux", "GOARCH": res.GOARCH}); err != nil {
		return fmt.Errorf("--out: %w (it may use {{.GOOS}} and {{.GOARCH}})", err)
	}
	if err := os.MkdirAll(filepath.Dir(name.String()), 0o777); err != nil {
		return err
	}
	return outfile.Write(name.String(), b)
}
