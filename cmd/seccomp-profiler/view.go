package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/term"
)

// view says what to show instead of a policy, and how.
type view struct {
	why   nameList
	list  bool
	diff  string
	form  string
	color string
}

func (v *view) check() error {
	if v.form != "text" && v.form != "json" {
		return fmt.Errorf("--output %s: want text or json (the format of the policy is --format)", v.form)
	}
	if !slices.Contains([]string{"auto", "always", "never"}, v.color) {
		return fmt.Errorf("--color %s: want auto, always or never", v.color)
	}
	asked := 0
	for _, is := range []bool{len(v.why) > 0, v.list, v.diff != ""} {
		if is {
			asked++
		}
	}
	if asked > 1 {
		return fmt.Errorf("--why, --list and --diff: choose one")
	}
	return nil
}

// lists reports whether calls are shown instead of a policy.
func (v *view) lists() bool { return v.list || len(v.why) > 0 || v.form == "json" && v.diff == "" }

// painter colours text, or leaves it.
type painter bool

func (v *view) painter(w io.Writer) painter {
	switch v.color {
	case "always":
		return true
	case "never":
		return false
	}
	f, ok := w.(*os.File)
	return painter(ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
}

// The colours are those of the terminal's own palette.
const (
	red, green, yellow, cyan, bold = "31", "32", "33", "36", "1"
)

func (p painter) in(color, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}
