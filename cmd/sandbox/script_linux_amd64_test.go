package main

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"
)

// buildCompat builds probe for i386 and tells whether this kernel runs it.
func buildCompat(t *testing.T, path string) bool {
	t.Helper()
	build(t, path, "GOARCH=386")
	err := exec.Command(path, "getpid").Run()
	if errors.Is(err, syscall.ENOEXEC) {
		t.Log("the kernel has no 32-bit ABI")
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}
