//go:build !linux

package main

import (
	"errors"
	"fmt"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

func execute([]string, seccomp.Filter, *seccomp.Compiled) error {
	return fmt.Errorf("run under a filter: %w: it needs Linux", errors.ErrUnsupported)
}
