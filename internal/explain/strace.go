package explain

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
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

// straceConstant knows names that strace prints and no header's constant has.
func straceConstant(name string, abi *arch.Info) (uint64, bool) {
	const (
		futexPrivateFlag = 128 // linux/futex.h: FUTEX_WAIT_PRIVATE is FUTEX_WAIT | FUTEX_PRIVATE_FLAG
		firstRealTime    = 32  // of the kernel's signals; SIGRT_2 is what C libraries call SIGRTMIN
		lastRealTime     = 64
	)
	if name == "FUTEX_BITSET_MATCH_ANY" {
		return 0xffffffff, true
	}
	if op, private := strings.CutSuffix(name, "_PRIVATE"); private && strings.HasPrefix(op, "FUTEX_") {
		v, _, ok := abi.Constant(op)
		return v | futexPrivateFlag, ok
	}
	if name == "SIGRTMIN" {
		return firstRealTime, true
	}
	if digits, ok := strings.CutPrefix(name, "SIGRT_"); ok {
		n, err := strconv.ParseUint(digits, 10, 8)
		return firstRealTime + n, err == nil && firstRealTime+n <= lastRealTime
	}
	return 0, false
}
