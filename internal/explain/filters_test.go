package explain

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// TestCompilers explains and decompiles what seven compilers make of three
// policies, where these filters are present.
func TestCompilers(t *testing.T) {
	paths, err := filepath.Glob("../../../shared/bench/filters/*.bpf")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Skip("the filters are not present")
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p, err := cbpf.Decode(data, binary.LittleEndian)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			f, err := New(decision.NewSpace(0), path, []cbpf.Program{p}, false, nil)
			if err != nil {
				t.Fatal(err)
			}
			r, err := f.Report(nil)
			if err != nil {
				t.Fatal(err)
			}
			report := Report{Filters: []FilterReport{*r}}
			if err := report.Text(io.Discard, Style{}); err != nil {
				t.Fatal(err)
			}
			if spent := time.Since(start); spent > 30*time.Second {
				t.Errorf("explaining took %v", spent)
			}
			d, err := f.Decompile(DecompileOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if d.Proved == f.Partial || d.Proved != (len(d.Problems) == 0) {
				t.Errorf("proved: %v, partial: %v, problems: %v", d.Proved, f.Partial, d.Problems)
			}
			for _, problem := range d.Problems {
				if !strings.Contains(problem, "instruction ") {
					t.Errorf("a problem that names no instruction: %s", problem)
				}
			}
		})
	}
}
