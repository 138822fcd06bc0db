package policyfile

import (
	"fmt"
	"io"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

// A format is one way to write a policy. Each has a file of its own and a line
// in formats.
type format struct {
	name  string
	title string

	// detect tells whether content is most likely in this format. The first
	// that claims it reads it, so that the errors are about one format.
	detect func(name string, content []byte) bool

	// read makes a policy with the places of its parts. Its errors are of type
	// *Error where they have a place.
	read func(name string, content []byte) (*File, error)

	// write is nil for what can be read only.
	write func(w io.Writer, p *seccomp.Policy, o *WriteOptions) error
}

// formats has the native format last: it claims what nobody else does.
func formats() []format {
	return []format{native}
}

// A Format describes a format that policies are read from.
type Format struct {
	Name  string // for ReadFormat and messages
	Title string // a few words for people
	Write bool   // whether WriteFormat has it
}

// Formats lists the formats.
func Formats() []Format {
	var list []Format
	for _, f := range formats() {
		list = append(list, Format{Name: f.name, Title: f.title, Write: f.write != nil})
	}
	return list
}

func detect(name string, content []byte) *format {
	all := formats()
	for i := range all {
		if all[i].detect(name, content) {
			return &all[i]
		}
	}
	return &all[len(all)-1]
}

func formatNamed(name string) (*format, error) {
	var names []string
	for _, f := range formats() {
		if f.name == name {
			return &f, nil
		}
		names = append(names, f.name)
	}
	return nil, fmt.Errorf("unknown format %q (one of %s)", name, strings.Join(names, ", "))
}

// WriteOptions say how to write a policy; the zero value, and nil, write it
// without comments.
type WriteOptions struct {
	// Comments are put above parts of the policy, which are named as in
	// File.Position: "" is the whole, "syscalls[0].names[3]" a name. A comment
	// may have several lines.
	Comments map[string]string
}

// Write writes the policy in the native format. What is read back is the same
// policy, and the same policy always gives the same text.
func Write(w io.Writer, p *seccomp.Policy, o *WriteOptions) error {
	return WriteFormat(native.name, w, p, o)
}

// WriteFormat is Write for any of the Formats that can be written.
func WriteFormat(formatName string, w io.Writer, p *seccomp.Policy, o *WriteOptions) error {
	f, err := formatNamed(formatName)
	if err == nil && f.write == nil {
		err = fmt.Errorf("format %s can be read, not written", formatName)
	}
	if err == nil {
		err = p.Validate()
	}
	if err != nil {
		return fmt.Errorf("write policy: %w", err)
	}
	if o == nil {
		o = &WriteOptions{}
	}
	if err := f.write(w, p, o); err != nil {
		return fmt.Errorf("write policy: %w", err)
	}
	return nil
}
