package explain

import (
	"regexp"
	"strings"
)

var (
	// straceHead is what strace -f, -t, -r and -o print before a call.
	straceHead = regexp.MustCompile(`^\s*(?:\[pid\s+\d+\]\s*|\d+\s+)?(?:[\d:.]+\s+)*`)
	straceForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\(`)
)

// StraceCall takes the call out of a line that strace printed: what is before
// it, its result and remarks are left out. Lines without a call, such as those
// about signals and the second halves of interrupted calls, give "".
func StraceCall(line string) string {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return ""
	}
	rest := line[len(straceHead.FindString(line)):]
	if !straceForm.MatchString(rest) {
		if callForm.MatchString(line) { // a call as people write it
			return line
		}
		return ""
	}
	if i := strings.Index(rest, " <unfinished ...>"); i >= 0 {
		return closeCall(rest[:i])
	}
	depth, quoted := 0, false
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			if depth--; depth == 0 {
				return rest[:i+1]
			}
		}
	}
	return closeCall(rest)
}

// closeCall ends a call that is cut off after some argument.
func closeCall(s string) string {
	return strings.TrimRight(s, ", ") + ")"
}
