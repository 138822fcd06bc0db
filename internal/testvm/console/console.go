// Package console is the language a guest speaks on its serial console: one
// line per message, recognisable among whatever the kernel and firmware print.
//
// The same package is linked into the guest's /init (which writes) and into
// the host's side (which reads), so the two cannot drift apart.
package console

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// prefix starts every message. Firmware and kernels do not print it.
const prefix = "@testvm "

// Kind says what a Message is about.
type Kind string

const (
	Hello  Kind = "hello"  // /init runs; Release and Machine are uname(2)'s
	Start  Kind = "start"  // run number Run begins
	Output Kind = "output" // Text is one line the run printed, without its newline
	Exit   Kind = "exit"   // run number Run ended; Code, Signal, Lines and Seconds are set
	Note   Kind = "note"   // something the guest could not set up, or saw in its kernel log
	Bye    Kind = "bye"    // every run is over; the guest powers off
)

// Message is one line of the protocol.
type Message struct {
	Kind    Kind    `json:"kind"`
	Run     int     `json:"run,omitempty"`
	Text    string  `json:"text,omitempty"`
	Partial bool    `json:"partial,omitempty"` // Text had no newline (end of output)
	Code    int     `json:"code,omitempty"`    // exit status, -1 when a signal ended the run
	Signal  string  `json:"signal,omitempty"`
	Lines   int     `json:"lines,omitempty"` // Output messages sent for the run: the host compares
	Seconds float64 `json:"seconds,omitempty"`
	Release string  `json:"release,omitempty"`
	Machine string  `json:"machine,omitempty"`
}

// Encode returns the message as one line, newline included. Control characters
// and non-ASCII bytes are escaped, so that consoles which translate character
// sets (s390x's are EBCDIC inside) pass it unchanged.
func Encode(m Message) ([]byte, error) {
	j, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode console message: %w", err)
	}
	var b bytes.Buffer
	b.WriteString(prefix)
	for _, r := range string(j) {
		switch {
		case r < 0x7f:
			b.WriteByte(byte(r))
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		}
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// Parse reads one console line. ok is false for lines that are not messages:
// those belong to the kernel. A message may start inside a line, after text
// the kernel printed without ending its line. A line that starts as a message
// and cannot be read is an error: it means the console lost something.
func Parse(line []byte) (m Message, ok bool, err error) {
	i := bytes.Index(line, []byte(prefix))
	if i < 0 {
		return Message{}, false, nil
	}
	body := bytes.TrimRight(line[i+len(prefix):], "\r\n")
	if err := json.Unmarshal(body, &m); err != nil {
		return Message{}, false, fmt.Errorf("console line %q: %w", body, err)
	}
	if m.Kind == "" {
		return Message{}, false, fmt.Errorf("console line %q: no kind", body)
	}
	return m, true, nil
}

// Plan is what the host asks of a guest: the file PlanPath in the initramfs.
type Plan struct {
	Runs []Run `json:"runs"`
}

// PlanPath is where /init finds its Plan.
const PlanPath = "/testvm.json"

// Run is one program the guest runs.
type Run struct {
	Path    string   `json:"path"` // absolute, in the initramfs
	Args    []string `json:"args"` // without argv[0]
	Dir     string   `json:"dir"`
	Env     []string `json:"env"`
	UID     int      `json:"uid"`     // run as this user (and group)
	Seconds int      `json:"seconds"` // killed after this long
}

// GuestVariable is set to the guest's name in the environment of its tests.
// Tests that only make sense in a guest run when it is set.
const GuestVariable = "SECCOMP_TEST_GUEST"

// CompatVariable is set to the GOARCHes, other than the first, that the guest
// has test binaries of, joined by commas.
const CompatVariable = "SECCOMP_TEST_COMPAT"
