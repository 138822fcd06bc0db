package main

import (
	"path/filepath"
	"testing"

	"github.com/elastic/go-seccomp-bpf/internal/jsonschema"
)

// TestSchemas holds what is printed as JSON against docs/schema.
func TestSchemas(t *testing.T) {
	old := filepath.Join(t.TempDir(), "old.yaml")
	known, other := writeProgram(t, prctl...), writeProgram(t, unknown...)
	mustRun(t, "--args", "--out", old, writeProgram(t, getpid...))
	for _, test := range []struct {
		schema string
		code   int
		args   []string
	}{
		{"scan-1", 0, []string{known}},
		{"scan-1", 0, []string{"--why", "prctl", known}},
		{"scan-1", exitUnresolved, []string{"--with-exec", known, other}},
		{"scan-diff-1", exitChanged, []string{"--args", "--diff", old, known}},
	} {
		out, errw, code := runScan(t, append(test.args, "-o", "json")...)
		if code != test.code {
			t.Errorf("%v: exit code %d\n%s", test.args, code, errw)
			continue
		}
		if err := jsonschema.Check("../../docs/schema/"+test.schema+".json", []byte(out)); err != nil {
			t.Errorf("%v: %v", test.args, err)
		}
	}
}
