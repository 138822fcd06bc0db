package guest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
	"github.com/elastic/go-seccomp-bpf/internal/testvm/console"
)

// compatOf is the GOARCH whose programs the kernel of another also runs.
var compatOf = map[string]string{"amd64": "386", "arm64": "arm", "mips64le": "mipsle"}

// sibling is this package's test binary for the compat ABI, which the matrix
// puts beside this one.
func sibling() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(filepath.Dir(self)), compatOf[runtime.GOARCH], filepath.Base(self)), nil
}

func runSibling() error {
	bin, err := sibling()
	if err != nil {
		return err
	}
	return exec.Command(bin, "-test.run=^$").Run()
}

var execCompat = testchild.New("exec compat", func([]byte) ([]byte, error) {
	if err := runSibling(); err != nil {
		return nil, fmt.Errorf("without a filter: %w", err)
	}
	// getpriority is denied in this ABI only; the other is not covered at all.
	if err := seccomp.LoadFilter(denylist(deny("getpriority"))); err != nil {
		return nil, err
	}
	var exit *exec.ExitError
	err := runSibling()
	if !errors.As(err, &exit) {
		return nil, fmt.Errorf("with a filter it was not killed: %v", err)
	}
	if ws, ok := exit.Sys().(syscall.WaitStatus); !ok || !ws.Signaled() || ws.Signal() != unix.SIGSYS {
		return nil, fmt.Errorf("with a filter: %v, want it killed by SIGSYS", err)
	}
	return nil, nil
})

// TestExecCompat runs a program of the other ABI under a filter that covers
// only this one.
func TestExecCompat(t *testing.T) {
	inGuest(t)
	if compatOf[runtime.GOARCH] == "" {
		t.Skip("the kernel runs programs of one ABI only")
	}
	bin, err := sibling()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(bin); errors.Is(err, os.ErrNotExist) && os.Getenv(console.CompatVariable) == "" {
		t.Skip("the guest has no tests of the compat ABI")
	}
	execCompat.Run(t, nil)
}

// foreign is a way to make a call through another ABI, or by another ABI's
// numbers, than the running program's.
type foreign struct {
	name string
	call func() uintptr // getpid through it; anything but the process id is a failure to get through
}

// through makes a call and says whether it was executed.
func (f foreign) through() bool { return int(f.call()) == os.Getpid() }

var escape = testchild.New("escape", func(in []byte) ([]byte, error) {
	f := foreigns()[in[0]]
	if !f.through() {
		return []byte("not here"), nil
	}
	if err := testchild.Report([]byte("executed before; ")); err != nil {
		return nil, err
	}
	if err := seccomp.LoadFilter(denylist(deny("getpriority"))); err != nil {
		return nil, err
	}
	if f.through() {
		return []byte("executed"), nil
	}
	return []byte("refused"), nil
})

// TestForeignCalls makes calls through every other door that the machine has,
// under a filter that covers only the program's own ABI and allows all else.
func TestForeignCalls(t *testing.T) {
	guest := inGuest(t)
	if len(foreigns()) == 0 {
		t.Skip("the machine has no other door for a program of this ABI")
	}
	_, machine := kernel(t)
	for i, f := range foreigns() {
		t.Run(f.name, func(t *testing.T) {
			r := escape.Exit(t, []byte{byte(i)})
			switch got := string(r.Out); {
			case got == "not here":
				if doorExpected(f.name, guest, machine) {
					t.Fatalf("the call is not executed without a filter, and should be on %s", guest)
				}
				t.Skip("this kernel has no such door")
			case got == "executed before; " && r.Signal == syscall.SIGSYS:
			case got == "executed before; refused":
			default:
				t.Fatalf("%q, child %s, want the call refused\n%s", got, r.Status(), r.Log)
			}
		})
	}
}
