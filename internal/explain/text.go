package explain

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Style says how to print for people; the zero value is plain text of 100
// columns.
type Style struct {
	Width int  // columns; zero: 100
	Color bool // ANSI colours by action
	All   bool // calls that get the default, too
}

// Text prints the report.
func (r *Report) Text(w io.Writer, style Style) error {
	if style.Width == 0 {
		style.Width = 100
	}
	p := printer{style: style}
	for i := range r.Filters {
		if i > 0 {
			p.line("")
		}
		p.filter(&r.Filters[i])
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

type printer struct {
	style Style
	out   strings.Builder
}

func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(&p.out, format, args...)
	p.out.WriteByte('\n')
}

func (p *printer) filter(f *FilterReport) {
	instructions, longest := 0, 0
	for _, program := range f.Programs {
		instructions += program.Instructions
		longest += program.Longest
	}
	what := ""
	if n := len(f.Programs); n > 1 {
		what = fmt.Sprintf("%d filters together, ", n)
	}
	p.line("%s", p.bold(f.Label))
	p.line("  %s%d instructions, at most %d on a path", what, instructions, longest)
	for _, note := range f.Notes {
		p.wrap("  note: ", "        ", strings.Fields(note))
	}
	for i := range f.ABIs {
		p.line("")
		p.abi(&f.ABIs[i])
	}
	p.line("")
	p.line("%s: %s", p.bold("any other ABI"), p.action(f.Other))
}

func (p *printer) abi(a *ABIReport) {
	c := &a.Cost
	p.line("%s", p.bold(a.Name))
	if p.constant(a) {
		p.line("  every call: %s", p.action(a.Default))
		return
	}
	cost := fmt.Sprintf("mean %.1f instructions a call", c.Mean)
	if c.Constant > 0 {
		cost += fmt.Sprintf("; %d of %d constant allows need none on Linux 5.11 and later", c.Bitmap, c.Constant)
	}
	p.wrap("  ", "    ", strings.Fields(cost))
	for _, action := range p.actions(a) {
		p.plain(a, action)
	}
	p.conditional(a)
	if rest := p.rest(a); rest > 0 && !p.style.All {
		p.line("  %s: %d other calls, and numbers that are no call", p.action(a.Default), rest)
	} else {
		p.line("  %s: numbers that are no call", p.action(a.Default))
	}
}

// constant tells whether all numbers get the default.
func (p *printer) constant(a *ABIReport) bool {
	return !slices.ContainsFunc(a.Decisions, func(d Decision) bool { return !d.Default })
}

// plainly tells whether a decision is printed among the unconditional ones.
func (p *printer) plainly(d *Decision) bool {
	return len(d.Rules) == 0 && d.Unsaid == "" && (!d.Default || p.style.All)
}

func (p *printer) rest(a *ABIReport) int {
	n := 0
	for i := range a.Decisions {
		if a.Decisions[i].Default {
			n += len(a.Decisions[i].Syscalls)
		}
	}
	return n
}

// actions lists what happens without a condition, the most frequent first.
func (p *printer) actions(a *ABIReport) []string {
	count := map[string]int{}
	for i := range a.Decisions {
		if d := &a.Decisions[i]; p.plainly(d) {
			count[d.Action] += len(d.Syscalls)
		}
	}
	var out []string
	for action := range count {
		out = append(out, action)
	}
	slices.SortFunc(out, func(x, y string) int { return cmp.Or(count[y]-count[x], strings.Compare(x, y)) })
	return out
}

func (p *printer) plain(a *ABIReport, action string) {
	var names, ranges []string
	for i := range a.Decisions {
		d := &a.Decisions[i]
		switch {
		case d.Action != action || !p.plainly(d):
		case len(d.Syscalls) == 0:
			ranges = append(ranges, rangeText(d.Numbers))
		default:
			names = append(names, d.Syscalls...)
		}
	}
	slices.Sort(names)
	count := ""
	if len(names) > 0 {
		count = fmt.Sprintf(" %d calls", len(names))
		if len(names) == 1 {
			count = " 1 call"
		}
	}
	if len(ranges) > 0 {
		if count != "" {
			count += ", and"
		}
		count += " numbers " + strings.Join(ranges, ", ")
	}
	p.line("  %s:%s", p.action(action), count)
	p.wrap("    ", "    ", names)
}

func rangeText(numbers []uint32) string {
	lo, hi := numberText(numbers[0]), numberText(numbers[1])
	if lo == hi {
		return lo
	}
	return lo + "–" + hi
}

func numberText(n uint32) string {
	if n < 1<<16 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%#x", n)
}

func (p *printer) conditional(a *ABIReport) {
	first := true
	for i := range a.Decisions {
		d := &a.Decisions[i]
		if len(d.Rules) == 0 && d.Unsaid == "" {
			continue
		}
		if first {
			p.line("  depending on arguments:")
			first = false
		}
		p.conditions(d)
	}
}

func (p *printer) conditions(d *Decision) {
	names := d.Syscalls
	if len(names) == 0 {
		names = []string{"numbers", rangeText(d.Numbers)}
	}
	p.wrap("    ", "    ", names)
	for i := range d.Rules {
		r := &d.Rules[i]
		p.wrap("      "+p.action(r.Action)+" when ", "        ", strings.Fields(r.words()))
	}
	if d.Unsaid != "" {
		p.line("      %s", d.Unsaid)
		return
	}
	p.line("      otherwise %s", p.action(d.Action))
}

// wrap prints words in lines of the style's width.
func (p *printer) wrap(first, next string, words []string) {
	if len(words) == 0 {
		return
	}
	line, used := first, len(first)
	fresh := true
	for _, w := range words {
		n := len([]rune(w))
		if !fresh && used+1+n > p.style.Width {
			p.line("%s", line)
			line, used, fresh = next, len(next), true
		}
		if !fresh {
			line += " "
			used++
		}
		line += w
		used += n
		fresh = false
	}
	p.line("%s", line)
}

func (p *printer) bold(s string) string { return p.paint("1", s) }

// action colours an action by what becomes of the call.
func (p *printer) action(s string) string {
	switch {
	case strings.Contains(s, " or "):
		return s
	case s == "allow":
		return p.paint("32", s)
	case s == "log":
		return p.paint("36", s)
	case strings.HasPrefix(s, "errno"):
		return p.paint("33", s)
	case strings.HasPrefix(s, "kill"), strings.HasPrefix(s, "trap"):
		return p.paint("31", s)
	}
	return p.paint("35", s)
}

func (p *printer) paint(code, s string) string {
	if !p.style.Color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
