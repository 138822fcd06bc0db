package testvm

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elastic/go-seccomp-bpf/internal/testvm/console"
)

// output is what a test binary prints under -test.v=test2json.
const output = "\x16=== RUN   TestA\n\x16--- PASS: TestA (0.00s)\n\x16=== NAME  \n" +
	"\x16=== RUN   TestB\n    b_test.go:7: the reason: which has a colon\n\x16--- SKIP: TestB (0.00s)\n\x16=== NAME  \n"

const failing = "\x16=== RUN   TestC\n\x16=== RUN   TestC/sub\n    c_test.go:9: wrong\n" +
	"\x16--- FAIL: TestC/sub (0.00s)\n\x16=== NAME  TestC\n\x16--- FAIL: TestC (0.00s)\n\x16=== NAME  \n"

// collect runs a collector over the output of one test binary.
func collect(t *testing.T, p Printer, text string, end console.Message, finish bool) (*Outcome, string) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("go tool test2json is not there: %v", err)
	}
	var b bytes.Buffer
	p.W = &b
	o := &Outcome{Guest: "s390x-6.1", Target: "s390x"}
	c := &collector{ctx: t.Context(), printer: p, guest: o.Guest, outcomes: []*Outcome{o},
		runs: []runInfo{{target: s390x, pkg: "example/p", outcome: o}}}
	c.hello("6.1.0", "s390x")
	c.start(0)
	for line := range strings.Lines(text) {
		c.output(0, line)
	}
	if finish {
		c.exit(end)
	} else {
		c.abandon("the guest did not finish it")
	}
	return o, b.String()
}

func TestCollect(t *testing.T) {
	o, text := collect(t, Printer{}, output+"\x16PASS\n", console.Message{Lines: 8, Seconds: 1.5}, true)
	want := &Outcome{Guest: "s390x-6.1", Target: "s390x", Release: "6.1.0", Passed: 1,
		Skipped: map[string]int{"the reason: which has a colon": 1}, Seconds: 1.5}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	if want := "=== guest s390x-6.1: Linux 6.1.0 s390x\nok  \texample/p [s390x-6.1 s390x]\t1.500s\n"; text != want {
		t.Errorf("printed %q, want %q", text, want)
	}
	if !o.OK() {
		t.Error("the outcome is not OK")
	}
}

func TestCollectFailures(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		end        console.Message
		unfinished bool
		failed     int
		says       string
	}{
		{"failed test", output + failing + "\x16FAIL\n", console.Message{Lines: 15, Code: 1}, false, 2, "c_test.go:9: wrong"},
		{"lost lines", output + "\x16PASS\n", console.Message{Lines: 9}, false, 1, "8 lines arrived of the 9 printed"},
		{"signal", output, console.Message{Lines: 7, Code: -1, Signal: "bad system call"}, false, 1, "ended by signal: bad system call"},
		{"exit status alone", output + "\x16PASS\n", console.Message{Lines: 8, Code: 3}, false, 1, "exit status 3"},
		{"exit 0 without PASS", output, console.Message{Lines: 7}, false, 1, "exit status 0"},
		{"timeout", "\x16=== RUN   TestSlow\npanic: test timed out after 1s\n", console.Message{Lines: 2, Code: 2}, false, 1, "panic: test timed out after 1s"},
		{"hang", output + "\x16=== RUN   TestHang\n", console.Message{}, true, 1, "TestHang (unfinished): the guest did not finish it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, text := collect(t, Printer{}, tt.text, tt.end, !tt.unfinished)
			if o.Failed != tt.failed || o.OK() {
				t.Errorf("%d failed, want %d: %q", o.Failed, tt.failed, o.Failures)
			}
			if !strings.Contains(text, tt.says) {
				t.Errorf("printed %q, want %q in it", text, tt.says)
			}
		})
	}
}

func TestCollectJSON(t *testing.T) {
	_, text := collect(t, Printer{JSON: true}, output+"\x16PASS\n", console.Message{Lines: 8}, true)
	const pkg = "example/p [s390x-6.1 s390x]"
	type result struct {
		Time                  time.Time
		Action, Package, Test string
		Elapsed               *float64
	}
	ended := map[string]string{}
	for line := range strings.Lines(text) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if r.Time.IsZero() || r.Package != pkg {
			t.Errorf("event %q: no time, or not of package %q", line, pkg)
		}
		if r.Test != "" && (r.Action == "pass" || r.Action == "skip") {
			ended[r.Test] = r.Action
			if r.Elapsed == nil {
				t.Errorf("event %q has no Elapsed", line)
			}
		}
	}
	if diff := cmp.Diff(map[string]string{"TestA": "pass", "TestB": "skip"}, ended); diff != "" {
		t.Errorf("tests that ended (-want +got):\n%s", diff)
	}
}

func TestWriteTable(t *testing.T) {
	var b strings.Builder
	err := WriteTable(&b, []*Outcome{
		{Guest: "amd64-7", Target: "386", Release: "7.2.12+deb14-amd64", Passed: 120, Skipped: map[string]int{"not on i386": 2}, Seconds: 31.2},
		{Guest: "s390x-6.1", Target: "s390x", Release: "6.1.0", Passed: 3, Failed: 1, Failures: []string{"p: TestC"}, Seconds: 2},
		{Guest: "riscv64-6.12", Target: "riscv64", Reason: "not fetched: mirror sync in progress"},
		{Guest: "loong64-7", Target: "loong64", Error: "guest hangs"},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `| guest        | tests built for | kernel             | result  | passed | failed | skipped | time |
|--------------|-----------------|--------------------|---------|--------|--------|---------|------|
| amd64-7      | 386             | 7.2.12+deb14-amd64 | ok      | 120    | 0      | 2       | 31 s |
| s390x-6.1    | s390x           | 6.1.0              | FAIL    | 3      | 1      | 0       | 2 s  |
| riscv64-6.12 | riscv64         | –                  | skipped | 0      | 0      | 0       | 0 s  |
| loong64-7    | loong64         | –                  | FAIL    | 0      | 0      | 0       | 0 s  |

FAIL s390x-6.1 s390x: p: TestC
FAIL loong64-7 loong64: guest hangs
skipped: not fetched: mirror sync in progress: riscv64-6.12 riscv64 (all)
skipped: not on i386: amd64-7 386 (2)
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
