//go:build tools

package elfscan_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"
)

// calledBy runs a program and returns the calls that strace sees it make, up
// to where it or a child executes another program.
func calledBy(t *testing.T, dir, bin string, args ...string) []string {
	t.Helper()
	traces := t.TempDir()
	command(t, nil, dir, tracer(t, traces, bin), args...)
	return traced(t, traces)
}

// tracer writes a command that runs a program with its arguments and leaves a
// trace of it in a directory.
func tracer(t *testing.T, traces, bin string) string {
	t.Helper()
	installed(t, "strace", "strace")
	name := filepath.Join(t.TempDir(), "run")
	write(t, name, "#!/bin/sh\nexec strace -f -qq -b execve -o \"$(mktemp '"+traces+"/XXXXXX')\" '"+bin+"' \"$@\"\n")
	if err := os.Chmod(name, 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

var straceCall = regexp.MustCompile(`(?m)^\d+ +(?:<\.\.\. )?([a-z_][a-z0-9_]*)[( ]`)

// traced returns the names of the calls in all traces of a directory.
func traced(t *testing.T, traces string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(traces, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces: %v", err)
	}
	used := map[string]bool{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, b, _ = bytes.Cut(b, []byte("\n")) // strace's own execve
		for _, m := range straceCall.FindAllSubmatch(b, -1) {
			used[string(m[1])] = true
		}
	}
	return slices.Sorted(maps.Keys(used))
}

// Threads write over one another: numbers of another's line may stand before
// the name.
var qemuCall = regexp.MustCompile(`(?m)(?:^|\s)\d+ \d*([a-wyz_][a-z0-9_]*)\(`) // 0x is one too

// emulated runs a program with an emulator of qemu-user and returns the calls
// that it is seen to make, what it writes and how it ends.
func emulated(t *testing.T, dir, qemu string, args ...string) (calls []string, out string, err error) {
	t.Helper()
	installed(t, qemu, "qemu-user-static")
	var log bytes.Buffer
	cmd := limited(t, maxWorkload, qemu, append([]string{"-strace"}, args...)...)
	cmd.Dir, cmd.Stderr = dir, &log
	b, err := cmd.Output()
	if errors.Is(err, exec.ErrWaitDelay) { // a process that it has forked hangs in qemu
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		err = nil
	}
	used := map[string]bool{}
	for _, m := range qemuCall.FindAllStringSubmatch(log.String(), -1) {
		used[m[1]] = true
	}
	return slices.Sorted(maps.Keys(used)), string(b), err
}
