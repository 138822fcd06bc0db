package source

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

// TestMain makes this binary the program that tests watch: with the argument
// "confined" and steps it installs filters.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "confined" {
		if err := confined(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// confined takes one step after the other, and then waits to be ended:
// "all:CALL" refuses a call in all threads, "thread:CALL" in a new thread only,
// "child" starts itself with the steps after it, "say" prints its process id,
// "exit" ends.
func confined(steps []string) error {
	for i, step := range steps {
		var err error
		switch {
		case step == "exit":
			return nil
		case step == "say":
			fmt.Println(os.Getpid())
		case step == "child":
			cmd := exec.Command(os.Args[0], append([]string{"confined"}, steps[i+1:]...)...)
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			if err := cmd.Start(); err != nil {
				return err
			}
			return cmd.Wait()
		case len(step) > 4 && step[:4] == "all:":
			err = refuse(step[4:], seccomp.FilterFlagTSync)
		default:
			err = thread(step[len("thread:"):])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	time.Sleep(time.Minute)
	return nil
}

func thread(call string) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- refuse(call, 0)
		select {} // the thread stays
	}()
	return <-done
}

func refuse(call string, flag seccomp.FilterFlag) error {
	return seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: flag, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ErrnoName("EXDEV"), Names: []string{call}}},
	}})
}
