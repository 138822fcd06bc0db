package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/internal/testpty"
)

// inTerminal runs seccomp-policy in a terminal whose user types something once
// a text has appeared, and returns all that appeared.
func inTerminal(t *testing.T, env []string, await, keys string, args ...string) string {
	t.Helper()
	inside, user := testpty.Open(t, 24, 80)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Args[0] = "seccomp-policy"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = inside, inside, inside
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TERM=xterm", "LC_ALL=C.UTF-8"}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	inside.Close()
	timer := time.AfterFunc(30*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer timer.Stop()
	var screen bytes.Buffer
	piece := make([]byte, 4096)
	for {
		n, err := user.Read(piece)
		screen.Write(piece[:n])
		if keys != "" && bytes.Contains(screen.Bytes(), []byte(await)) {
			if _, err := io.WriteString(user, keys); err != nil {
				t.Error(err)
			}
			keys = ""
		}
		if errors.Is(err, unix.EIO) || errors.Is(err, io.EOF) { // nobody has the terminal any more
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %v", args, err)
	}
	return screen.String()
}

const longPolicy = `default_action: errno(EPERM)
abis: [x86_64]
syscalls:
- {action: allow, names: ["@system-service"]}
- {action: log, names: [acct]}
`

// pager writes a program that says what it was given, and how often.
func pager(t *testing.T) (path, log string) {
	t.Helper()
	dir := t.TempDir()
	path, log = filepath.Join(dir, "pager"), filepath.Join(dir, "log")
	script := "#!/bin/sh\necho \"run $*\" >>" + log + "\nwc -l >>" + log + "\necho paged\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path, log
}

// TestPager: text that is longer than the terminal goes through the pager.
func TestPager(t *testing.T) {
	policy := policyFile(t, longPolicy)
	short := policyFile(t, "default_action: errno(EPERM)\nabis: [x86_64]\nsyscalls: [{action: allow, names: [read]}]\n")
	tests := []struct {
		name  string
		args  []string
		pages bool
	}{
		{"long", []string{"explain", "--machine", "x86_64", policy}, true},
		{"short", []string{"explain", "--machine", "x86_64", "--abi", "x86_64", short}, false},
		{"refused", []string{"explain", "--machine", "x86_64", "--no-pager", policy}, false},
		{"disasm", []string{"disasm", "--machine", "x86_64", policy}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path, log := pager(t)
			screen := inTerminal(t, []string{"PAGER=" + path + " -option"}, "", "", tt.args...)
			text, err := os.ReadFile(log)
			if !tt.pages {
				if err == nil || !strings.Contains(screen, "x86_64") && !strings.Contains(screen, "allow") {
					t.Errorf("the pager ran: %s; the screen says\n%s", text, screen)
				}
				return
			}
			if err != nil || !strings.HasPrefix(string(text), "run -option\n") || !strings.Contains(screen, "paged") {
				t.Errorf("no pager ran (%v): %s; the screen says\n%s", err, text, screen)
			}
			if strings.Contains(string(text), "\n0\n") {
				t.Error("the pager was given nothing")
			}
		})
	}
}

// TestPagerIsMissing: what cannot be paged is printed.
func TestPagerIsMissing(t *testing.T) {
	screen := inTerminal(t, []string{"PAGER=/no/such/pager"}, "", "", "explain", "--machine", "x86_64", policyFile(t, longPolicy))
	if !strings.Contains(screen, "any other ABI") {
		t.Errorf("the screen says\n%s", screen)
	}
}

// TestColour is on where there is a terminal that can show it, and its user has
// not said otherwise (no-color.org).
func TestColour(t *testing.T) {
	const escape = "\x1b["
	explain := []string{"explain", "--no-pager", "--machine", "x86_64", policyFile(t, longPolicy)}
	for _, tt := range []struct {
		name  string
		env   []string
		args  []string
		color bool
	}{
		{name: "terminal", color: true},
		{name: "NO_COLOR", env: []string{"NO_COLOR=1"}},
		{name: "empty NO_COLOR", env: []string{"NO_COLOR="}, color: true},
		{name: "dumb", env: []string{"TERM=dumb"}},
		{name: "never", args: []string{"--color", "never"}},
		{name: "always", env: []string{"NO_COLOR=1"}, args: []string{"--color", "always"}, color: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			screen := inTerminal(t, tt.env, "", "", append(explain, tt.args...)...)
			if strings.Contains(screen, escape) != tt.color || !strings.Contains(screen, "any other ABI") {
				t.Errorf("colour %v, want %v:\n%q", !tt.color, tt.color, screen)
			}
			for line := range strings.Lines(screen) {
				if plain := strings.TrimRight(line, "\r\n"); !tt.color && len([]rune(plain)) > 80 {
					t.Errorf("a line of %d columns on a terminal of 80: %q", len([]rune(plain)), plain)
				}
			}
		})
	}
	var out bytes.Buffer
	if run(explain, nil, &out, io.Discard); strings.Contains(out.String(), escape) {
		t.Error("colour where there is no terminal")
	}
}
