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
	known := -1
	for _, work := range []int{1, 1000, 10_000, 0} {
		res, told := scanSelf(t, work)
		if limited := work > 0; told != limited || res.Partial != limited || (len(res.Unresolved) > 0) != limited {
			t.Errorf("work %d: partial %v, %d unresolved, notes %q", work, res.Partial, len(res.Unresolved), res.Notes)
		}
		if len(res.Calls) < known {
			t.Errorf("work %d: %d calls, with less work %d", work, len(res.Calls), known)
		}
		known = len(res.Calls)
	}
}

// TestAnyLimit: wherever a scan has to end, no call and no argument is left out
// without a word.
func TestAnyLimit(t *testing.T) {
	whole, _ := scanSelf(t, 0)
	find := func(res *Result, name string) *Call {
		i := slices.IndexFunc(res.Calls, func(c Call) bool { return c.Name == name && c.Grade != Gated })
		if i < 0 {
			return nil
		}
		return &res.Calls[i]
	}
	limits, told := 0, true
	for work := 1000; told; work += work / 16 {
		var res *Result
		if res, told = scanSelf(t, work); told != res.Partial {
			t.Fatalf("work %d: partial %v, notes %q", work, res.Partial, res.Notes)
		}
		if len(res.Unresolved) > 0 {
			continue // they may be any call, with any arguments
		}
		limits++
		for _, c := range whole.Calls {
			switch got := find(res, c.Name); {
			case c.Grade == Gated:
			case got == nil:
				t.Errorf("work %d: %s is missed", work, c.Name)
			case got.Args == nil || got.Args.Open != nil:
			case c.Args == nil || c.Args.Open != nil:
				t.Errorf("work %d: arguments of %s are known to be %v, with more work nothing is", work, c.Name, got.Args.Values)
			default:
				for _, v := range c.Args.Values {
					if !slices.ContainsFunc(got.Args.Values, func(g []uint64) bool { return slices.Equal(g, v) }) {
						t.Errorf("work %d: arguments %v of %s are missed", work, v, c.Name)
					}
				}
			}
		}
	}
	if limits < 3 {
		t.Errorf("%d limits left nothing unresolved, want some in the middle of arguments", limits)
	}
}

// scanSelf scans the test's own program with a limit on work, none for 0, and
// reports whether a note tells that it was reached.
func scanSelf(t *testing.T, work int) (res *Result, told bool) {
	t.Helper()
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := sizeOf(f, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &scanner{ctx: t.Context(), work: work}
	res, err = s.run(f, size)
	s.closeAll()
	if err != nil {
		t.Fatal(err)
	}
	return res, slices.ContainsFunc(res.Notes, func(n string) bool { return strings.Contains(n, tooMuch) })
}
