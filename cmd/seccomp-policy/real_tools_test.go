//go:build tools && linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests read the filters of programs as Debian ships them: explain them,
// make policies of them, and compare these with the filters again. They need
// root, and the packages that they name.

// command starts a program in a process group of its own, which the test ends.
func command(t *testing.T, pkg, name string, args ...string) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("PTRACE_SECCOMP_GET_FILTER needs CAP_SYS_ADMIN: run this as root")
	}
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("this test needs Debian's package %s: %v", pkg, err)
	}
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.WaitDelay = 5 * time.Second
	t.Cleanup(func() {
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
			_ = cmd.Wait()
		}
		if t.Failed() {
			t.Logf("%s printed: %s", name, &log)
		}
	})
	return cmd
}

// confined waits for a descendant of a process that is under filters and whose
// command line contains a text.
func confined(t *testing.T, root int, text string) int {
	t.Helper()
	return awaitConfined(t, root, text, func(line string) bool { return strings.Contains(line, text) })
}

// executed is confined for a command that the program in question executes once
// it has installed all of its filters.
func executed(t *testing.T, root int, command string) int {
	t.Helper()
	return awaitConfined(t, root, command, func(line string) bool { return line == command })
}

func awaitConfined(t *testing.T, root int, what string, is func(line string) bool) int {
	t.Helper()
	for range 300 {
		for _, pid := range descendants(root) {
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if bytes.Contains(status, []byte("\nSeccomp:\t2\n")) && is(strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))) {
				return pid
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("no descendant %q of process %d came under a filter", what, root)
	return 0
}

// filterCount is how many filters the kernel says that a process is under.
func filterCount(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "Seccomp_filters:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("/proc has no Seccomp_filters, which Linux 5.9 added")
	return 0
}

func descendants(root int) []int {
	children := map[int][]int{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		pid, errPID := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if len(fields) < 2 || errPID != nil {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	var out []int
	for next := []int{root}; len(next) > 0; next = next[1:] {
		out = append(out, next[0])
		next = append(next, children[next[0]]...)
	}
	return out
}

// reproved explains a filter, makes a policy of it, and compares the two. It
// returns the explanation.
func reproved(t *testing.T, filter ...string) string {
	t.Helper()
	var out, stderr bytes.Buffer
	must := func(args ...string) {
		t.Helper()
		out.Reset()
		stderr.Reset()
		start := time.Now()
		if status := run(args, nil, &out, &stderr); status != 0 {
			t.Fatalf("%v: status %d: %s%s", args, status, &stderr, &out)
		}
		t.Logf("%s: %v", args[0], time.Since(start).Round(time.Millisecond))
	}
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	must(append([]string{"decompile", "-o", policy}, filter...)...)
	if text, err := os.ReadFile(policy); err != nil || !bytes.Contains(text, []byte("proved identical")) {
		t.Errorf("the policy does not say that it is proved (%v)", err)
	}
	must(append([]string{"explain"}, filter...)...)
	explained := out.String()
	if !strings.Contains(filter[0], "--") { // a command installs its filters anew each time
		must(append([]string{"diff", policy}, filter...)...)
	}
	return explained
}

func TestChromiumRenderer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<title>page</title>")
	}))
	defer server.Close()
	home, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	const nobody, nogroup = 65534, 65534
	if err := os.Chown(home, nobody, nogroup); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "chromium", "chromium", "--headless=new", "--disable-gpu", "--remote-debugging-port=0", "--user-data-dir="+home, server.URL)
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nogroup}
	cmd.Env = append(os.Environ(), "HOME="+home)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := confined(t, cmd.Process.Pid, "--type=renderer")
	explained := reproved(t, fmt.Sprintf("pid:%d", pid))
	if !strings.Contains(explained, "depending on arguments") {
		t.Errorf("no condition was found in the renderer's filter:\n%s", explained)
	}
}

// busyboxRoot is a root file system with one program.
func busyboxRoot(t *testing.T) string {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatalf("this test needs Debian's package busybox-static: %v", err)
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, dir := range []string{"bin", "dev", "etc", "proc", "sys", "tmp", "usr", "run"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "bin/sleep"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "etc/os-release"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestSystemdNspawn reads a stack of filters, one for each ABI and purpose. With
// --suppress-sync there are eight of them in Debian's systemd 252.
func TestSystemdNspawn(t *testing.T) {
	for name, option := range map[string][]string{"default": nil, "suppress-sync": {"--suppress-sync=yes"}} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"-q", "-D", busyboxRoot(t), "--register=no", "--keep-unit"}, option...)
			cmd := command(t, "systemd-container", "systemd-nspawn", append(args, "/bin/sleep", "60")...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			pid := executed(t, cmd.Process.Pid, "/bin/sleep 60")
			explained := reproved(t, fmt.Sprintf("pid:%d", pid))
			count := filterCount(t, pid)
			if count < 2 || !strings.Contains(explained, fmt.Sprintf("%d filters together", count)) {
				t.Errorf("the kernel says that there are %d filters, explained was:\n%s", count, explained)
			}
			t.Logf("%d filters", count)
		})
	}
}

// TestPodmanRunc reads the default filter of podman, as runc installs it.
func TestPodmanRunc(t *testing.T) {
	dir := t.TempDir()
	if _, err := exec.LookPath("runc"); err != nil {
		t.Fatalf("this test needs Debian's package runc: %v", err)
	}
	name := fmt.Sprintf("seccomp-policy-%d", os.Getpid())
	podman := []string{"--runtime", "runc", "--root", dir + "/store", "--runroot", dir + "/run", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"}
	cmd := command(t, "podman", "podman", append(podman, "run", "--rm", "--name", name, "--network", "none",
		"--ulimit", "nofile=1024:1024", "--ulimit", "nproc=500:500", "--rootfs", busyboxRoot(t), "/bin/sleep", "60")...)
	t.Cleanup(func() {
		_ = exec.Command("podman", append(podman, "rm", "--force", "--time", "0", name)...).Run()
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// conmon puts the container into a session apart from podman's descendants.
	reproved(t, fmt.Sprintf("pid:%d", executed(t, 1, "/bin/sleep 60")))
}

func TestFirejail(t *testing.T) {
	command(t, "firejail", "firejail") // is it there?
	explained := reproved(t, "--settle", "500ms", "--", "firejail", "--noprofile", "--seccomp", "--quiet", "true")
	if !strings.Contains(explained, "filters together") {
		t.Errorf("firejail has several filters, explained was:\n%s", explained)
	}
}

// TestBubblewrap hands bubblewrap a filter, since it has none of its own, and
// finds the same one installed.
func TestBubblewrap(t *testing.T) {
	policy := policyFile(t, "default_action: allow\nabis: [native, compat]\nsyscalls:\n- {action: errno(EXDEV), names: [acct, \"@swap\"]}\n")
	raw := filepath.Join(t.TempDir(), "filter.bpf")
	var stderr bytes.Buffer
	if status := run([]string{"compile", policy, "-o", raw}, nil, nil, &stderr); status != 0 {
		t.Fatalf("compile: %s", &stderr)
	}
	file, err := os.Open(raw)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := command(t, "bubblewrap", "bwrap", "--ro-bind", "/", "/", "--seccomp", "3", "sleep", "60")
	cmd.ExtraFiles = []*os.File{file}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := fmt.Sprintf("pid:%d", executed(t, cmd.Process.Pid, "sleep 60"))
	reproved(t, pid)
	var out bytes.Buffer
	if status := run([]string{"diff", policy, pid}, nil, &out, &stderr); status != 0 {
		t.Errorf("what bubblewrap installed is not what it was given: %s%s", &out, &stderr)
	}
}
