//go:build linux

package testchild

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// The child learns from this variable that it is one: the number to echo, a
// colon, the function's name.
const envVar = "SECCOMP_TESTCHILD"

// The child's file descriptors for the function's input and for frames.
const (
	fdIn  = 3
	fdOut = 4
)

// Kinds of frames: one byte, then 4 of length, big-endian, then the payload.
const (
	frameReached = 'R' // the variable's value, before the function runs
	frameOutput  = 'O' // a piece of output
	frameError   = 'E' // the function's error
	frameDone    = 'D' // the variable's value, after the function returned nil
)

var (
	functions  = map[string]func([]byte) ([]byte, error){}
	dispatched bool // Dispatch was called: this binary can serve as a child
)

// init keeps the main goroutine of a child on its main thread; only here does
// it run there for certain.
func init() {
	if os.Getenv(envVar) != "" {
		runtime.LockOSThread()
	}
}

// Dispatch is the first thing TestMain calls. In a child it runs the function
// asked for and exits; elsewhere it returns.
func Dispatch() {
	dispatched = true
	value := os.Getenv(envVar)
	if value == "" {
		return
	}
	if err := serve(value); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(value string) error {
	// Processes that the function starts are no children of ours.
	os.Unsetenv(envVar)
	syscall.CloseOnExec(fdIn)
	syscall.CloseOnExec(fdOut)
	_, name, _ := strings.Cut(value, ":")
	f := functions[name]
	if f == nil {
		return fmt.Errorf("testchild: no function named %q in this binary", name)
	}
	file := os.NewFile(fdIn, "input")
	in, err := io.ReadAll(file)
	file.Close()
	if err != nil {
		return fmt.Errorf("testchild: reading the input of %s: %w", name, err)
	}
	if err := send(frameReached, []byte(value)); err != nil {
		return err
	}
	out, err := f(in)
	if err != nil {
		if err := send(frameError, []byte(err.Error())); err != nil {
			return err
		}
		return err
	}
	if err := send(frameOutput, out); err != nil {
		return err
	}
	return send(frameDone, []byte(value))
}

// Report hands over a piece of output at once, for functions that will not
// return. It is called in the child only.
func Report(out []byte) error { return send(frameOutput, out) }

// send writes by system calls of the calling thread alone, so that it works
// in whatever state the function has left the others.
func send(kind byte, payload []byte) error {
	n := len(payload)
	frame := append([]byte{kind, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, payload...)
	for len(frame) > 0 {
		n, err := syscall.Write(fdOut, frame)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("testchild: handing over the function's output: %w", err)
		}
		frame = frame[n:]
	}
	return nil
}

// OnThread runs f on a thread other than the caller's and waits for it; the
// thread ends with it, and with it whatever filters f installed. When f ends
// the thread itself, OnThread does not return.
func OnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the runtime ends the thread with the goroutine.
		runtime.LockOSThread()
		f()
	}()
	<-done
}
