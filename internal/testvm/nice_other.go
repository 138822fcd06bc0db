//go:build !linux

package testvm

import "os/exec"

func startNice(cmd *exec.Cmd) error { return cmd.Start() }
