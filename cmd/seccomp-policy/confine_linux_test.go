package main

import (
	"fmt"
	"os"
	"runtime"
	"time"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// confine is a program that puts itself under filters: confine [-thread] [-child]
// POLICY... loads each policy in turn; then it writes its process id to the file
// "pid" and waits to be ended.
func confine() {
	if err := confineSelf(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func confineSelf(args []string) error {
	flag := seccomp.FilterFlagTSync
	if args[0] == "-thread" {
		flag, args = 0, args[1:]
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- load(args, flag)
		select {} // the thread stays
	}()
	if err := <-done; err != nil {
		return err
	}
	if err := os.WriteFile("pid", fmt.Appendf(nil, "%d", os.Getpid()), 0o666); err != nil {
		return err
	}
	time.Sleep(time.Minute)
	return nil
}

// load compiles all policies before it loads the first, so that the filters
// follow each other at once: who watches waits for the next one not very long.
func load(policies []string, flag seccomp.FilterFlag) error {
	native, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	var programs []*seccomp.Precompiled
	for _, name := range policies {
		file, err := policyfile.ReadFile(name)
		if err != nil {
			return err
		}
		compiled, err := file.Policy.Compile(nil)
		if err != nil {
			return err
		}
		programs = append(programs, &seccomp.Precompiled{ABIs: []string{native.Name}, Program: compiled.Raw()})
	}
	for _, p := range programs {
		if err := seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: flag, Precompiled: p}); err != nil {
			return err
		}
	}
	return nil
}
