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
	"os"
	"os/signal"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitError      = 1
	exitUnresolved = 3 // a policy was not written because of sites with unknown numbers
)

// exitCode is an error that ends the program with a code of its own.
type exitCode struct {
	code int
	err  error
}

func (e *exitCode) Error() string { return e.err.Error() }
func (e *exitCode) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := newCommand().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "seccomp-profiler:", err)
	code := exitError
	var e *exitCode
	if errors.As(err, &e) {
		code = e.code
	}
	os.Exit(code)
}

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "seccomp-profiler",
		Short:         "Make a seccomp policy for a program",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newScan())
	return root
}
