package testvm

import (
	"fmt"
	"io"
	"sort"
	"strings"
)

// WriteTable prints the matrix as a Markdown table, which also reads well as text.
func WriteTable(w io.Writer, outcomes []*Outcome) error {
	rows := [][]string{{"guest", "tests built for", "kernel", "result", "passed", "failed", "skipped", "time"}}
	for _, o := range outcomes {
		row := []string{o.Guest, o.Target, orDash(o.Release), o.result(), fmt.Sprint(o.Passed), fmt.Sprint(o.Failed), fmt.Sprint(o.skips()), fmt.Sprintf("%.0f s", o.Seconds)}
		rows = append(rows, row)
	}
	if err := writeRows(w, rows); err != nil {
		return err
	}
	return writeReasons(w, outcomes)
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func (o *Outcome) result() string {
	switch {
	case o.Empty():
		return "skipped"
	case o.OK():
		return "ok"
	}
	return "FAIL"
}

func (o *Outcome) skips() int {
	n := 0
	for _, k := range o.Skipped {
		n += k
	}
	return n
}

func writeRows(w io.Writer, rows [][]string) error {
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			width[i] = max(width[i], len([]rune(c)))
		}
	}
	for n, r := range rows {
		line := "|"
		for i, c := range r {
			line += " " + c + strings.Repeat(" ", width[i]-len([]rune(c))) + " |"
		}
		if n == 0 {
			line += "\n|"
			for _, k := range width {
				line += strings.Repeat("-", k+2) + "|"
			}
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// writeReasons lists what the table's numbers stand for: each failure, each
// guest that did not run, and each reason for a skipped test with where it applied.
func writeReasons(w io.Writer, outcomes []*Outcome) error {
	var lines []string
	reasons := map[string][]string{}
	for _, o := range outcomes {
		where := o.Guest + " " + o.Target
		if o.Reason != "" {
			reasons[o.Reason] = append(reasons[o.Reason], where+" (all)")
		}
		if o.Error != "" {
			lines = append(lines, "FAIL "+where+": "+o.Error)
		}
		for _, f := range o.Failures {
			lines = append(lines, "FAIL "+where+": "+f)
		}
		for r, n := range o.Skipped {
			reasons[r] = append(reasons[r], fmt.Sprintf("%s (%d)", where, n))
		}
	}
	var keys []string
	for r := range reasons {
		keys = append(keys, r)
	}
	sort.Strings(keys)
	for _, r := range keys {
		sort.Strings(reasons[r])
		lines = append(lines, "skipped: "+r+": "+strings.Join(reasons[r], ", "))
	}
	if len(lines) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(lines, "\n"))
	return err
}
