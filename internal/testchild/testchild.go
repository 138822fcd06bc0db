//go:build linux

package testchild

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// DefaultTimeout is how long a child may take, unless TimeoutVariable says
// otherwise.
const DefaultTimeout = time.Minute

func defaultTimeout() (time.Duration, error) {
	text := os.Getenv(TimeoutVariable)
	if text == "" {
		return DefaultTimeout, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("testchild: %s=%q is not a duration", TimeoutVariable, text)
	}
	return d, nil
}

// self is this binary, by a name that users can run who cannot reach its
// directory, and that stays good after go test has removed it.
const self = "/proc/self/exe"

// quitGrace is the time between SIGQUIT and SIGKILL, and how long to wait for
// the output of processes that outlive the child.
const quitGrace = 5 * time.Second

// A Func is a function that can run in a child process.
type Func struct {
	name string
	err  error
}

// New names a function. It is called while package variables are initialised,
// for test and child are two processes and must find the same functions.
func New(name string, f func(in []byte) (out []byte, err error)) *Func {
	switch {
	case dispatched:
		return &Func{name, fmt.Errorf("testchild: function %q was made too late: make it a package variable", name)}
	case functions[name] != nil:
		return &Func{name, fmt.Errorf("testchild: two functions are named %q", name)}
	}
	functions[name] = f
	return &Func{name: name}
}

// Options say how to run a child; the zero value will do for most.
type Options struct {
	Timeout time.Duration        // zero: DefaultTimeout
	Env     []string             // added to the test's own environment
	Attr    *syscall.SysProcAttr // how to start the child, e.g. Credential
}

// A Result is how a child ended whose function was reached.
type Result struct {
	Returned bool           // the function returned, without or with an error
	Err      error          // what it returned
	Out      []byte         // all pieces handed to Report, then what it returned
	ExitCode int            // -1 after a signal
	Signal   syscall.Signal // 0 after an exit
	Log      string         // what the child printed, standard output and error
}

// Status says in words how the child ended.
func (r *Result) Status() string {
	how := fmt.Sprintf("exit status %d", r.ExitCode)
	if r.Signal != 0 {
		how = fmt.Sprintf("killed by %v (signal %d)", r.Signal, int(r.Signal))
	}
	switch {
	case r.Err != nil:
		return fmt.Sprintf("returned the error %q, then %s", r.Err, how)
	case r.Returned:
		return "returned, then " + how
	}
	return "did not return: " + how
}

// Run runs the function in a child and gives what it returned. It fails the
// test unless the function returned without an error and the child exited
// with status 0.
func (f *Func) Run(t testing.TB, in []byte) []byte {
	t.Helper()
	r := f.Exit(t, in)
	if !r.Returned || r.Err != nil || r.ExitCode != 0 {
		t.Fatalf("child %s %s\n%s", f.name, r.Status(), r.Log)
	}
	return r.Out
}

// Exit runs the function in a child and tells how the child ended, for
// functions that are meant to die or to fail. It fails the test unless the
// function was reached and the child ended in time.
func (f *Func) Exit(t testing.TB, in []byte) *Result {
	t.Helper()
	r, err := f.Do(in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Do is Exit with options and an error. The error is nil only when the
// function was reached and the child ended in time.
func (f *Func) Do(in []byte, o Options) (*Result, error) {
	switch {
	case f.err != nil:
		return nil, f.err
	case !dispatched:
		return nil, errors.New("testchild: the package needs a TestMain that calls testchild.Dispatch first")
	}
	value := rand.Text() + ":" + f.name
	timeout := o.Timeout
	if timeout == 0 {
		var err error
		if timeout, err = defaultTimeout(); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var log bytes.Buffer
	// Where Dispatch is not called, the child must not run the tests again.
	cmd := exec.CommandContext(ctx, self, "-test.run=^$")
	cmd.Env = append(append(os.Environ(), o.Env...), envVar+"="+value)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = o.Attr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) }
	cmd.WaitDelay = quitGrace

	frames, waitErr := converse(cmd, in)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("testchild: child %s took longer than %v and was ended:\n%s", f.name, timeout, &log)
	}
	if cmd.ProcessState == nil {
		return nil, fmt.Errorf("testchild: starting child %s: %w", f.name, waitErr)
	}
	r := &Result{ExitCode: cmd.ProcessState.ExitCode(), Log: log.String()}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		r.Signal = ws.Signal()
	}
	reached, err := r.read(frames, value)
	switch {
	case err != nil:
		return nil, fmt.Errorf("testchild: child %s (%s): %w\n%s", f.name, r.Status(), err, r.Log)
	case !reached:
		return nil, fmt.Errorf("testchild: child %s ended (%s) before it reached the function\n%s", f.name, r.Status(), r.Log)
	}
	return r, nil
}

// converse runs the command, feeds it its input, and gives the frames it sent.
func converse(cmd *exec.Cmd, in []byte) ([]byte, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer inW.Close()
	outR, outW, err := os.Pipe()
	if err != nil {
		inR.Close()
		return nil, err
	}
	defer outR.Close()
	cmd.ExtraFiles = []*os.File{inR, outW} // fdIn, fdOut
	err = cmd.Start()
	inR.Close()
	outW.Close()
	if err != nil {
		return nil, err
	}
	go func() {
		// A child that does not read its input ends before it says Reached.
		_, _ = inW.Write(in)
		inW.Close()
	}()
	frames := make(chan []byte, 1)
	go func() {
		// What was read before an error is judged by its frames.
		b, _ := io.ReadAll(outR)
		frames <- b
	}()
	err = cmd.Wait()
	// A process that the child left behind may hold the pipe open.
	_ = outR.SetReadDeadline(time.Now().Add(quitGrace))
	return <-frames, err
}

// read takes the frames apart. One that is cut short, because the child died
// while writing it, ends them.
func (r *Result) read(b []byte, value string) (reached bool, err error) {
	for len(b) >= 5 {
		kind, n := b[0], binary.BigEndian.Uint32(b[1:5])
		if uint64(n) > uint64(len(b)-5) {
			break
		}
		payload := b[5 : 5+n]
		b = b[5+n:]
		switch {
		case !reached && (kind != frameReached || string(payload) != value):
			return false, fmt.Errorf("it did not echo the number of this call first")
		case kind == frameReached:
			reached = true
		case kind == frameOutput:
			r.Out = append(r.Out, payload...)
		case kind == frameError:
			r.Returned, r.Err = true, errors.New(string(payload))
		case kind == frameDone && string(payload) == value:
			r.Returned = true
		default:
			return false, fmt.Errorf("unknown frame %q", kind)
		}
	}
	return reached, nil
}
