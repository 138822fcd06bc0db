//go:build tools

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCurrent makes the tables again and compares them with the checked-in ones.
func TestCurrent(t *testing.T) {
	out := t.TempDir()
	if err := generate("data", out); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(out, "z*.go"))
	if err != nil || len(files) != 3 {
		t.Fatalf("generated %v, %v; want three files", files, err)
	}
	for _, path := range files {
		made, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile(filepath.Join("../..", filepath.Base(path)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made, have) {
			t.Errorf("arch/%s is not what its sources give: run go generate ./arch", filepath.Base(path))
		}
	}
}
