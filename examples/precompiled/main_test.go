//go:build linux

package main

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

func TestMain(m *testing.M) {
	testchild.Dispatch()
	os.Exit(m.Run())
}

var confined = testchild.New("confined by a precompiled filter", func([]byte) ([]byte, error) {
	if err := confine(); err != nil {
		return nil, err
	}
	personality := func(v uintptr) syscall.Errno {
		_, _, errno := syscall.RawSyscall(syscall.SYS_PERSONALITY, v, 0, 0)
		return errno
	}
	exec := syscall.Exec("/bin/true", []string{"true"}, nil)
	return fmt.Appendf(nil, "%v, %v, %v", exec, personality(8), personality(0xffffffff)), nil
})

func TestConfined(t *testing.T) {
	want := fmt.Sprintf("%v, %v, %v", syscall.EPERM, syscall.EINVAL, syscall.Errno(0))
	if got := string(confined.Run(t, nil)); got != want {
		t.Errorf("execve, and personality changed and asked for: %s, want %s", got, want)
	}
}
