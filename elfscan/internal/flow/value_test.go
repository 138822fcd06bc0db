package flow

import (
	"math/rand"
	"slices"
	"testing"
)

func TestQueue(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	q := queue{lowest: true}
	var want []uint64
	for range 20000 {
		if r.Intn(3) > 0 || len(want) == 0 {
			pc := uint64(r.Intn(1000))
			q.push(pc)
			i, _ := slices.BinarySearch(want, pc)
			want = slices.Insert(want, i, pc)
			continue
		}
		if got := q.pop(); got != want[0] {
			t.Fatalf("popped %d, want %d", got, want[0])
		}
		want = want[1:]
	}
	if len(q.pcs) != len(want) {
		t.Fatalf("%d left, want %d", len(q.pcs), len(want))
	}
}

// TestIntern checks that values are the same if and only if their atoms are,
// whatever else was interned or joined in between.
func TestIntern(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	v := NewValues()
	byText := map[string]ID{}
	byID := map[ID]string{}
	name := func(set []int64) string {
		s := ""
		for _, c := range set {
			s += string(rune(c)) + ","
		}
		return s
	}
	for range 100000 {
		var set []int64
		id := None
		for range 1 + r.Intn(3) {
			c := int64(r.Intn(80))
			set = append(set, c)
			id = v.Join(id, v.Const(c))
		}
		slices.Sort(set)
		set = slices.Compact(set)
		if got, _ := v.Consts(id); !slices.Equal(got, set) {
			t.Fatalf("joined %v to %v", set, got)
		}
		s := name(set)
		if old, ok := byText[s]; ok && old != id {
			t.Fatalf("%v is %d and %d", set, old, id)
		}
		if old, ok := byID[id]; ok && old != s {
			t.Fatalf("%d is %q and %q", id, old, s)
		}
		byText[s], byID[id] = id, s
	}
	if len(byID) < 20000 {
		t.Errorf("%d values: the table was not filled", len(byID))
	}
}
