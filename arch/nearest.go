package arch

import (
	"slices"
	"strings"
)

// Nearest returns up to n real system call names that resemble name, the
// closest first: what a misspelt name may have meant.
func Nearest(name string, n int) []string {
	all := make([]string, 0, len(callNameAt)-1)
	for i := range len(callNameAt) - 1 {
		all = append(all, callName(uint16(i)))
	}
	return nearest(strings.ToLower(name), all, n)
}

// NearestConstants returns up to n names of the ABI's constants that resemble a
// misspelt one: of those with its prefix, when there are any.
func (i *Info) NearestConstants(name string, n int) []string {
	upper := strings.ToUpper(name)
	if prefix, _, ok := strings.Cut(upper, "_"); ok {
		if near := nearest(upper, i.ConstantNames(prefix+"_"), n); len(near) > 0 {
			return near
		}
	}
	return nearest(upper, i.ConstantNames(""), n)
}

// nearest orders candidates by edit distance, where swapped neighbours count
// once; what is further than about a third of the letters is no resemblance,
// unless one contains the other.
func nearest(name string, candidates []string, n int) []string {
	if len(name) > 64 || n <= 0 {
		return nil
	}
	type scored struct {
		name     string
		distance int
	}
	var list []scored
	limit := max(2, (len(name)+2)/3)
	for _, c := range candidates {
		d := distance(name, c)
		if d > limit && (len(name) < 3 || !strings.Contains(c, name) && !strings.HasPrefix(name, c)) {
			continue
		}
		list = append(list, scored{c, d})
	}
	slices.SortStableFunc(list, func(a, b scored) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.name, b.name)
	})
	var out []string
	for _, s := range list[:min(n, len(list))] {
		out = append(out, s.name)
	}
	return out
}

// distance is the optimal string alignment distance of two short strings.
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, now := rows[(i+2)%3], rows[i%3], rows[(i+1)%3]
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
	}
	return rows[(len(a)+1)%3][len(b)]
}
