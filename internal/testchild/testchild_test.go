//go:build linux

package testchild_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

func TestMain(m *testing.M) {
	testchild.Dispatch()
	os.Exit(m.Run())
}

var (
	echo = testchild.New("echo", func(in []byte) ([]byte, error) { return in, nil })

	fail = testchild.New("fail", func(in []byte) ([]byte, error) { return nil, errors.New("as asked: " + string(in)) })

	exit = testchild.New("exit", func(in []byte) ([]byte, error) {
		testchild.Report([]byte("so "))
		testchild.Report([]byte("far"))
		os.Exit(int(in[0]))
		return nil, nil
	})

	kill = testchild.New("kill", func(in []byte) ([]byte, error) {
		if err := syscall.Kill(os.Getpid(), syscall.Signal(in[0])); err != nil {
			return nil, err
		}
		select {}
	})

	hang = testchild.New("hang", func([]byte) ([]byte, error) { time.Sleep(time.Hour); return nil, nil })

	threads = testchild.New("threads", func([]byte) ([]byte, error) {
		tids := []int{os.Getpid(), syscall.Gettid()}
		for range 2 {
			testchild.OnThread(func() { tids = append(tids, syscall.Gettid()) })
		}
		tids = append(tids, syscall.Gettid())
		return fmt.Append(nil, tids[0] == tids[1], tids[1] == tids[4], tids[2] != tids[0], tids[3] != tids[0]), nil
	})

	whoami = testchild.New("whoami", func([]byte) ([]byte, error) {
		return fmt.Append(nil, os.Getuid(), " ", os.Getenv("COLOUR")), nil
	})

	twin  = testchild.New("twin", func([]byte) ([]byte, error) { return nil, nil })
	other = testchild.New("twin", func([]byte) ([]byte, error) { return nil, nil })
)

// nothing is not in every process: the child does not have it.
var nothing = func() *testchild.Func {
	if len(os.Args) > 1 && os.Args[1] == "-test.run=^$" {
		return nil
	}
	return testchild.New("nothing", func([]byte) ([]byte, error) { return nil, nil })
}()

func TestRun(t *testing.T) {
	for _, in := range [][]byte{nil, []byte("hello"), bytes.Repeat([]byte("0123456789abcdef"), 1<<16)} {
		if out := echo.Run(t, in); !bytes.Equal(out, in) {
			t.Errorf("%d bytes in, %d other ones out", len(in), len(out))
		}
	}
}

func TestEndings(t *testing.T) {
	for _, c := range []struct {
		f    *testchild.Func
		in   string
		want string
		out  string
	}{
		{fail, "x", `returned the error "as asked: x", then exit status 1`, ""},
		{exit, "\x00", "did not return: exit status 0", "so far"},
		{exit, "\x07", "did not return: exit status 7", "so far"},
		{kill, string(byte(syscall.SIGKILL)), "did not return: killed by killed (signal 9)", ""},
	} {
		r := c.f.Exit(t, []byte(c.in))
		if got := r.Status(); got != c.want || string(r.Out) != c.out {
			t.Errorf("have %q, %q, want %q, %q", got, r.Out, c.want, c.out)
		}
		if r.Returned && r.Err == nil {
			t.Errorf("%q counts as a return", c.want)
		}
	}
}

// Run must fail the test for each of them.
func TestRunFails(t *testing.T) {
	for name, f := range map[string]*testchild.Func{"fail": fail, "exit": exit, "kill": kill, "nothing": nothing, "other": other} {
		rec := &recorder{TB: t}
		func() {
			defer func() { _ = recover() }()
			f.Run(rec, []byte{byte(syscall.SIGKILL)})
		}()
		if rec.message == "" {
			t.Errorf("%s: Run did not fail the test", name)
		}
	}
}

// recorder takes a test's failure and stops like a test does.
type recorder struct {
	testing.TB
	message string
}

func (r *recorder) Helper() {}
func (r *recorder) Fatal(args ...any) {
	r.message = fmt.Sprint(args...)
	panic(r)
}
func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

func TestErrors(t *testing.T) {
	late := testchild.New("late", func([]byte) ([]byte, error) { return nil, nil })
	_ = twin
	for want, f := range map[string]*testchild.Func{
		"made too late":                  late,
		`two functions are named "twin"`: other,
		`no function named "nothing"`:    nothing,
		"before it reached the function": nothing,
	} {
		if r, err := f.Do(nil, testchild.Options{}); r != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("have %v, %v, want %q", r, err, want)
		}
	}
}

func TestTimeout(t *testing.T) {
	start := time.Now()
	r, err := hang.Do(nil, testchild.Options{Timeout: 3 * time.Second}) // by then it sleeps, on slow machines too
	if r != nil || err == nil || !strings.Contains(err.Error(), "took longer than 3s") || !strings.Contains(err.Error(), "time.Sleep") {
		t.Errorf("have %v, %v, want an error with the child's stacks", r, err)
	}
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestThreads(t *testing.T) {
	if out := string(threads.Run(t, nil)); out != "true true true true" {
		t.Errorf("main thread, still main thread, others: have %s", out)
	}
}

func TestOptions(t *testing.T) {
	o := testchild.Options{Env: []string{"COLOUR=red"}}
	want := fmt.Sprint(os.Getuid(), " red")
	if os.Getuid() == 0 {
		o.Attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		want = "65534 red"
	}
	r, err := whoami.Do(nil, o)
	if err != nil {
		t.Fatal(err)
	}
	if string(r.Out) != want {
		t.Errorf("have %q, want %q", r.Out, want)
	}
}
