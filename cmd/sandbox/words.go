package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

// meaning says what an action does to a call.
func meaning(action string) string {
	name, data, _ := strings.Cut(strings.TrimSuffix(action, ")"), "(")
	switch name {
	case "allow":
		return "allowed"
	case "log":
		return "allowed and logged"
	case "errno":
		if data == "" {
			return "not made, returns 0"
		}
		return "fails with " + data
	case "kill_process":
		return "kills the process"
	case "kill_thread":
		return "kills the thread"
	case "trap":
		return "sends SIGSYS"
	case "trace":
		return "asks a tracer; without one fails with ENOSYS"
	case "user_notif":
		return "asks a supervisor; without one fails with ENOSYS"
	}
	return action
}

// sentence begins a text with a capital letter.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// writeText writes the report for people. Of the largest list of names it gives
// the length only: it is all that the others do not name.
func (r *report) writeText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Policy %s is valid: a filter of %d instructions.\n", r.Policy, r.Instructions)
	for i := range r.ABIs {
		b.WriteByte('\n')
		r.ABIs[i].writeText(&b)
	}
	fmt.Fprintf(&b, "\nA call through any other ABI: %s.\n", meaning(r.OtherABIs))
	if lines := r.noteLines(); len(lines) > 0 {
		b.WriteString("\nNotes:\n")
		for _, line := range lines {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *abiReport) writeText(b *strings.Builder) {
	fmt.Fprintf(b, "%s\n", a.Name)
	for i, group := range a.Actions {
		fmt.Fprintf(b, "  %s: %s", sentence(meaning(group.Action)), plural(len(group.Syscalls), "call"))
		if group.Action == "allow" {
			some := "all"
			if a.WithoutRun != len(group.Syscalls) {
				some = fmt.Sprint(a.WithoutRun)
			}
			fmt.Fprintf(b, ", %s of them without running the filter (Linux 5.11 and later)", some)
		}
		b.WriteByte('\n')
		if i > 0 || len(a.Actions) == 1 && len(group.Syscalls) < 50 {
			wrap(b, "    ", group.Syscalls)
		}
	}
	if len(a.Conditional) > 0 {
		b.WriteString("  Depends on the arguments:\n")
	}
	for _, c := range a.Conditional {
		var words []string
		for _, rule := range c.Rules {
			text := meaning(rule.Action)
			if len(rule.When) > 0 {
				text += " if " + strings.Join(rule.When, " and ")
			} else if len(c.Rules) > 1 {
				text = "else " + text
			}
			words = append(words, text)
		}
		wrap(b, "    ", strings.Fields(c.Name+": "+strings.Join(words, "; ")))
	}
	fmt.Fprintf(b, "  Numbers that no call has yet: %s\n", meaning(a.Unknown))
	if a.X32 != "" {
		fmt.Fprintf(b, "  Numbers of x32: %s\n", meaning(a.X32))
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// wrap writes words in lines that fit a terminal.
func wrap(b *strings.Builder, indent string, words []string) {
	const width = 80
	column := 0
	for _, word := range words {
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+utf8.RuneCountInString(word) > width:
			b.WriteString("\n" + indent + "  ")
			column = len(indent) + 2
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += utf8.RuneCountInString(word)
	}
	b.WriteByte('\n')
}

// noteLines has one line for all notes of the kinds that a policy for all
// machines has many of, and one for each other note.
func (r *report) noteLines() []string {
	type kind struct{ abi, kind string }
	counts := map[kind]int{}
	var many []kind
	var lines []string
	for _, n := range r.Notes {
		k := kind{n.ABI, n.Kind}
		if _, ok := manyNotes[n.Kind]; !ok {
			lines = append(lines, seccomp.Note{Syscall: n.Syscall, ABI: n.ABI, Text: n.Text}.String())
			continue
		}
		if counts[k]++; counts[k] == 1 {
			many = append(many, k)
		}
	}
	for _, k := range many {
		lines = append(lines, fmt.Sprintf("%s: %s %s (-o json lists them)", k.abi, plural(counts[k], "call"), manyNotes[k.kind]))
	}
	return lines
}

// manyNotes says what calls have in common that have a note of the kind.
var manyNotes = map[string]string{
	string(seccomp.NoteSkippedCall): "of the policy do not exist there and are skipped",
	string(seccomp.NoteMultiplexed): "are governed as well where socketcall or ipc makes them",
}
