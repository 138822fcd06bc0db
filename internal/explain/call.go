package explain

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// A Call is a system call as people write it: "openat(AT_FDCWD, _, O_RDONLY)".
type Call struct {
	Name  string
	Data  cbpf.Data
	Given [6]bool // which arguments were given; others, and "_", are 0
}

var callForm = regexp.MustCompile(`^\s*(@?[A-Za-z_][A-Za-z0-9_]*|-?[0-9][0-9a-fA-Fx]*)\s*(?:\((.*)\))?\s*$`)

// ParseCall reads a call of an ABI: a name or number, and perhaps arguments in
// parentheses. An argument is a number, constants joined by '|', or "_" for any;
// NAME=VALUE gives one by its name. Text in quotes, braces or brackets stands
// for a pointer to it.
func ParseCall(text string, abi *arch.Info) (*Call, error) {
	m := callForm.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("call %q: want NAME or NAME(ARGUMENT, …)", text)
	}
	call := &Call{Name: m[1], Data: cbpf.Data{Arch: uint32(abi.ID)}}
	nr, ok := abi.Number(m[1])
	if !ok {
		n, err := strconv.ParseInt(m[1], 0, 64)
		if err != nil || n < -1<<31 || n >= 1<<32 {
			return nil, unknownCall(m[1], abi)
		}
		nr = uint32(n)
		if name, ok := abi.SyscallName(nr); ok {
			call.Name = name
		}
	}
	call.Data.NR = nr
	args := splitArguments(m[2])
	if len(args) > 6 {
		return nil, fmt.Errorf("call %q: a system call has at most 6 arguments, not %d", text, len(args))
	}
	for i, arg := range args {
		at, value := call.argument(abi, i, arg)
		if at < 0 {
			return nil, fmt.Errorf("call %q: no argument is named %s (%s)", text, value, strings.Join(paramNames(abi, call.Name), ", "))
		}
		v, given, err := ParseArgument(value, abi, call.Name, at)
		if err != nil {
			return nil, fmt.Errorf("call %q: argument %s: %w", text, Symbols(abi).Param(call.Name, at), err)
		}
		call.Data.Args[at], call.Given[at] = v, given
	}
	return call, nil
}

func unknownCall(name string, abi *arch.Info) error {
	if arch.Known(name) {
		return fmt.Errorf("%s has no system call %q", abi.Name, name)
	}
	return fmt.Errorf("unknown system call %q%s", name, didYouMean(arch.Nearest(name, 3)))
}

// didYouMean offers the names that resemble a misspelt one.
func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return " (did you mean " + strings.Join(quoted, " or ") + "?)"
}

// CheckName tells whether a name is that of a call of some ABI, with the nearest
// ones when it is not.
func CheckName(name string, abi *arch.Info) error {
	if arch.Known(name) {
		return nil
	}
	return unknownCall(name, abi)
}

// UnknownName says that nothing is called so, with the nearest calls and
// constants.
func UnknownName(name string, abi *arch.Info) error {
	if name == strings.ToUpper(name) {
		return fmt.Errorf("unknown constant %q%s", name, didYouMean(abi.NearestConstants(name, 3)))
	}
	return unknownCall(name, abi)
}

// splitArguments splits at commas outside quotes and brackets.
func splitArguments(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	var out []string
	depth, start := 0, 0
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted:
			if c == '\\' {
				i++
			}
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == ',' && depth == 0:
			out = append(out, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	return append(out, strings.TrimSpace(s[start:]))
}

var namedArgument = regexp.MustCompile(`^([a-z_][a-z0-9_]*)=(.*)$`)

// argument finds which argument a text is for; -1 and the name when there is
// none of that name.
func (c *Call) argument(abi *arch.Info, i int, text string) (int, string) {
	m := namedArgument.FindStringSubmatch(text)
	if m == nil {
		return i, text
	}
	for at, name := range paramNames(abi, c.Name) {
		if at < 6 && (name == m[1] || strings.HasSuffix(name, "_"+m[1])) {
			return at, m[2]
		}
	}
	if c.Name == "clone" && m[1] == "child_stack" { // strace's name for newsp
		return 1, m[2]
	}
	return -1, m[1]
}

func paramNames(abi *arch.Info, call string) []string {
	params, _ := abi.Params(call)
	names := make([]string, len(params))
	for i, p := range params {
		names[i] = p.Name
	}
	return names
}

// ParseArgument reads the value of an argument of a call as the kernel finds it
// in the register. A negative int is 32 bits; a number is all 64 as written.
func ParseArgument(text string, abi *arch.Info, call string, arg int) (value uint64, given bool, err error) {
	text = strings.TrimSpace(text)
	if text == "_" || text == "..." || text == "" || strings.ContainsAny(text[:1], `"[{&~`) || strings.HasPrefix(text, "0x") && strings.Contains(text, " ") {
		return 0, false, nil
	}
	if text == "NULL" {
		return 0, true, nil
	}
	if i := strings.IndexByte(text, '<'); i > 0 && strings.HasSuffix(text, ">") && !strings.Contains(text, "<<") {
		text = text[:i] // strace -y: 3</etc/passwd>
	}
	if i := strings.Index(text, " /*"); i > 0 {
		text = text[:i]
	}
	narrow := param(abi, call, arg).Bits == 32 || abi.WordBits == 32
	for _, term := range strings.Split(text, "|") {
		term = strings.TrimSpace(term)
		v, err := parseTerm(term, abi)
		switch {
		case err != nil:
			return 0, false, err
		case narrow && term[0] >= '0' && term[0] <= '9':
			if v>>32 != 0 && abi.WordBits == 32 {
				return 0, false, fmt.Errorf("%s does not fit in a register of %s", term, abi.Name)
			}
		case narrow:
			v &= 0xffffffff // an int: compilers leave the upper half zero
		}
		value |= v
	}
	return value, true, nil
}

func parseTerm(term string, abi *arch.Info) (uint64, error) {
	if digits, negative := strings.CutPrefix(term, "-"); digits != "" && digits[0] >= '0' && digits[0] <= '9' {
		v, err := strconv.ParseUint(digits, 0, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a 64-bit number", term)
		}
		if negative {
			v = -v
		}
		return v, nil
	}
	if a, b, ok := strings.Cut(term, "<<"); ok { // strace: 1<<MPOL_BIND
		x, err := parseTerm(a, abi)
		if err != nil {
			return 0, err
		}
		y, err := parseTerm(b, abi)
		return x << (y & 63), err
	}
	v, _, ok := abi.Constant(term)
	if !ok {
		v, ok = straceConstant(term, abi)
	}
	if !ok {
		return 0, fmt.Errorf("unknown constant %q%s", term, didYouMean(abi.NearestConstants(term, 3)))
	}
	return v, nil
}

// CallText prints a call so that ParseCall reads it back.
func CallText(data *cbpf.Data, abi *arch.Info) string {
	if abi == nil {
		return fmt.Sprintf("%d(%#x, %#x, %#x, %#x, %#x, %#x)", data.NR, data.Args[0], data.Args[1], data.Args[2], data.Args[3], data.Args[4], data.Args[5])
	}
	name, ok := abi.SyscallName(data.NR)
	if !ok {
		name = numberText(data.NR)
	}
	last := -1
	for i, v := range data.Args {
		if v != 0 {
			last = i
		}
	}
	var args []string
	for i := range last + 1 {
		args = append(args, argumentText(abi, name, i, data.Args[i]))
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

// argumentText prints a value in a way that reads back as the same register.
func argumentText(abi *arch.Info, call string, arg int, v uint64) string {
	bits := 64
	if p := param(abi, call, arg); p.Bits == 32 {
		bits = 32
	}
	if v>>bits == 0 || bits == 64 {
		text := Symbols(abi).Value(call, arg, v, bits)
		if again, given, err := ParseArgument(text, abi, call, arg); err == nil && given && again == v {
			return text
		}
	}
	return fmt.Sprintf("%#x", v)
}

// CallArguments are the arguments of a call as they are written.
func CallArguments(text string) []string {
	m := callForm.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	return splitArguments(m[2])
}
