package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/elastic/go-seccomp-bpf/internal/jsonschema"
)

// TestSchemas holds what commands print as JSON against docs/schema.
func TestSchemas(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a := file("a.yaml", `default_action: allow
abis: [x86_64, i386]
syscalls:
- {action: errno(EPERM), names: [clone, openat, 700-800]}
- action: kill_process
  names_with_args:
  - {name: socket, arguments: [{argument: 0, operation: Equal, value: AF_ALG, width: 64}]}
  - {name: prctl, arguments: [{argument: 0, operation: LessThan, value: 9}]}
  - {name: mprotect, arguments: [{argument: 2, operation: BitsSet, value: PROT_EXEC}]}
`)
	b := file("b.yaml", "default_action: allow\nabis: [x86_64]\nsyscalls: [{action: log, names: [openat]}]\n")
	for _, test := range []struct {
		schema string
		args   []string
		any    bool // it is about no machine
	}{
		{schema: "explain-1", args: []string{"explain", a, b}},
		{schema: "diff-1", args: []string{"diff", a, b}},
		{schema: "check-1", args: []string{"check", a}},
		{schema: "check-1", args: []string{"check", a, "--goal", "deny:openat", "--goal", "deny:socket"}},
		{schema: "simulate-1", args: []string{"simulate", a, "openat(AT_FDCWD)", "ptrace"}},
		{schema: "simulate-1", args: []string{"explain", a, "--why", "openat"}},
		{schema: "list-1", args: []string{"list", "openat", "@swap", "abis", "actions", "TIOCSTI"}, any: true},
	} {
		var out, stderr bytes.Buffer
		machine := []string{"--machine", "x86_64"}
		if test.any {
			machine = nil
		}
		if status := run(slices.Concat(test.args, []string{"-o", "json"}, machine), nil, &out, &stderr); status == exitError {
			t.Fatalf("%v: %s", test.args, &stderr)
		}
		if err := jsonschema.Check("../../docs/schema/"+test.schema+".json", out.Bytes()); err != nil {
			t.Errorf("%v: %v", test.args, err)
		}
	}
}
