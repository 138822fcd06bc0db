//go:build linux

package elfscan

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestTooMuch: a scan that may not look at everything says so, and lists what
// it has not looked at.
func TestTooMuch(t *testing.T) {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := sizeOf(f, 0)
	if err != nil {
		t.Fatal(err)
	}
	const note = "too much code"
	known := -1
	for _, work := range []int{1, 1000, 10_000, 0} {
		s := &scanner{ctx: t.Context(), work: work}
		res, err := s.run(f, size)
		s.closeAll()
		if err != nil {
			t.Fatal(err)
		}
		told := slices.ContainsFunc(res.Notes, func(n string) bool { return strings.Contains(n, note) })
		if limited := work > 0; told != limited || res.Partial != limited || (len(res.Unresolved) > 0) != limited {
			t.Errorf("work %d: partial %v, %d unresolved, notes %q", work, res.Partial, len(res.Unresolved), res.Notes)
		}
		if len(res.Calls) < known {
			t.Errorf("work %d: %d calls, with less work %d", work, len(res.Calls), known)
		}
		known = len(res.Calls)
	}
}
