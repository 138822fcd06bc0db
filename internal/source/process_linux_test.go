package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// refuses lists which of some calls a stack refuses.
func refuses(t *testing.T, in *Input) string {
	t.Helper()
	native, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range in.Programs {
		for _, call := range []string{"acct", "times", "getpriority"} {
			nr, _ := native.Number(call)
			data := cbpf.Data{Arch: uint32(native.ID), NR: nr}
			words := data.Words(in.BigEndian)
			if ret, _ := p.Run(&words); ret == cbpf.RetErrno|uint32(unix.EXDEV) {
				out = append(out, call)
			}
		}
	}
	return strings.Join(out, " ")
}

func stacks(t *testing.T, inputs []Input) []string {
	t.Helper()
	var out []string
	for i := range inputs {
		out = append(out, refuses(t, &inputs[i]))
	}
	slices.Sort(out)
	return out
}

// TestCommand finds what a command installs: newest first, in the thread where
// it did, and in children, which begin with their parent's.
func TestCommand(t *testing.T) {
	tests := []struct {
		name  string
		steps []string
		want  []string
		label string
	}{
		{"one", []string{"all:acct"}, []string{"acct"}, ""},
		{"a stack", []string{"all:acct", "all:times"}, []string{"times acct"}, ""},
		{"a thread", []string{"thread:times"}, []string{"times"}, "without a filter"},
		{"two threads", []string{"thread:times", "thread:acct"}, []string{"acct", "times"}, ""},
		{"a child's", []string{"child", "all:acct"}, []string{"acct"}, "without a filter"},
		{"a child inherits", []string{"all:acct", "child", "all:times"}, []string{"acct", "times acct"}, ""},
		{"what has ended", []string{"all:getpriority", "exit"}, []string{"getpriority"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inputs, err := Command(context.Background(), append([]string{os.Args[0], "confined"}, tt.steps...),
				CommandOptions{Settle: 500 * time.Millisecond, Timeout: time.Minute, Stderr: os.Stderr})
			if err != nil {
				t.Fatal(err)
			}
			if got := stacks(t, inputs); !slices.Equal(got, tt.want) {
				t.Errorf("stacks %q, want %q", got, tt.want)
			}
			for _, in := range inputs {
				if in.Native == nil || !strings.HasPrefix(in.Label, os.Args[0]+": ") || !strings.Contains(in.Label, tt.label) {
					t.Errorf("label %q, machine %v", in.Label, in.Native)
				}
			}
		})
	}
}

// TestCommandEnds: nothing of the command is left.
func TestCommandEnds(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_, err = Command(context.Background(), []string{os.Args[0], "confined", "all:acct", "child", "say", "all:times"},
		CommandOptions{Settle: 500 * time.Millisecond, Timeout: time.Minute, Stdout: w})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		// Init may take its time to wait for it.
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
}

func TestCommandErrors(t *testing.T) {
	start := time.Now()
	_, err := Command(context.Background(), []string{os.Args[0], "confined", "say"}, CommandOptions{Timeout: 300 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "installed no filter within 300ms") || time.Since(start) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	_, err = Command(context.Background(), []string{os.Args[0], "confined", "exit"}, CommandOptions{})
	if err == nil || !strings.Contains(err.Error(), "ended without installing a filter") {
		t.Errorf("error %v", err)
	}
	if _, err := Command(context.Background(), []string{"/no/such/command"}, CommandOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	start = time.Now()
	if _, err := Command(ctx, []string{os.Args[0], "confined", "say"}, CommandOptions{Timeout: time.Hour}); err == nil || time.Since(start) > 20*time.Second {
		t.Errorf("cancelled: %v after %v", err, time.Since(start))
	}
}

// TestProcess reads the filters of a process that runs, and leaves it running.
func TestProcess(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("PTRACE_SECCOMP_GET_FILTER needs CAP_SYS_ADMIN, which the user running this lacks")
	}
	cmd := exec.Command(os.Args[0], "confined", "all:acct", "all:times", "thread:getpriority", "say")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	for range 2 { // reading changes nothing
		inputs, err := Open(fmt.Sprintf("pid:%d", cmd.Process.Pid), Options{})
		if errors.Is(err, unix.EACCES) {
			t.Skipf("this process is under a filter itself, or lacks CAP_SYS_ADMIN: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := stacks(t, inputs); !slices.Equal(got, []string{"getpriority times acct", "times acct"}) {
			t.Errorf("stacks %q", got)
		}
		for _, in := range inputs {
			if !strings.HasPrefix(in.Label, fmt.Sprintf("process %d: ", cmd.Process.Pid)) {
				t.Errorf("label %q", in.Label)
			}
		}
	}
	if err := unix.Kill(cmd.Process.Pid, 0); err != nil {
		t.Errorf("the process has ended: %v", err)
	}
}

func TestProcessErrors(t *testing.T) {
	if _, err := Process(1 << 30); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("error %v", err)
	}
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	mode, err := statusField("/proc/self", "Seccomp")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Process(cmd.Process.Pid); err == nil || mode == "0" && !strings.Contains(err.Error(), "none of its threads has a filter") {
		t.Errorf("error %v", err)
	}
}

// TestWho names the threads of a stack, and not all of them when there are many.
func TestWho(t *testing.T) {
	var c collection
	for i := range 7 {
		c.add("worker", 100+i, []cbpf.Program{twelve})
	}
	c.add("other", 7, []cbpf.Program{twelve, twelve})
	c.unfiltered = 1
	inputs, err := c.inputs("process 7")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"process 7: worker 100, worker 101, worker 102, worker 103, … 3 more", "process 7: other 7"}
	if len(inputs) != 2 || inputs[0].Label != want[0] || inputs[1].Label != want[1] {
		t.Errorf("labels %q, %q; want %q", inputs[0].Label, inputs[1].Label, want)
	}
}
