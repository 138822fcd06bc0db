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
	t.Run("default policy", func(t *testing.T) {
		dir := t.TempDir()
		out, ws := sandboxed(t, nil, "sh", "-c", "echo hello >"+dir+"/f; cat "+dir+"/f; for i in 1 2 3; do echo $i; done | sort -r | head -n 1;"+
			" mount -t tmpfs none "+dir+" 2>&1; uname -s; exit 23")
		if want := "hello\n3\nmount: permission denied (are you root?)\nLinux\n"; out != want {
			t.Errorf("it said %q, want %q", out, want)
		}
		if ws.ExitStatus() != 23 {
			t.Errorf("exit status %d, want 23", ws.ExitStatus())
		}
	})
	t.Run("denied calls", func(t *testing.T) {
		dir := t.TempDir()
		out, ws := sandboxed(t, []string{"-deny", "mkdir,mkdirat"}, "sh", "-c", "mkdir "+dir+"/x; touch "+dir+"/y; kill -9 $$")
		if !strings.Contains(out, "mkdir: can't create directory") || !strings.Contains(out, "Operation not permitted") {
			t.Errorf("it said %q, want mkdir refused", out)
		}
		if !ws.Signaled() || ws.Signal() != unix.SIGKILL {
			t.Errorf("it ended with status %#x, want SIGKILL", ws)
		}
		if _, err := os.Stat(dir + "/x"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the directory that was refused: %v, want none", err)
		}
		if _, err := os.Stat(dir + "/y"); err != nil {
			t.Errorf("the file that was not: %v", err)
		}
	})
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
