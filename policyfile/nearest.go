package policyfile

import (
	"fmt"
	"strings"
)

// suggest is " (did you mean …?)" with the known word that is closest to word,
// else the known words when they are few.
func suggest(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	if len(known) > 16 {
		return ""
	}
	return " (want one of " + strings.Join(known, ", ") + ")"
}

// nearest is the candidate with the smallest edit distance, empty when none is
// within a third of the letters.
func nearest(word string, candidates []string) string {
	const longest = 64
	if len(word) > longest {
		return ""
	}
	lower := strings.ToLower(word)
	best, bestDistance := "", max(2, (len(word)+2)/3)+1
	for _, c := range candidates {
		if len(c)-len(word) >= bestDistance || len(word)-len(c) >= bestDistance {
			continue
		}
		if d := distance(lower, strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance counts the letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
