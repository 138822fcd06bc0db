package elfscan_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// program calls through every kind of wrapper: syscall's own functions, a
// number in a variable, one behind a condition, on all threads, and a child's
// attributes.
const program = `package main

import (
	"os"
	"syscall"
)

var number uintptr = syscall.SYS_SYSLOG

func raw(trap uintptr) { syscall.RawSyscall(trap, 0, 0, 0) }

func main() {
	syscall.Sethostname([]byte("x"))
	raw(number)
	n := uintptr(syscall.SYS_SYNC)
	if len(os.Args) > 1 {
		n = syscall.SYS_VHANGUP
	}
	syscall.Syscall6(n, 0, 0, 0, 0, 0, 0)
	syscall.Setgid(1)
	syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0)
	os.StartProcess("/bin/true", nil, &os.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: len(os.Args) > 2}})
}
`

var want = []string{"execve", "setsid", "sethostname", "sync", "syslog", "vhangup"}

func build(t *testing.T, goarch string, flags ...string) string {
	t.Helper()
	return buildSource(t, program, goarch, flags...)
}

func buildSource(t *testing.T, program, goarch string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "main.go")
	if err := os.WriteFile(src, []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "program")
	cmd := exec.Command("go", append(append([]string{"build", "-o", bin}, flags...), src)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=", "GO111MODULE=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building for %s: %v\n%s", goarch, err, out)
	}
	return bin
}

func scanFile(t *testing.T, path string, opt *elfscan.Options) *elfscan.Result {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	res, err := elfscan.Scan(context.Background(), f, opt)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func checkProgram(t *testing.T, res *elfscan.Result) {
	t.Helper()
	grades := map[string]elfscan.Grade{}
	for _, c := range res.Calls {
		grades[c.Name] = c.Grade
	}
	setgid := "setgid"
	if res.ABI == "i386" || res.ABI == "arm" {
		setgid = "setgid32"
	}
	for _, n := range append(slices.Clone(want), setgid, "prctl") {
		if g := grades[n]; g == 0 || g == elfscan.Gated {
			t.Errorf("%s: %v", n, g)
		}
	}
	for _, n := range []string{"chroot", "ptrace", "unshare"} {
		if setgid == "setgid32" || strings.HasPrefix(res.ABI, "ppc64") {
			break // not followed there: parameters on the stack, and on ppc64 reloads of them
		}
		if grades[n] != elfscan.Gated {
			t.Errorf("%s: %v, want gated", n, grades[n])
		}
	}
	for _, n := range []string{"futex", "mmap", "mmap2"} {
		if g := grades[n]; g != 0 && g != elfscan.Runtime {
			t.Errorf("%s: %v, want runtime", n, g)
		}
	}
	for _, n := range []string{"socket", "reboot", "bpf"} {
		if grades[n] != 0 {
			t.Errorf("%s: %v, want none", n, grades[n])
		}
	}
	for _, u := range res.Unresolved {
		t.Errorf("unresolved: %+v", u)
	}
	if res.Partial || !strings.HasPrefix(res.GoVersion, "go1.") {
		t.Errorf("partial %v, Go version %q", res.Partial, res.GoVersion)
	}
}

func callNames(res *elfscan.Result) string {
	var out []string
	for _, c := range res.Calls {
		out = append(out, c.Name+" "+c.Grade.String())
	}
	return strings.Join(out, "\n")
}

func TestGo(t *testing.T) {
	bin := build(t, "amd64")
	res := scanFile(t, bin, &elfscan.Options{Path: bin, Why: []string{"sync", "chroot"}})
	checkProgram(t, res)
	for _, c := range res.Calls {
		switch c.Name {
		case "sync":
			e := c.Evidence[0]
			if e.Function != "main.main" || !strings.HasSuffix(e.File, "main.go") || e.Line != 19 || len(e.Path) == 0 {
				t.Errorf("evidence of sync: %+v", e)
			}
		case "chroot":
			if c.Gate != "syscall.SysProcAttr.Chroot" {
				t.Errorf("gate of chroot: %q", c.Gate)
			}
		}
	}
	if !slices.Contains(res.Execs, "/bin/true") {
		t.Errorf("programs it runs: %v", res.Execs)
	}
	t.Run("stripped", func(t *testing.T) {
		stripped := scanFile(t, build(t, "amd64", "-ldflags=-s -w"), nil)
		if a, b := callNames(res), callNames(stripped); a != b {
			t.Errorf("differs:\n%s\n\n%s", a, b)
		}
	})
	t.Run("pie", func(t *testing.T) {
		pie := scanFile(t, build(t, "amd64", "-buildmode=pie", "-ldflags=-s -w"), &elfscan.Options{Sysroot: t.TempDir()})
		pie.Partial = false // its ld.so is not below the empty directory
		checkProgram(t, pie)
	})
}

func TestGoArguments(t *testing.T) {
	res := scanFile(t, build(t, "amd64"), nil)
	p, notes, err := res.Policy(&elfscan.PolicyOptions{Args: true})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, c := range p.Syscalls[0].NamesWithConditions {
		if c.Name == "prctl" {
			found = true
			if !slices.Contains(c.Conditions[0].Symbols, "PR_SET_DUMPABLE") {
				t.Errorf("prctl: %+v", c)
			}
		}
	}
	if !found {
		t.Errorf("prctl is not restricted: %v", notes)
	}
	for _, n := range p.Syscalls[0].Names {
		if n == "chroot" {
			t.Error("a gated call is in the policy")
		}
	}
}

// TestTruncated cuts a program at many places: there is always an error or a
// result, never a panic.
func TestTruncated(t *testing.T) {
	b, err := os.ReadFile(build(t, "amd64"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 12; i++ {
		n := len(b) * i / 12
		res, err := elfscan.Scan(context.Background(), strings.NewReader(string(b[:n])), nil)
		if err == nil && !res.Partial {
			t.Errorf("cut to %d of %d bytes: a whole result", n, len(b))
		}
	}
}

func TestCancelled(t *testing.T) {
	f, err := os.Open(build(t, "amd64"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := elfscan.Scan(ctx, f, nil); err != context.Canceled {
		t.Fatal(err)
	}
	// In the middle: while the code is read, and after it when what it calls is
	// worked out.
	for _, part := range []int64{2, 1} {
		ctx, cancel := context.WithCancel(context.Background())
		var calls, after int
		progress := func(done, total int64) {
			if calls++; ctx.Err() != nil {
				after++
			}
			if done >= total/part {
				cancel()
			}
		}
		if _, err := elfscan.Scan(ctx, f, &elfscan.Options{Progress: progress}); err != context.Canceled {
			t.Errorf("cancelled at 1/%d: %v", part, err)
		}
		if calls == 0 || after > 0 {
			t.Errorf("cancelled at 1/%d: %d calls of progress, %d after that", part, calls, after)
		}
		cancel()
	}
}

// TestProgress holds that progress is told in order and up to the end.
func TestProgress(t *testing.T) {
	var last, all int64
	scanFile(t, build(t, "amd64"), &elfscan.Options{Progress: func(done, total int64) {
		if done < last || done > total || all != 0 && total != all {
			t.Errorf("%d of %d after %d of %d", done, total, last, all)
		}
		last, all = done, total
	}})
	if last == 0 || last != all {
		t.Errorf("ends at %d of %d", last, all)
	}
}
