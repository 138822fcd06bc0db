package seccomp

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A callSequence is a program that makes the given system calls and nothing
// else: the trampoline, with a table of the test's making. The calls before
// the last must succeed, or it exits with status 127.
func callSequence(t *testing.T, text string, calls ...[]uintptr) string {
	t.Helper()
	l := newLayout()
	l.entry(exitEntry, 0, false, unix.SYS_EXIT_GROUP, exitFailed)
	status := []uintptr{statusAddress, largestPage, unix.PROT_READ | unix.PROT_WRITE, unix.MAP_PRIVATE | unix.MAP_FIXED | unix.MAP_ANONYMOUS, ^uintptr(0), 0}
	if runtime.GOARCH == "s390x" {
		status = []uintptr{l.putWords(status...)}
	}
	at := l.put([]byte(text))
	calls = append([][]uintptr{append([]uintptr{mmapNumber}, status...)}, calls...)
	for i, c := range calls {
		for j, a := range c {
			if a == textAddress {
				c[j] = at
			}
		}
		l.entry(firstEntry+i, entryAddress(firstEntry+i+1), false, c[0], c[1:]...)
	}
	code, err := trampolineCode()
	if err != nil {
		t.Fatal(err)
	}
	file, err := image(code, l.data)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "calls")
	if err := os.WriteFile(path, file, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// textAddress stands for the address of callSequence's text.
const textAddress = ^uintptr(0xabc)

func mmapName() string {
	if wordSize == 4 {
		return "mmap2"
	}
	return "mmap"
}

func allowOnly(names ...string) Filter {
	return Filter{NoNewPrivs: true, Policy: Policy{
		DefaultAction: ActionKillProcess,
		Syscalls:      []SyscallGroup{{Action: ActionAllow, Names: names}},
	}}
}

// TestChildNeedsNothingElse confines a child to exactly the calls it makes.
func TestChildNeedsNothingElse(t *testing.T) {
	path := callSequence(t, "hello",
		[]uintptr{unix.SYS_WRITE, 1, textAddress, 5},
		[]uintptr{unix.SYS_EXIT_GROUP, 7})
	var out bytes.Buffer
	cmd := exec.Command(path)
	cmd.Stdout = &out
	if err := StartChild(cmd, allowOnly("execve", mmapName(), "write", "exit_group")); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 || out.String() != "hello" {
		t.Errorf("child wrote %q and ended with %v, want hello and exit status 7", &out, err)
	}
	if cmd.Path != path || len(cmd.ExtraFiles) != 0 {
		t.Errorf("the command was left as %q with files %v", cmd.Path, cmd.ExtraFiles)
	}
}

func TestChildIsKilledByWhatIsNotAllowed(t *testing.T) {
	path := callSequence(t, "", []uintptr{unix.SYS_GETPID}, []uintptr{unix.SYS_EXIT_GROUP, 0})
	cmd := exec.Command(path)
	if err := StartChild(cmd, allowOnly("execve", mmapName(), "exit_group")); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); signalOf(err) != unix.SIGSYS {
		t.Errorf("child ended with %v, want SIGSYS", err)
	}
}

func signalOf(err error) syscall.Signal {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if ws := exit.Sys().(syscall.WaitStatus); ws.Signaled() {
			return ws.Signal()
		}
	}
	return 0
}

// TestParentIsUntouched checks what the kernel says of every thread.
func TestParentIsUntouched(t *testing.T) {
	before := threadStates(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	if err := StartChild(cmd, Filter{NoNewPrivs: true, Policy: denylist()}); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	for tid, state := range threadStates(t) {
		if was, ok := before[tid]; ok && was != state || !ok && state != before[os.Getpid()] {
			t.Errorf("thread %d went from %q to %q", tid, was, state)
		}
	}
}

// denylist lets the commands of the system run, which may be of another ABI.
func denylist() Policy {
	return Policy{
		DefaultAction: ActionAllow,
		BadArchAction: ActionAllow,
		Syscalls:      []SyscallGroup{{Action: ActionErrno, Names: []string{"ptrace", "init_module"}}},
	}
}

// threadStates is the Seccomp and NoNewPrivs lines of every thread's status.
func threadStates(t testing.TB) map[int]string {
	t.Helper()
	states, err := taskStates()
	if err != nil {
		t.Fatal(err)
	}
	return states
}

func statusLines(status string) string {
	var lines []string
	for _, line := range strings.Split(status, "\n") {
		if strings.HasPrefix(line, "NoNewPrivs:") || strings.HasPrefix(line, "Seccomp") {
			lines = append(lines, strings.Join(strings.Fields(line), ""))
		}
	}
	return strings.Join(lines, " ")
}

func TestChildState(t *testing.T) {
	var out bytes.Buffer
	cmd := exec.Command("cat", "/proc/self/status")
	cmd.Stdout, cmd.Env, cmd.Dir = &out, []string{"A=b"}, "/"
	if err := StartChild(cmd, Filter{NoNewPrivs: true, Policy: denylist()}); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := statusLines(out.String()); !strings.Contains(got, "NoNewPrivs:1") || !strings.Contains(got, "Seccomp:2") {
		t.Errorf("child has %q", got)
	}
	if !strings.Contains(out.String(), "Name:\tcat\n") {
		t.Errorf("the child is not named after the command:\n%s", &out)
	}
}

// TestChildInherits checks that the child gets what exec.Cmd gives it and none
// of the trampoline's descriptors.
func TestChildInherits(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	command := func(out *bytes.Buffer) *exec.Cmd {
		cmd := exec.Command("sh", "-c", `echo "$0 $1 $A $PWD $(readlink /proc/$$/fd/3)"; ls /proc/$$/fd`, "it's", "an arg")
		cmd.Env, cmd.Dir, cmd.ExtraFiles = []string{"A=b c", "PATH=" + os.Getenv("PATH")}, "/proc", []*os.File{w}
		cmd.Stdout, cmd.Stderr = out, out
		return cmd
	}
	var want, got bytes.Buffer
	if err := command(&want).Run(); err != nil {
		t.Fatal(err)
	}
	cmd := command(&got)
	if err := StartChild(cmd, Filter{NoNewPrivs: true, Policy: denylist()}); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, &got)
	}
	if !strings.HasPrefix(want.String(), "it's an arg b c /proc pipe:") || want.String() != got.String() {
		t.Errorf("child says\n%s, and without a filter\n%s", &got, &want)
	}
}

// TestChildThatCannotStart checks that each failure is told, and that no child
// is left.
func TestChildThatCannotStart(t *testing.T) {
	script := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(script, []byte("no program\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	plain := Filter{NoNewPrivs: true, Policy: denylist()}
	for _, tt := range []struct {
		name   string
		cmd    *exec.Cmd
		filter Filter
		is     error
		part   string
	}{
		{"missing", &exec.Cmd{Path: "/nonexistent/program"}, plain, fs.ErrNotExist, "/nonexistent/program"},
		{"not executable", &exec.Cmd{Path: "/etc/passwd"}, plain, fs.ErrPermission, "execve"},
		{"no program", &exec.Cmd{Path: script}, plain, unix.ENOEXEC, "execve"},
		{"not in PATH", exec.Command("no-such-command-anywhere"), plain, exec.ErrNotFound, ""},
		{"missing, tight", &exec.Cmd{Path: "/nonexistent/program"}, allowOnly("execve"), fs.ErrNotExist, ""},
		{"execve refused", exec.Command("true"), allowOnly("read"), nil, "allow execve"},
		{"invalid policy", exec.Command("true"), Filter{NoNewPrivs: true}, nil, "default_action"},
		{"listener", exec.Command("true"), Filter{Flag: FilterFlagNewListener, Policy: denylist()}, nil, "StartChildListener"},
		{"chroot", &exec.Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Chroot: "/"}}, plain, nil, "Chroot"},
		{"directory", &exec.Cmd{Path: "/bin/true", Dir: "/nonexistent"}, plain, fs.ErrNotExist, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := StartChild(tt.cmd, tt.filter)
			if err == nil {
				t.Fatal("no error")
			}
			if tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.part) {
				t.Errorf("error %q, want %v with %q", err, tt.is, tt.part)
			}
			if tt.cmd.Process != nil && tt.cmd.ProcessState == nil {
				t.Errorf("process %d is left", tt.cmd.Process.Pid)
			}
		})
	}
}

func TestChildListener(t *testing.T) {
	path := callSequence(t, "", []uintptr{unix.SYS_GETPPID}, []uintptr{unix.SYS_EXIT_GROUP, 3})
	filter := allowOnly("execve", mmapName(), "exit_group")
	filter.Policy.Syscalls = append(filter.Policy.Syscalls, SyscallGroup{Action: ActionUserNotify, Names: []string{"getppid"}})
	cmd := exec.Command(path)
	listener, err := StartChildListener(cmd, filter)
	if errors.Is(err, unix.EPERM) && strings.Contains(threadStates(t)[os.Getpid()], "Seccomp:2") {
		t.Skip("this process runs under a filter that does not let it have another's descriptors: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", listener.Fd())); err != nil || !strings.Contains(link, "seccomp notify") {
		t.Errorf("the listener is %q, %v", link, err)
	}
	waited := make(chan error, 1)
	go func() { waited <- cmd.Wait() }()
	select {
	case err := <-waited:
		t.Fatalf("the child did not wait for its supervisor: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	listener.Close() // without which the call does not exist: the sequence fails
	var exit *exec.ExitError
	if err := <-waited; !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
		t.Errorf("child ended with %v, want exit status %d", err, exitFailed)
	}
}

func TestChildWithoutNoNewPrivs(t *testing.T) {
	needsPrivileges(t)
	cmd := exec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	err := StartChild(cmd, Filter{Policy: denylist()})
	if !errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), "NoNewPrivs") {
		t.Errorf("error %v, want EACCES and what to do", err)
	}
}

func BenchmarkStartChild(b *testing.B) {
	for _, confined := range []bool{false, true} {
		b.Run(fmt.Sprintf("confined=%v", confined), func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command("/bin/true")
				var err error
				if confined {
					err = StartChild(cmd, Filter{NoNewPrivs: true, Policy: denylist()})
				} else {
					err = cmd.Start()
				}
				if err == nil {
					err = cmd.Wait()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestTrampoline runs the trampoline without a filter.
func TestTrampoline(t *testing.T) {
	out, err := exec.Command(callSequence(t, "hello",
		[]uintptr{unix.SYS_WRITE, 1, textAddress, 5},
		[]uintptr{unix.SYS_EXIT_GROUP, 7})).Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 || string(out) != "hello" {
		t.Errorf("it writes %q and ends with %v, want hello and exit status 7", out, err)
	}
	err = exec.Command(callSequence(t, "", []uintptr{unix.SYS_CLOSE, 99}, []uintptr{unix.SYS_EXIT_GROUP, 7})).Run()
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
		t.Errorf("after a call that fails, it ends with %v, want exit status %d", err, exitFailed)
	}
}
