// Command seccomp-profiler makes a seccomp policy for a program.
//
//	seccomp-profiler scan ./server > server.yaml
//
// reads the executable, without running it, and writes an allowlist of the
// system calls that it can make.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
)

// Exit codes.
const (
	exitError       = 1
	exitUnresolved  = 3   // sites with unknown numbers are left to decide about
	exitChanged     = 4   // --diff found changes
	exitInterrupted = 130 // as shells have it for SIGINT
)

// exitCode is an error that ends the program with a code of its own; without
// an error there is nothing to say.
type exitCode struct {
	code int
	err  error
}

func (e *exitCode) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}
func (e *exitCode) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the command with its arguments; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd := newRoot()
	cmd.SetArgs(normalise(cmd, args))
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var e *exitCode
	switch {
	case errors.As(err, &e):
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		e = &exitCode{exitInterrupted, errors.New("interrupted; nothing was written")}
	default:
		e = &exitCode{exitError, err}
	}
	if e.err != nil {
		fmt.Fprintln(stderr, "seccomp-profiler:", e.err)
	}
	return e.code
}
