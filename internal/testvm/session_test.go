package testvm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elastic/go-seccomp-bpf/internal/testvm/console"
)

// recorder notes what a session tells its watcher.
type recorder struct{ got []string }

func (r *recorder) hello(release, machine string) {
	r.got = append(r.got, "hello "+release+" "+machine)
}
func (r *recorder) start(run int) { r.got = append(r.got, fmt.Sprint("start ", run)) }
func (r *recorder) output(run int, text string) {
	r.got = append(r.got, fmt.Sprintf("output %d %q", run, text))
}
func (r *recorder) exit(m console.Message) {
	r.got = append(r.got, fmt.Sprintf("exit %d code %d", m.Run, m.Code))
}
func (r *recorder) note(text string) { r.got = append(r.got, "note "+text) }

func encode(t *testing.T, ms ...console.Message) string {
	t.Helper()
	var b strings.Builder
	for _, m := range ms {
		line, err := console.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(line)
	}
	return strings.ReplaceAll(b.String(), "\n", "\r\n")
}

func followText(ctx context.Context, text io.Reader) (*session, *recorder, error) {
	r := &recorder{}
	v := virtual{plan: console.Plan{Runs: []console.Run{{Path: "/tests/a", Seconds: 60}, {Path: "/tests/b", Seconds: 60}}}}
	s := &session{v: v, w: r, lines: make(chan []byte), state: "before the kernel's first message"}
	go s.read(text)
	return s, r, s.follow(ctx)
}

func TestSession(t *testing.T) {
	text := "[    0.0] Linux version 6.1\r\n" + encode(t,
		console.Message{Kind: console.Hello, Release: "6.1.0", Machine: "s390x"},
		console.Message{Kind: console.Start},
		console.Message{Kind: console.Output, Text: "one"},
		console.Message{Kind: console.Output, Text: "two", Partial: true},
		console.Message{Kind: console.Exit, Lines: 2},
		console.Message{Kind: console.Start, Run: 1},
		console.Message{Kind: console.Exit, Run: 1, Code: 2},
		console.Message{Kind: console.Bye})
	s, r, err := followText(t.Context(), strings.NewReader(text))
	if err != nil || !s.bye {
		t.Fatalf("follow: %v, bye %v", err, s.bye)
	}
	want := []string{"hello 6.1.0 s390x", "start 0", `output 0 "one\n"`, `output 0 "two"`, "exit 0 code 0", "start 1", "exit 1 code 2"}
	if diff := cmp.Diff(want, r.got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestSessionEndsEarly(t *testing.T) {
	text := "[    0.0] Linux version 6.1\r\n" + encode(t,
		console.Message{Kind: console.Hello},
		console.Message{Kind: console.Start},
		console.Message{Kind: console.Output, Text: "=== RUN TestX"}) +
		"[   21.0] Kernel panic - not syncing: Attempted to kill init!\r\n"
	s, _, err := followText(t.Context(), strings.NewReader(text))
	if err != nil || s.bye {
		t.Fatalf("follow: %v, bye %v", err, s.bye)
	}
	if s.state != "while /tests/a ran" || !strings.Contains(s.consoleTail(), "Kernel panic") {
		t.Errorf("explained as %q, %q", s.state, s.consoleTail())
	}
}

// TestSessionHangs interrupts a guest that says no more.
func TestSessionHangs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	defer pw.Close()
	text := encode(t, console.Message{Kind: console.Hello}, console.Message{Kind: console.Start, Run: 1})
	go func() {
		_, _ = io.WriteString(pw, text+"[ 1.0] rcu: stall\r\n[ 2.0] x\r\n")
		cancel()
	}()
	_, _, err := followText(ctx, pr)
	if !errors.Is(err, errHang) || !errors.Is(err, context.Canceled) {
		t.Errorf("follow = %v, want a hang", err)
	}
}

func TestSessionBrokenLines(t *testing.T) {
	for name, text := range map[string]string{
		"unknown run":  encode(t, console.Message{Kind: console.Start, Run: 2}),
		"negative run": encode(t, console.Message{Kind: console.Exit, Run: -1}),
	} {
		if _, _, err := followText(t.Context(), strings.NewReader(text)); !errors.Is(err, errHang) {
			t.Errorf("%s: follow = %v, want an error", name, err)
		}
	}
	_, r, err := followText(t.Context(), strings.NewReader("@testvm {\"kind\":\"ou\r\n"))
	if err != nil || len(r.got) != 1 || !strings.Contains(r.got[0], "lost part of a message") {
		t.Errorf("torn line: %v, %q", err, r.got)
	}
}
