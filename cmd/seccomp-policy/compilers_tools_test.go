//go:build tools && linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompilersFilters reads what seven compilers make of three policies, where
// these filters are at hand. One has more conditions than can be listed: of it, the
// calls and the instructions that cannot be expressed are named, and the closest
// policy that is never looser is written.
func TestCompilersFilters(t *testing.T) {
	paths, err := filepath.Glob("../../../shared/bench/filters/*.bpf")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Skip("the filters lie beside the repository, and not here")
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".bpf")
		t.Run(name, func(t *testing.T) {
			if name == "p3.elastic" {
				closest(t, path)
				return
			}
			reproved(t, "--machine", "x86_64", path)
		})
	}
}

// closest decompiles a filter that no policy expresses.
func closest(t *testing.T, path string) {
	t.Helper()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	var stderr bytes.Buffer
	if status := run([]string{"decompile", "--machine", "x86_64", path, "-o", policy}, nil, nil, &stderr); status != exitFound {
		t.Fatalf("status %d, want %d: %s", status, exitFound, &stderr)
	}
	for line := range strings.Lines(stderr.String()) {
		if !strings.Contains(line, "not expressed: x86_64 ") || !strings.Contains(line, "; instruction ") || !strings.Contains(line, "the policy has errno(EPERM)") {
			t.Errorf("it does not say what, where and what instead: %s", line)
		}
	}
	text, err := os.ReadFile(policy)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("proved identical")) || !bytes.Contains(text, []byte("name: openat")) {
		t.Error("the policy says that it is identical, or nothing of openat")
	}
	var out bytes.Buffer
	if status := run([]string{"explain", "--machine", "x86_64", policy}, nil, &out, &stderr); status != 0 {
		t.Errorf("the policy cannot be read: %s", &stderr)
	}
}
