package main

import (
	"bytes"
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// asmHeaders are the headers of include/uapi/asm that hold values of system
// call arguments and errors.
var asmHeaders = []string{"errno.h", "fcntl.h", "mman.h", "socket.h", "signal.h", "ioctls.h", "resource.h", "poll.h"}

// A headerReader reads the constants of one architecture from the kernel's
// headers. What it is not certain of it leaves out: values under a condition it
// cannot decide, expressions other than of literals, names with two values.
type headerReader struct {
	root, arch string
	own        map[string]bool   // names the architecture's headers define
	text       map[string]string // name to its expression
	doubtful   map[string]bool
}

// readHeaders returns the constants and errors of an architecture by name.
func readHeaders(root, arch string) (map[string]uint64, error) {
	h := &headerReader{root: root, arch: arch, own: map[string]bool{}, text: map[string]string{}, doubtful: map[string]bool{}}
	for _, dir := range []string{"include/asm", "include/uapi/asm"} {
		files, err := filepath.Glob(filepath.Join(root, "arch", arch, dir, "*.h"))
		if err != nil {
			return nil, err
		}
		for _, path := range files {
			b, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			for _, m := range defineNameRE.FindAllStringSubmatch(string(b), -1) {
				h.own[m[1]] = true
			}
		}
	}
	errnos := map[string]string{}
	for _, name := range asmHeaders {
		if err := h.asm(name); err != nil {
			return nil, err
		}
		if name == "errno.h" {
			errnos = maps.Clone(h.text)
		}
	}
	// Optional: the values it overrides (SOCK_NONBLOCK on some architectures).
	if b, err := os.ReadFile(filepath.Join(root, "arch", arch, "include/asm/socket.h")); err == nil {
		h.read(string(b))
	}
	linux, err := filepath.Glob(filepath.Join(root, "include/uapi/linux/*.h"))
	if err != nil {
		return nil, err
	}
	for _, path := range append(linux, filepath.Join(root, "include/linux/socket.h"), filepath.Join(root, "include/linux/net.h")) {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		h.read(string(b))
	}
	out := map[string]uint64{}
	for name := range h.text {
		_, argument := kindOf(name)
		if _, errno := errnos[name]; !argument && !errno || slices.Contains(disputed, name) {
			continue
		}
		if v, ok := h.value(name, 0); ok {
			out[name] = v
		}
	}
	if len(out) < 700 {
		return nil, fmt.Errorf("reading the headers of %s in %s: only %d constants", arch, root, len(out))
	}
	return out, nil
}

// disputed are names to which C libraries give other values than the kernel's
// headers, a mask that grows with the kernel, and an error newer than x/sys.
var disputed = []string{"F_GETLK", "F_SETLK", "F_SETLKW", "MAP_RENAME", "BPF_F_REDIRECT_FLAGS", "EFTYPE"}

var (
	defineNameRE = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+(\w+)`)
	defineLineRE = regexp.MustCompile(`^[ \t]*#[ \t]*define[ \t]+([A-Z_]\w*)[ \t]+(.*)$`)
	includeRE    = regexp.MustCompile(`(?m)^#[ \t]*include <asm-generic/([\w-]+\.h)>`)
	enumRE       = regexp.MustCompile(`\benum\s*\w*\s*\{([^}]*)\}`)
	guardRE      = regexp.MustCompile(`_H_*$`)
	identRE      = regexp.MustCompile(`\b[A-Za-z_]\w*\b`)
	suffixRE     = regexp.MustCompile(`\b(0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]+\b`)
)

// asm reads a header of the architecture, and the machine-independent one that
// it includes or that stands for it.
func (h *headerReader) asm(name string) error {
	b, err := os.ReadFile(filepath.Join(h.root, "arch", h.arch, "include/uapi/asm", name))
	if err != nil {
		return h.generic(name)
	}
	h.read(string(b))
	for _, m := range includeRE.FindAllStringSubmatch(string(b), -1) {
		if err := h.generic(m[1]); err != nil {
			return err
		}
	}
	return nil
}

func (h *headerReader) generic(name string) error {
	b, err := os.ReadFile(filepath.Join(h.root, "include/uapi/asm-generic", name))
	if err != nil {
		return err
	}
	h.read(string(b))
	for _, m := range includeRE.FindAllStringSubmatch(string(b), -1) {
		if err := h.generic(m[1]); err != nil {
			return err
		}
	}
	return nil
}

// read collects the definitions and enumerators of one header.
func (h *headerReader) read(src string) {
	src = strings.ReplaceAll(commentRE.ReplaceAllString(src, " "), "\\\n", " ")
	var directives strings.Builder
	for line := range strings.Lines(src) {
		line = strings.TrimSuffix(line, "\n")
		if condRE.MatchString(line) {
			directives.WriteString(line + "\n")
		}
		if m := defineLineRE.FindStringSubmatch(line); m != nil {
			h.add(m[1], strings.TrimSpace(m[2]), conditionsAt(directives.String()))
		}
	}
	for _, m := range enumRE.FindAllStringSubmatchIndex(src, -1) {
		h.enum(src[m[2]:m[3]], conditionsAt(src[:m[0]]))
	}
}

// enum adds the enumerators of one list. A line of the preprocessor in it
// leaves the rest unknown.
func (h *headerReader) enum(body string, conds []string) {
	last := "-1"
	for _, e := range strings.Split(body, ",") {
		name, expr, explicit := strings.Cut(e, "=")
		name = strings.TrimSpace(name)
		if strings.ContainsAny(name, "#( \n") {
			last = "unknown"
			continue
		}
		if !explicit {
			expr = "(" + last + ") + 1"
		}
		expr = strings.TrimSpace(expr)
		if name != "" {
			h.add(name, expr, conds)
		}
		if last = name; len(expr) < 200 {
			last = expr
		}
	}
}

func (h *headerReader) add(name, expr string, conds []string) {
	if expr == "" || expr == name {
		return
	}
	for _, c := range conds {
		other, negated := strings.CutPrefix(c, "!defined(")
		other = strings.TrimSuffix(other, ")")
		switch {
		case negated && guardRE.MatchString(other): // the header's own guard
		case negated && other == name && h.text[name] != "":
			return // the architecture's definition came first
		case negated && other != "__KERNEL__" && !h.own[other]:
		default:
			h.doubtful[name] = true
			return
		}
	}
	if old, ok := h.text[name]; ok && old != expr {
		a, okA := h.evaluate(old, 0)
		b, okB := h.evaluate(expr, 0)
		if !okA || !okB || a != b {
			h.doubtful[name] = true
		}
		return
	}
	h.text[name] = expr
}

func (h *headerReader) value(name string, depth int) (uint64, bool) {
	expr, ok := h.text[name]
	if !ok || h.doubtful[name] || depth > 8 {
		return 0, false
	}
	return h.evaluate(expr, depth)
}

// evaluate computes an expression of literals and known names. Go and C agree
// on the operators where the headers put parentheses.
func (h *headerReader) evaluate(expr string, depth int) (uint64, bool) {
	known := true
	expr = suffixRE.ReplaceAllString(expr, "$1")
	expr = identRE.ReplaceAllStringFunc(expr, func(name string) string {
		v, ok := h.value(name, depth+1)
		known = known && ok
		return strconv.FormatInt(int64(v), 10)
	})
	if !known || strings.ContainsAny(expr, "\"'?") {
		return 0, false
	}
	tv, err := types.Eval(token.NewFileSet(), nil, token.NoPos, strings.ReplaceAll(expr, "~", "^"))
	if err != nil || tv.Value == nil || tv.Value.Kind() != constant.Int {
		return 0, false
	}
	if v, exact := constant.Int64Val(tv.Value); exact {
		return uint64(v), true
	}
	return constant.Uint64Val(tv.Value)
}

// A headerFacts is what data/headers.txt holds: the constants and errors of
// the architectures that x/sys has not.
type headerFacts struct {
	source string
	of     map[string]map[string]uint64 // by directory under arch/
}

const headersHelp = `# Constants and errors of architectures that golang.org/x/sys has not: "NAME VALUE".
# Refreshed by "go run ./arch/internal/gen -fetch".
`

// readAllHeaders reads the headers of every architecture without an x/sys port,
// and checks the reader on those that have one.
func readAllHeaders(root string, x *xsys, source string) (*headerFacts, error) {
	f := &headerFacts{source: source, of: map[string]map[string]uint64{}}
	names, err := x.constantNames()
	if err != nil {
		return nil, err
	}
	for _, a := range abis {
		if a.goarch == "" && !a.headers {
			continue
		}
		consts, err := readHeaders(root, a.archDir)
		if err != nil {
			return nil, err
		}
		if a.headers {
			// What no other ABI is known to have would only be known here.
			maps.DeleteFunc(consts, func(name string, _ uint64) bool {
				_, argument := kindOf(name)
				return argument && !names[name]
			})
			f.of[a.archDir] = consts
			continue
		}
		theirs, errnos, err := constantsOf(x, nil, a)
		if err != nil {
			return nil, err
		}
		maps.Copy(theirs, errnos)
		agree := 0
		for _, name := range slices.Sorted(maps.Keys(consts)) {
			v, ok := theirs[name]
			if ok && v != consts[name] {
				return nil, fmt.Errorf("%s: %s is %#x in the kernel's headers and %#x in x/sys %s", a.name, name, consts[name], v, x.version)
			}
			if ok {
				agree++
			}
		}
		if agree < 700 {
			return nil, fmt.Errorf("%s: only %d constants of the kernel's headers are in x/sys %s", a.name, agree, x.version)
		}
	}
	return f, nil
}

func (f *headerFacts) encode() []byte {
	var b bytes.Buffer
	b.WriteString(headersHelp)
	fmt.Fprintf(&b, "# source: %s\n", f.source)
	for _, arch := range slices.Sorted(maps.Keys(f.of)) {
		fmt.Fprintf(&b, "\narch %s\n", arch)
		for _, name := range slices.Sorted(maps.Keys(f.of[arch])) {
			fmt.Fprintf(&b, "%s %#x\n", name, f.of[arch][name])
		}
	}
	return b.Bytes()
}

func readHeaderFacts(path string) (*headerFacts, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &headerFacts{of: map[string]map[string]uint64{}}
	section, n := "", 0
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimSuffix(line, "\n")
		name, text, ok := strings.Cut(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case name == "arch":
			section = text
			f.of[section] = map[string]uint64{}
			continue
		}
		v, err := strconv.ParseUint(text, 0, 64)
		if !ok || err != nil || section == "" {
			return nil, fmt.Errorf("%s:%d: want NAME VALUE, have %q", path, n, line)
		}
		f.of[section][name] = v
	}
	return f, nil
}
