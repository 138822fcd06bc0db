package main

import (
	"errors"
	"io"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

func (o *options) report(w io.Writer, file *policyfile.File, c *seccomp.Compiled) error {
	return errors.New("not yet")
}
