package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// show prints what was found instead of a policy.
func (f *scanFlags) show(w io.Writer, results []*elfscan.Result) error {
	if f.form == "json" {
		return writeReport(w, results, f.why)
	}
	var b bytes.Buffer
	paint := f.painter(w)
	if len(f.why) == 0 {
		for _, r := range results {
			listCalls(&b, paint, r)
		}
	}
	for _, name := range f.why {
		if !explain(&b, paint, results, name) {
			fmt.Fprintf(&b, "%s: %s\n", paint.in(bold, name), absent(results, name))
		}
	}
	_, err := b.WriteTo(w)
	return err
}

// absent says of a call that was not found what that is worth.
func absent(results []*elfscan.Result, name string) string {
	text := "no way leads to it in " + results[0].Path
	open := 0
	for _, r := range results {
		open += len(r.Unresolved)
	}
	if open > 0 {
		text += fmt.Sprintf("; but %d calls have unknown numbers (see --list)", open)
	}
	return text
}

// explain prints why a call is in the list; false if it is not.
func explain(w io.Writer, paint painter, results []*elfscan.Result, name string) bool {
	found := false
	for _, r := range results {
		for _, c := range r.Calls {
			if c.Name != name {
				continue
			}
			found = true
			fmt.Fprintf(w, "%s: %s%s, in %s\n", paint.in(bold, c.Name), paintGrade(paint, c.Grade), gateText(c.Gate), r.Path)
			if len(c.Evidence) == 0 {
				fmt.Fprintln(w, "  made by the kernel, or to end the program")
			}
			for _, e := range c.Evidence {
				printEvidence(w, paint, e)
			}
			if c.Args != nil {
				fmt.Fprintf(w, "  arguments: %s\n", argumentText(r, &c))
			}
		}
	}
	return found
}

func paintGrade(paint painter, g elfscan.Grade) string {
	color := map[elfscan.Grade]string{elfscan.Reachable: green, elfscan.Runtime: cyan, elfscan.Kernel: cyan, elfscan.Gated: yellow}[g]
	return paint.in(color, g.String())
}

func gateText(gate string) string {
	if gate == "" {
		return ""
	}
	return ", only with " + gate
}

func printEvidence(w io.Writer, paint painter, e elfscan.Evidence) {
	fmt.Fprintf(w, "  %s%s\n", place(e), paint.in(yellow, gateText(e.Gate)))
	if e.Site != e.Address {
		fmt.Fprintf(w, "    system call instruction at %#x\n", e.Site)
	}
	for i, p := range e.Path {
		fmt.Fprintf(w, "    %s%s\n", strings.Repeat(" ", min(i, 20)), p.Function)
	}
}

// listCalls prints all calls with grade and first evidence.
func listCalls(w io.Writer, paint painter, r *elfscan.Result) {
	fmt.Fprintf(w, "%s: %s, %d calls, %d unresolved\n", paint.in(bold, r.Path), r.ABI, len(r.Calls), len(r.Unresolved))
	for _, c := range r.Calls {
		where := ""
		if len(c.Evidence) > 0 {
			where = c.Evidence[0].Function
		}
		pad := strings.Repeat(" ", max(0, 9-len(c.Grade.String())))
		fmt.Fprintf(w, "%-24s %s%s %s%s\n", c.Name, paintGrade(paint, c.Grade), pad, where, gateText(c.Gate))
	}
	for _, u := range r.Unresolved {
		fmt.Fprintf(w, "%s %s\n", paint.in(red, "unresolved:"), siteText(u))
	}
	report(w, []*elfscan.Result{r}, nil, nil)
	warnPartial(w, []*elfscan.Result{r})
}

func siteText(u elfscan.Site) string {
	file := ""
	if u.File != "" {
		file = fmt.Sprintf(", %s:%d", u.File, u.Line)
	}
	return fmt.Sprintf("%s+%#x in %s (system call at %#x%s): %s", u.Function, u.Offset, u.Module, u.Site, file, u.Reason)
}

// argumentText says what the arguments of a call are.
func argumentText(r *elfscan.Result, c *elfscan.Call) string {
	if why := c.Args.Why(); why != "" {
		return "any, because of " + why
	}
	p, notes, err := r.Policy(&elfscan.PolicyOptions{Args: true, Gated: c.Grade == elfscan.Gated})
	if err != nil {
		return err.Error()
	}
	calls, err := allowed(p)
	if err != nil {
		return err.Error()
	}
	if alternatives := calls[c.Name]; len(alternatives) > 0 && alternatives[0] != anyArguments {
		return strings.Join(alternatives, " or ")
	}
	i := slices.IndexFunc(notes, func(n string) bool { return strings.HasPrefix(n, c.Name+" ") })
	if i < 0 {
		return "any"
	}
	return "any: " + notes[i]
}
