package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/elastic/go-seccomp-bpf/internal/testchild"

	"github.com/elastic/go-seccomp-bpf/internal/testbuild"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts' golden files")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sandbox": main})
}

// TestScript runs testdata/script/*.txt. Beside testscript's own commands they
// have
//
//	status N COMMAND...    the command exits with status N, or dies of the signal
//	                       that N names
//
// and the program probe (see testdata/probe), also as probe32 for the machine's
// 32-bit ABI where the condition [compat] holds. [sysadmin] and [unprivileged]
// hold where the test can be without no_new_privs, and has CAP_SYS_ADMIN or has
// it not; [unfiltered] where no filter stands above the test's own.
func TestScript(t *testing.T) {
	programs := t.TempDir()
	build(t, filepath.Join(programs, "probe"))
	compat := buildCompat(t, filepath.Join(programs, "probe32"))
	self, err := testchild.AboutSelf()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", e.Getenv("PATH")+string(os.PathListSeparator)+programs)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status},
		Condition: func(name string) (bool, error) {
			switch name {
			case "sysadmin":
				return self.SysAdmin && !self.NoNewPrivs, nil
			case "unprivileged":
				return !self.SysAdmin && !self.NoNewPrivs, nil
			case "unfiltered":
				return !self.Filtered, nil
			case "compat":
				return compat, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
	})
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		ws := exit.Sys().(syscall.WaitStatus)
		got = strconv.Itoa(ws.ExitStatus())
		if ws.Signaled() {
			got = signalName(ws.Signal())
		}
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("%s ended with %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

func signalName(s syscall.Signal) string {
	switch s {
	case syscall.SIGSYS:
		return "SIGSYS"
	case syscall.SIGTERM:
		return "SIGTERM"
	}
	return s.String()
}

func build(t *testing.T, path string, env ...string) {
	testbuild.Program(t, path, "cmd/sandbox/testdata/probe", "testdata/probe", env...)
}

// compatOf is the 32-bit GOARCH whose programs a kernel may also run.
var compatOf = map[string]string{"amd64": "386", "arm64": "arm", "mips64le": "mipsle"}

// buildCompat builds probe for the machine's 32-bit ABI and tells whether this
// kernel runs it.
func buildCompat(t *testing.T, path string) bool {
	t.Helper()
	goarch, ok := compatOf[runtime.GOARCH]
	if !ok {
		return false
	}
	build(t, path, "GOARCH="+goarch)
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
