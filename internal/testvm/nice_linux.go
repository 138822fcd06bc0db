//go:build linux

package testvm

import (
	"os/exec"
	"syscall"
)

// startNice starts a program at a low priority: an emulator takes whole cores for minutes.
func startNice(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, cmd.Process.Pid, 10) // slower neighbours are no failure
	return nil
}
