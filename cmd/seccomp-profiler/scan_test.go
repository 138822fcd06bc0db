package main

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/internal/tinyelf"
)

// writeProgram writes an x86_64 program of a few instructions.
func writeProgram(t *testing.T, code ...byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	b := tinyelf.Make(elf.EM_X86_64, elf.ELFCLASS64, binary.LittleEndian, code)
	if err := os.WriteFile(name, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

var (
	getpid  = []byte{0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b}                    // mov eax,39; syscall; ud2
	getppid = []byte{0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b}                   // mov eax,110; syscall; ud2
	unknown = []byte{0x0f, 0xc8, 0x0f, 0x05, 0x0f, 0x0b}                           // bswap eax; syscall; ud2
	prctl   = []byte{0xb8, 157, 0, 0, 0, 0xbf, 4, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b} // mov eax,157; mov edi,4; syscall; ud2
)

func runScan(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errw bytes.Buffer
	code = run(t.Context(), append([]string{"scan"}, args...), &out, &errw)
	return out.String(), errw.String(), code
}

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	out, errw, code := runScan(t, args...)
	if code != 0 {
		t.Fatalf("%v: exit code %d\n%s", args, code, errw)
	}
	return out
}

func TestPolicy(t *testing.T) {
	prog := writeProgram(t, getpid...)
	out := mustRun(t, prog)
	for _, want := range []string{"# ABI: x86_64\n", "seccomp:\n", "default_action: kill_process\n", "- getpid\n", "- exit_group\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out != mustRun(t, prog) {
		t.Error("two runs differ")
	}
	if out := mustRun(t, "--allow", "mount", "-b", "getpid", prog); !strings.Contains(out, "- mount\n") || strings.Contains(out, "getpid") {
		t.Errorf("--allow and -b:\n%s", out)
	}
	if out := mustRun(t, "--for", "oci", prog); !strings.Contains(out, "- execve\n") || !strings.Contains(out, "- capset\n") {
		t.Errorf("--for oci:\n%s", out)
	}
	if out := mustRun(t, "--with-exec", writeProgram(t, getppid...), prog); !strings.Contains(out, "- getppid\n") {
		t.Errorf("--with-exec:\n%s", out)
	}
}

func TestArgs(t *testing.T) {
	out := mustRun(t, "--args", writeProgram(t, prctl...))
	if !strings.Contains(out, "name: prctl") || !strings.Contains(out, "value: PR_SET_DUMPABLE") {
		t.Errorf("no condition:\n%s", out)
	}
}

func TestCode(t *testing.T) {
	dir := t.TempDir()
	prog := writeProgram(t, getpid...)
	mustRun(t, "--format", "code", "--pkg", "policy", "--out", filepath.Join(dir, "p_{{.GOOS}}_{{.GOARCH}}.go"), prog)
	b, err := os.ReadFile(filepath.Join(dir, "p_linux_amd64.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"package policy\n", `"getpid",`, "//go:build linux && amd64"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in\n%s", want, b)
		}
	}
	tmpl := filepath.Join(dir, "t")
	if err := os.WriteFile(tmpl, []byte("{{.Package}} {{.GOARCH}}{{range .SyscallNames}} {{.}}{{end}}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, "-t", tmpl, prog); !strings.HasPrefix(out, "main amd64 exit exit_group getpid") {
		t.Error(out)
	}
}

func TestUnresolved(t *testing.T) {
	prog := writeProgram(t, unknown...)
	out, errw, code := runScan(t, prog)
	if code != exitUnresolved || out != "" || !strings.Contains(errw, "unresolved: ") {
		t.Fatalf("%d\n%s%s", code, out, errw)
	}
	if out := mustRun(t, "--unresolved", "ignore", prog); strings.Contains(out, "mount") {
		t.Errorf("ignore:\n%s", out)
	}
	if out := mustRun(t, "--unresolved", "allow-all", prog); !strings.Contains(out, "- mount\n") {
		t.Errorf("allow-all:\n%s", out)
	}
	file := filepath.Join(t.TempDir(), "decisions.yaml")
	function, _, _ := strings.Cut(strings.TrimPrefix(errw, "unresolved: "), "+")
	text := "decisions:\n- function: " + function + "\n  offset: 0x2\n  allow: [getuid]\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, "--decisions", file, prog); !strings.Contains(out, "- getuid\n") {
		t.Errorf("decision:\n%s", out)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(text, "getuid", "getiud", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, errw, code := runScan(t, "--decisions", file, prog); code != exitError || !strings.Contains(errw, file+`:2: unknown system call "getiud" (did you mean`) {
		t.Error(errw)
	}
}

func TestDiffAndWhy(t *testing.T) {
	old := filepath.Join(t.TempDir(), "old.yaml")
	mustRun(t, "--out", old, writeProgram(t, getpid...))
	out, _, code := runScan(t, "--diff", old, writeProgram(t, getppid...))
	if code != exitChanged || !strings.Contains(out, "+ getppid: sub_401000") || !strings.Contains(out, "- getpid:") {
		t.Error(out)
	}
	if out := mustRun(t, "--diff", old, writeProgram(t, getpid...)); out != "no change\n" {
		t.Error(out)
	}
	if out := mustRun(t, "--why", "getpid", writeProgram(t, getpid...)); !strings.Contains(out, "getpid: reachable") || !strings.Contains(out, "at 0x401005") {
		t.Error(out)
	}
	if _, errw, code := runScan(t, "--why", "getpdi", writeProgram(t, getpid...)); code != exitError || !strings.Contains(errw, "getpid") {
		t.Error(errw)
	}
}

func TestScript(t *testing.T) {
	root := t.TempDir()
	script := filepath.Join(t.TempDir(), "run.sh")
	if err := os.WriteFile(script, []byte("#!/bin/interp -x\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(writeProgram(t, getpid...), filepath.Join(root, "bin/interp")); err != nil {
		t.Fatal(err)
	}
	out, errw, code := runScan(t, "--sysroot", root, script)
	if code != 0 || !strings.Contains(out, "- getpid\n") || !strings.Contains(errw, "warning: a script") {
		t.Errorf("%d\n%s%s", code, out, errw)
	}
}

// A program below the root is the same one however its path is given, and what
// is no file is refused before it is opened.
func TestProgramInRoot(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"bin", "opt"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(writeProgram(t, getpid...), filepath.Join(root, "opt/real")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/opt/real", filepath.Join(root, "bin/program")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/bin/program", filepath.Join(root, "bin/program")} {
		if out := mustRun(t, "--sysroot", root, path); !strings.Contains(out, "- getpid\n") {
			t.Errorf("%s:\n%s", path, out)
		}
	}
	if _, errw, code := runScan(t, "/dev/zero"); code != exitError || !strings.Contains(errw, "not a regular file") {
		t.Errorf("exit code %d: %s", code, errw)
	}
}

// What was not read whole says so in the policy, and on standard error even
// when notes are not wanted.
func TestPartialIsMarked(t *testing.T) {
	prog := writeProgram(t, getpid...)
	b, err := os.ReadFile(prog)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint64(b[0x28:], 1<<40) // e_shoff, far beyond the file
	binary.LittleEndian.PutUint16(b[0x3a:], 64)    // e_shentsize
	binary.LittleEndian.PutUint16(b[0x3c:], 9)     // e_shnum
	if err := os.WriteFile(prog, b, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{prog}, {"-q", prog}} {
		out, errw, code := runScan(t, args...)
		if code != 0 || !strings.Contains(out, "# Partial: ") || !strings.Contains(errw, "warning: the result is partial") {
			t.Errorf("%q: exit code %d\n%s%s", args, code, errw, out)
		}
	}
}

// Lists with sites that nothing was decided about end as policies do.
func TestListOfUnresolved(t *testing.T) {
	prog := writeProgram(t, unknown...)
	for _, form := range []string{"--list", "-ojson"} {
		if out, errw, code := runScan(t, form, prog); code != exitUnresolved || out == "" || !strings.Contains(errw, "--decisions") {
			t.Errorf("%s: exit code %d\n%s%s", form, code, errw, out)
		}
		mustRun(t, form, "--unresolved", "ignore", prog)
	}
	mustRun(t, "--why", "getpid", prog)
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errw bytes.Buffer
	code := run(ctx, []string{"scan", writeProgram(t, getpid...)}, &out, &errw)
	if code != exitInterrupted || out.Len() > 0 || !strings.Contains(errw.String(), "interrupted") {
		t.Errorf("exit code %d\n%s%s", code, &errw, &out)
	}
}

// A program that the root does not have is another one, and one that cannot be
// read there is not replaced by this machine's.
func TestProgramOutsideRoot(t *testing.T) {
	root, prog := t.TempDir(), writeProgram(t, getpid...)
	if _, errw, code := runScan(t, "--sysroot", root, prog); code != 0 || !strings.Contains(errw, "read from this machine") {
		t.Errorf("exit code %d: %s", code, errw)
	}
	if err := os.MkdirAll(filepath.Join(root, prog), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, errw, code := runScan(t, "--sysroot", root, prog); code != exitError || !strings.Contains(errw, "not a regular file") {
		t.Errorf("exit code %d: %s", code, errw)
	}
}
