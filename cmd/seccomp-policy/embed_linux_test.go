package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const embedPolicy = `default_action: allow
syscalls:
- {action: errno(EXDEV), names: [getpriority]}
`

// embedMain loads the embedded filter and makes the call that it refuses.
const embedMain = `package main

import (
	"fmt"
	"os"
	"syscall"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

func main() {
	err := seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Precompiled: &testFilter})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_GETPRIORITY, 0, 0, 0)
	fmt.Println(errno == syscall.EXDEV)
}
`

// TestEmbeddedGo builds and runs a program that loads a filter from a Go file
// that compile wrote.
func TestEmbeddedGo(t *testing.T) {
	dir, err := os.MkdirTemp("testdata", "embed") // within the module, apart from ./...
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	policy := write("test.yaml", embedPolicy)
	write("main.go", embedMain)
	var stderr bytes.Buffer
	if status := run([]string{"compile", policy, "-o", filepath.Join(dir, "filter.go")}, nil, nil, &stderr); status != 0 {
		t.Fatalf("compile: status %d: %s", status, &stderr)
	}
	binary := filepath.Join(t.TempDir(), "embedded")
	if out, err := exec.Command("go", "build", "-o", binary, "./"+dir).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	out, err := exec.Command(binary).CombinedOutput()
	if err != nil || string(out) != "true\n" {
		t.Errorf("the program says %q (%v), want true", out, err)
	}
}
