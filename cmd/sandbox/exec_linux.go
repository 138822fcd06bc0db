package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

// execute becomes the command. It returns only when that fails.
func execute(args []string, filter seccomp.Filter, compiled *seccomp.Compiled) error {
	path, err := find(args[0])
	if err != nil {
		return err
	}
	if err := startable(compiled); err != nil {
		return err
	}
	// Go raises the limit of open files and puts it back in Exec, which would be
	// a call under the filter. An Exec of nothing does that now, and fails.
	if err := syscall.Exec("", nil, nil); err == nil {
		return errors.New("execve of an empty path did not fail")
	}
	if err := seccomp.LoadFilter(filter); err != nil {
		return err
	}
	return executeError(path, syscall.Exec(path, args, os.Environ()))
}

// find looks the command up in PATH, as a shell does.
func find(command string) (string, error) {
	path, err := exec.LookPath(command)
	if errors.Is(err, exec.ErrDot) {
		err = nil // a PATH with "." in it says so on purpose
	}
	switch {
	case errors.Is(err, exec.ErrNotFound) && !strings.Contains(command, "/"):
		return "", notFound(fmt.Errorf("%s: command not found in PATH", command))
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return "", notFound(fmt.Errorf("%s: no such file", command))
	case err != nil:
		return "", notExecutable(fmt.Errorf("%s: %w", command, cause(err)))
	}
	return path, nil
}

// executeError explains why execve failed.
func executeError(path string, err error) error {
	switch {
	case errors.Is(err, unix.ENOENT):
		return notFound(fmt.Errorf("%s: the program that interprets it does not exist", path))
	case errors.Is(err, unix.ENOEXEC):
		return notExecutable(fmt.Errorf("%s: %w: neither a program of this machine nor a script with #! in its first line", path, err))
	}
	return notExecutable(fmt.Errorf("execute %s: %w", path, err))
}

// cause is the innermost error, without names that the message has already.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

func notFound(err error) error      { return &statusError{exitNotFound, err} }
func notExecutable(err error) error { return &statusError{exitNotExecutable, err} }
