//go:build !linux

package seccomp

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

func unsupported(doing string) error {
	return fmt.Errorf("%s on %s: %w", doing, runtime.GOOS, &UnsupportedError{Feature: "seccomp"})
}

// Supported returns true if the kernel has seccomp filters: here it does not.
func Supported() bool { return false }

// SetNoNewPrivs fails: it needs Linux.
func SetNoNewPrivs() error { return unsupported("set no_new_privs") }

// LoadFilter fails: it needs Linux.
func LoadFilter(Filter) error { return unsupported("load filter") }

// LoadListener fails: it needs Linux.
func LoadListener(Filter) (*os.File, error) { return nil, unsupported("load filter") }

// StartChild fails: it needs Linux. The command is not started.
func StartChild(*exec.Cmd, Filter) error { return unsupported("start confined child") }

// StartChildListener fails: it needs Linux. The command is not started.
func StartChildListener(*exec.Cmd, Filter) (*os.File, error) {
	return nil, unsupported("start confined child")
}

func actionSupport(Action) Support   { return No }
func flagSupport(FilterFlag) Support { return No }
