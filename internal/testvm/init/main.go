//go:build linux

// Command init is process 1 of a test guest: it mounts what tests need, runs
// the programs of the plan one after another, reports on the console and
// powers off. It is the only user space of the guest besides the programs.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/internal/testvm/console"
)

func main() {
	c := &reporter{w: os.Stdout}
	prepare(c)
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		c.note("uname: %v", err)
	}
	c.send(console.Message{Kind: console.Hello,
		Release: unix.ByteSliceToString(u.Release[:]), Machine: unix.ByteSliceToString(u.Machine[:])})

	plan, err := readPlan()
	if err != nil {
		c.note("%v", err)
	}
	for i, r := range plan.Runs {
		run(c, i, r)
	}
	c.send(console.Message{Kind: console.Bye})
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	// Boards without a power switch come here; the host ends the emulator.
	select {}
}

// reporter serialises messages: output is copied by goroutines.
type reporter struct {
	mu sync.Mutex
	w  io.Writer
}

func (c *reporter) send(m console.Message) {
	b, err := console.Encode(m)
	if err != nil {
		b = []byte("@testvm unencodable message\n") // read by the host as a broken line
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.w.Write(b) // a console that fails leaves nobody to tell
}

func (c *reporter) note(format string, args ...any) {
	c.send(console.Message{Kind: console.Note, Text: fmt.Sprintf(format, args...)})
}

// prepare mounts the kernel's file systems and quiets its console, so that
// kernel messages do not land inside ours.
func prepare(c *reporter) {
	for _, m := range []struct{ fs, dir string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"},
		{"tmpfs", "/tmp"}, {"tmpfs", "/run"},
		{"tracefs", "/sys/kernel/tracing"}, {"cgroup2", "/sys/fs/cgroup"},
		{"bpf", "/sys/fs/bpf"}, {"devpts", "/dev/pts"}, {"tmpfs", "/dev/shm"},
	} {
		if err := os.MkdirAll(m.dir, 0o755); err != nil {
			c.note("mkdir %s: %v", m.dir, err)
			continue
		}
		if err := unix.Mount(m.fs, m.dir, m.fs, 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			c.note("mount %s on %s: %v", m.fs, m.dir, err)
		}
	}
	for _, d := range []string{"/tmp", "/dev/shm"} {
		if err := os.Chmod(d, 0o1777); err != nil {
			c.note("%v", err)
		}
	}
	for _, l := range [][2]string{{"/proc/self/fd", "/dev/fd"}, {"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"}} {
		if err := os.Symlink(l[0], l[1]); err != nil && !errors.Is(err, os.ErrExist) {
			c.note("%v", err)
		}
	}
	if err := os.WriteFile("/proc/sys/kernel/printk", []byte("1"), 0); err != nil {
		c.note("quiet the kernel's console: %v", err)
	}
	if err := unix.Sethostname([]byte("guest")); err != nil {
		c.note("sethostname: %v", err)
	}
	if err := loopbackUp(); err != nil {
		c.note("bring lo up: %v", err)
	}
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

func readPlan() (console.Plan, error) {
	var p console.Plan
	b, err := os.ReadFile(console.PlanPath)
	if err != nil {
		return p, fmt.Errorf("read the plan: %w", err)
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return p, fmt.Errorf("read the plan %s: %w", console.PlanPath, err)
	}
	return p, nil
}

// run starts one program and reports every line it prints and how it ended.
func run(c *reporter, id int, r console.Run) {
	c.send(console.Message{Kind: console.Start, Run: id})
	taint := readTaint()
	start := time.Now()
	end := console.Message{Kind: console.Exit, Run: id}
	state, lines, err := supervise(c, id, r)
	end.Lines, end.Seconds = lines, time.Since(start).Seconds()
	switch {
	case err != nil:
		c.note("run %s: %v", r.Path, err)
		end.Code = 127
	default:
		end.Code = state.ExitCode()
		if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			end.Signal = ws.Signal().String()
		}
	}
	if t := readTaint(); t != taint {
		c.note("the kernel's taint went from %s to %s while %s ran: it warned or oopsed", taint, t, r.Path)
	}
	c.send(end)
}

func readTaint() string {
	b, err := os.ReadFile("/proc/sys/kernel/tainted")
	if err != nil {
		return "unreadable"
	}
	return strings.TrimSpace(string(b))
}

func supervise(c *reporter, id int, r console.Run) (*os.ProcessState, int, error) {
	pr, pw, err := os.Pipe()
	if err != nil {
		return nil, 0, err
	}
	defer pr.Close()
	cmd := exec.Command(r.Path, r.Args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.Dir, r.Env, pw, pw
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if r.UID != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(r.UID), Gid: uint32(r.UID)}
	}
	if err := cmd.Start(); err != nil {
		pw.Close()
		return nil, 0, err
	}
	pw.Close()
	// The test binary's own -test.timeout comes first and says more.
	kill := time.AfterFunc(time.Duration(r.Seconds)*time.Second, func() {
		c.note("%s still runs after %d s: killed with its process group", r.Path, r.Seconds)
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
	})
	defer kill.Stop()
	copied := make(chan int)
	go func() { copied <- copyLines(c, id, pr) }()
	werr := cmd.Wait()
	// Whatever it left behind holds the pipe open and would spoil the next run.
	_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
	_ = pr.SetReadDeadline(time.Now().Add(2 * time.Second))
	lines := <-copied
	var exit *exec.ExitError
	if werr != nil && !errors.As(werr, &exit) {
		return nil, lines, werr
	}
	return cmd.ProcessState, lines, nil
}

// copyLines sends each line as a message and returns how many it sent.
func copyLines(c *reporter, id int, r io.Reader) int {
	br := bufio.NewReaderSize(r, 64<<10)
	for n := 0; ; {
		line, err := br.ReadString('\n')
		if line != "" {
			text, whole := strings.CutSuffix(line, "\n")
			c.send(console.Message{Kind: console.Output, Run: id, Text: text, Partial: !whole})
			n++
		}
		if err != nil {
			return n
		}
	}
}
