// Command sandbox runs a command under a seccomp policy.
//
//	sandbox [FLAGS] [--] COMMAND [ARG...]
//
// It loads the policy as a filter and executes the command in its own place, so
// that nothing of it is left: exit status and signals are the command's own.
// Run it with --help for its flags.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// Exit statuses of the sandbox itself, as env(1) and timeout(1) have them.
const (
	exitError         = 125 // the sandbox could not do what it was asked to
	exitNotExecutable = 126
	exitNotFound      = 127
)

// The filter goes to the thread that then executes the command.
func init() { runtime.LockOSThread() }

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns the exit status, unless the command is executed.
func run(args []string, stdout, stderr io.Writer) int {
	cmd := newCommand()
	cmd.SetArgs(normalise(cmd, args))
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.Execute()
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "sandbox: %v\n", err)
	var status *statusError
	if errors.As(err, &status) {
		return status.status
	}
	return exitError
}

// A statusError is an error with an exit status of its own.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }
