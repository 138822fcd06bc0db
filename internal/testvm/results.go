package testvm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"sort"
	"strings"

	"github.com/elastic/go-seccomp-bpf/internal/testvm/console"
)

// An event is what go tool test2json makes of a test binary's output
// (cmd/internal/test2json).
type event struct {
	Action string
	Test   string
	Output string
}

// Outcome is what became of one ABI's tests on one guest.
type Outcome struct {
	Guest    string
	Target   string
	Release  string // uname -r, "" when the guest did not boot
	Passed   int
	Failed   int
	Skipped  map[string]int // reason → tests
	Failures []string       // package: test
	Reason   string         // why nothing ran: a skipped guest, not a failed one
	Error    string         // the guest failed as a whole
	Seconds  float64
}

// OK says whether something ran and everything that ran passed.
func (o *Outcome) OK() bool { return !o.Empty() && o.Error == "" && o.Failed == 0 }

// Empty says whether nothing ran: the guest could not be fetched, or every
// test skipped. That is neither a pass nor a failure.
func (o *Outcome) Empty() bool {
	return o.Reason != "" || o.Error == "" && o.Passed == 0 && o.Failed == 0
}

// A Printer writes results as go test does.
type Printer struct {
	W       io.Writer
	JSON    bool // go test -json's events, one a line
	Verbose bool // go test -v
}

// runInfo says which tests a run of the plan is.
type runInfo struct {
	target  Target
	pkg     string
	outcome *Outcome
}

// collector turns what a guest says into results.
type collector struct {
	ctx      context.Context
	printer  Printer
	guest    string
	runs     []runInfo
	outcomes []*Outcome
	release  string

	conv    *converter // of the current run
	current int
	lines   int
}

func (c *collector) hello(release, machine string) {
	c.release = release
	for _, o := range c.outcomes {
		o.Release = release
	}
	c.say("=== guest %s: Linux %s %s\n", c.guest, release, machine)
}

// say prints what is not a test's output; JSON output has no place for it.
func (c *collector) say(format string, args ...any) {
	if !c.printer.JSON {
		fmt.Fprintf(c.printer.W, format, args...)
	}
}

func (c *collector) start(run int) {
	c.current, c.lines = run, 0
	copied := io.Discard
	if c.printer.JSON {
		copied = c.printer.W
	}
	conv, err := startConverter(c.ctx, c.label(run), copied)
	if err != nil {
		c.fail(run, "test2json", err.Error())
		return
	}
	c.conv = conv
}

// label is the package name shown: a guest's results must not look like the host's.
func (c *collector) label(run int) string {
	r := c.runs[run]
	return fmt.Sprintf("%s [%s %s]", r.pkg, c.guest, r.target)
}

func (c *collector) output(run int, text string) {
	c.lines++
	if c.conv != nil {
		c.conv.write(text)
	}
}

func (c *collector) note(text string) {
	for _, o := range c.outcomes {
		o.Failures = append(o.Failures, "guest: "+text)
		o.Failed++
	}
	c.say("--- guest %s: %s\n", c.guest, text)
}

func (c *collector) fail(run int, test, why string) {
	r := c.runs[run]
	r.outcome.Failed++
	r.outcome.Failures = append(r.outcome.Failures, r.pkg+": "+test+": "+why)
	c.say("--- FAIL: %s: %s: %s\n", c.label(run), test, why)
}

// exit closes a run: counts its tests and checks that what arrived is whole.
func (c *collector) exit(m console.Message) {
	r := c.runs[m.Run]
	r.outcome.Seconds += m.Seconds
	if c.conv == nil {
		return
	}
	events, err := c.conv.close()
	c.conv = nil
	if err != nil {
		c.fail(m.Run, "test2json", err.Error())
	}
	t := tally(events)
	t.addTo(r.outcome, r.pkg)
	c.print(events, t.failed > 0 || m.Code != 0)
	switch {
	case m.Lines != c.lines:
		c.fail(m.Run, "console", fmt.Sprintf("%d lines arrived of the %d printed", c.lines, m.Lines))
	case m.Signal != "":
		c.fail(m.Run, t.unfinished(), "ended by signal: "+m.Signal)
	case m.Code != 0 && t.failed == 0:
		c.fail(m.Run, t.unfinished(), fmt.Sprintf("exit status %d though no test failed", m.Code))
	case m.Code == 0 && (t.failed > 0 || t.result != "pass" && t.result != "skip"):
		c.fail(m.Run, "process", fmt.Sprintf("exit status 0 with %d failed tests and result %q", t.failed, t.result))
	case m.Code == 0:
		c.say("ok  \t%s\t%.3fs\n", c.label(m.Run), m.Seconds)
		return
	}
	c.say("FAIL\t%s\t%.3fs\n", c.label(m.Run), m.Seconds)
}

// abandon closes a run the guest did not finish.
func (c *collector) abandon(why string) {
	if c.conv == nil {
		return
	}
	events, _ := c.conv.close() // what arrived is shown whatever its end looks like
	c.conv = nil
	r := c.runs[c.current]
	t := tally(events)
	t.addTo(r.outcome, r.pkg)
	c.print(events, true)
	c.fail(c.current, t.unfinished(), why)
}

// print writes the output of a run that has ended. (JSON was written as it came.)
func (c *collector) print(events []event, failed bool) {
	if c.printer.JSON {
		return
	}
	var text bytes.Buffer
	defer func() { _, _ = c.printer.W.Write(text.Bytes()) }() // a closed pipe ends the program by itself
	show := map[string]bool{"": failed}
	for _, e := range events {
		switch {
		case e.Test == "":
		case e.Action == "run" && failed:
			show[e.Test] = true // until it is seen to end well
		case e.Action == "fail":
			show[e.Test] = true
		case e.Action == "pass" || e.Action == "skip":
			show[e.Test] = false
		}
	}
	for _, e := range events {
		if e.Action == "output" && (c.printer.Verbose || show[e.Test]) {
			text.WriteString(e.Output)
		}
	}
}

// counts are the results of one run.
type counts struct {
	passed, failed int
	skipped        map[string]int
	failures       []string
	running        []string
	result         string // of the package
}

// tally counts tests and subtests, and finds why the skipped ones were.
func tally(events []event) counts {
	t := counts{skipped: map[string]int{}}
	last := map[string]string{}
	running := map[string]bool{}
	for _, e := range events {
		if e.Test == "" {
			if e.Action == "pass" || e.Action == "fail" || e.Action == "skip" {
				t.result = e.Action
			}
			continue
		}
		switch e.Action {
		case "run":
			running[e.Test] = true
		case "output":
			if s := strings.TrimSpace(e.Output); s != "" && !strings.HasPrefix(s, "--- ") && !strings.HasPrefix(s, "=== ") {
				last[e.Test] = s
			}
		case "pass":
			t.passed++
		case "fail":
			t.failed++
			t.failures = append(t.failures, e.Test)
		case "skip":
			t.skipped[skipReason(last[e.Test])]++
		}
		if e.Action == "pass" || e.Action == "fail" || e.Action == "skip" {
			delete(running, e.Test)
		}
	}
	for name := range running {
		t.running = append(t.running, name)
	}
	sort.Strings(t.running)
	return t
}

// skipReason drops the file and line that the testing package puts in front.
func skipReason(line string) string {
	if file, reason, ok := strings.Cut(line, ": "); ok && strings.Contains(file, ".go:") {
		return reason
	}
	if line == "" {
		return "no reason given"
	}
	return line
}

func (t counts) unfinished() string {
	if len(t.running) == 0 {
		return "process"
	}
	return strings.Join(t.running, ", ") + " (unfinished)"
}

func (t counts) addTo(o *Outcome, pkg string) {
	o.Passed += t.passed
	o.Failed += t.failed
	for _, f := range t.failures {
		o.Failures = append(o.Failures, pkg+": "+f)
	}
	for r, n := range t.skipped {
		if o.Skipped == nil {
			o.Skipped = map[string]int{}
		}
		o.Skipped[r] += n
	}
}

// converter is a running go tool test2json.
type converter struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	events chan []event
	err    error
}

// startConverter writes each event to copied as it comes, a line at a write;
// close returns them all.
func startConverter(ctx context.Context, pkg string, copied io.Writer) (*converter, error) {
	c := &converter{cmd: exec.CommandContext(ctx, "go", "tool", "test2json", "-t", "-p", pkg), events: make(chan []event, 1)}
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start go tool test2json: %w", err)
	}
	c.in = in
	go func() {
		var all []event
		br := bufio.NewReader(out)
		for {
			line, err := br.ReadBytes('\n')
			if len(line) > 0 {
				var e event
				if jerr := json.Unmarshal(line, &e); jerr != nil {
					c.err = fmt.Errorf("read test2json's output %q: %w", line, jerr)
				}
				_, _ = copied.Write(line) // a closed pipe ends the program by itself
				all = append(all, e)
			}
			if err != nil {
				c.events <- all
				return
			}
		}
	}()
	return c, nil
}

func (c *converter) write(text string) {
	_, _ = io.WriteString(c.in, text) // a converter that died is reported by close
}

func (c *converter) close() ([]event, error) {
	c.in.Close()
	events := <-c.events
	if err := c.cmd.Wait(); err != nil {
		return events, fmt.Errorf("go tool test2json: %w", err)
	}
	return events, c.err
}
