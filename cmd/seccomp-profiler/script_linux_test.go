package main

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/elastic/go-seccomp-bpf/internal/tinyelf"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"seccomp-profiler": main})
}

// TestScripts runs testdata/script. Beside testscript's own commands the scripts
// have
//
//	gobuild FILE.go OUT    builds a program of one file
//	foreign OUT            writes a program for another machine than this
//	gopackage DIR OUT      builds a program that uses this module
//	status N COMMAND...    the command exits with status N
//
// and the program sandbox, built from this module.
func TestScripts(t *testing.T) {
	programs := t.TempDir()
	goBuild(t, nil, "", filepath.Join(programs, "sandbox"), "../sandbox")
	goBuild(t, nil, "", filepath.Join(programs, "seccomp-policy"), "../seccomp-policy")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", e.Getenv("PATH")+string(os.PathListSeparator)+programs)
			e.Setenv("GOARCH", runtime.GOARCH)
			return nil
		},
		Condition: func(name string) (bool, error) {
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"gobuild":   func(ts *testscript.TestScript, _ bool, args []string) { buildFile(t, ts, args) },
			"gopackage": func(ts *testscript.TestScript, _ bool, args []string) { buildPackage(t, ts, args) },
			"foreign":   foreign,
			"status":    status,
		},
	})
}

// goBuild builds with the tester's caches, which scripts do not see.
func goBuild(t *testing.T, env []string, dir, out string, what ...string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"build", "-buildvcs=false", "-o", out}, what...)...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS="), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %v: %v\n%s", what, err, text)
	}
}

func buildFile(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: gobuild FILE.go OUT")
	}
	goBuild(t, []string{"GO111MODULE=off"}, ts.MkAbs("."), ts.MkAbs(args[1]), args[0])
}

// buildPackage builds a copy of a directory within this module.
func buildPackage(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: gopackage DIR OUT")
	}
	dir, err := os.MkdirTemp("testdata", "package")
	ts.Check(err)
	defer os.RemoveAll(dir)
	ts.Check(os.CopyFS(dir, os.DirFS(ts.MkAbs(args[0]))))
	goBuild(t, nil, "", ts.MkAbs(args[1]), "./"+dir)
}

func foreign(ts *testscript.TestScript, _ bool, args []string) {
	machine, code := elf.EM_RISCV, []byte{0x93, 0x08, 0xd0, 0x05, 0x73, 0, 0, 0} // li a7,93; ecall
	if runtime.GOARCH == "riscv64" {
		machine, code = elf.EM_X86_64, []byte{0xb8, 60, 0, 0, 0, 0x0f, 0x05} // mov eax,60; syscall
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), tinyelf.Make(machine, elf.ELFCLASS64, binary.LittleEndian, code), 0o755))
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND...")
	}
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = strings.TrimPrefix(exit.String(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("%s ended with %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}
