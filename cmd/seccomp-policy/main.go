// Command seccomp-policy reads, compares, checks and compiles seccomp filters.
//
//	seccomp-policy explain web.yaml
//	seccomp-policy explain -p 1234
//	seccomp-policy diff old.yaml new.yaml
//
// Run it with --help for its commands.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Exit statuses.
const (
	exitFound = 1 // diff: they differ; check: there are findings
	exitError = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	cmd := newRoot()
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.Execute()
	var found *foundError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &found):
		return exitFound
	}
	fmt.Fprintf(stderr, "seccomp-policy: %v\n", err)
	return exitError
}

// A foundError is no error, but an answer with an exit status.
type foundError struct{}

func (*foundError) Error() string { return "there are findings" }
