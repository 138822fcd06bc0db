package guest

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/internal/testvm/console"
)

// The matrix puts them there: cmd/sandbox, built for the kernel's own ABI, and
// a static busybox, as Debian compiled it for that architecture.
const (
	sandboxProgram = "/bin/sandbox"
	busybox        = "/bin/busybox"
)

// sandboxed runs busybox in the sandbox and returns its output and status.
func sandboxed(t *testing.T, flags []string, args ...string) (string, syscall.WaitStatus) {
	t.Helper()
	cmd := exec.Command(sandboxProgram, append(append(flags, "--", busybox), args...)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.Sys().(syscall.WaitStatus)
}

func TestSandbox(t *testing.T) {
	inGuest(t)
	if slices.Contains(strings.Split(os.Getenv(console.CompatVariable), ","), runtime.GOARCH) {
		t.Skip("the sandbox is built for the kernel's own ABI")
	}
	dir := t.TempDir()
	for _, tt := range []struct {
		name   string
		flags  []string
		args   []string
		exit   int
		signal syscall.Signal
		says   string
	}{
		{"default policy", nil, []string{"sh", "-c", "echo hello; echo $((6*7)) >" + dir + "/answer; cat " + dir + "/answer; ls / | grep -c '^bin$'"}, 0, 0, "hello\n42\n1\n"},
		{"default policy, pipes and children", nil, []string{"sh", "-c", "for i in 1 2 3; do echo $i; done | sort -r | head -n 1; sleep 0; uname -s; id -u"}, 0, 0, "3\nLinux\n0\n"},
		{"mount is refused", nil, []string{"mount", "-t", "tmpfs", "none", dir}, 1, 0, "permission denied"},
		{"denied call", []string{"-deny", "mkdir,mkdirat"}, []string{"mkdir", dir + "/x"}, 1, 0, "Operation not permitted"},
		{"call that is not denied", []string{"-deny", "rmdir"}, []string{"mkdir", dir + "/y"}, 0, 0, ""},
		{"exit status", nil, []string{"sh", "-c", "exit 23"}, 23, 0, ""},
		{"signal", nil, []string{"sh", "-c", "kill -9 $$"}, -1, unix.SIGKILL, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, ws := sandboxed(t, tt.flags, tt.args...)
			if ws.ExitStatus() != tt.exit || ws.Signaled() && ws.Signal() != tt.signal || !ws.Signaled() && tt.signal != 0 {
				t.Errorf("exit status %d, signal %v, want %d, %v\n%s", ws.ExitStatus(), ws.Signal(), tt.exit, tt.signal, out)
			}
			if !strings.Contains(out, tt.says) {
				t.Errorf("it said %q, want %q in it", out, tt.says)
			}
		})
	}
	if _, err := os.Stat(dir + "/x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory that the sandbox should have refused: %v, want none", err)
	}
	if _, err := os.Stat(dir + "/y"); err != nil {
		t.Errorf("the directory that the sandbox should have allowed: %v", err)
	}
}

// TestBusyboxUnconfined is the control: what TestSandbox sees refused works
// without the sandbox.
func TestBusyboxUnconfined(t *testing.T) {
	inGuest(t)
	dir := t.TempDir()
	for _, args := range [][]string{{"mount", "-t", "tmpfs", "none", dir}, {"mkdir", dir + "/x"}} {
		if out, err := exec.Command(busybox, args...).CombinedOutput(); err != nil {
			t.Errorf("busybox %v: %v\n%s", args, err, out)
		}
	}
	if err := unix.Unmount(dir, 0); err != nil {
		t.Error(err)
	}
}
