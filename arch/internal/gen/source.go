package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A param is one parameter of a kernel entry point, as its definition spells it.
type param struct{ typ, name string }

// A prototype is a parameter list. The text form joins "type name" with ", ".
type prototype []param

func (p prototype) String() string {
	if len(p) == 0 {
		return "void"
	}
	var parts []string
	for _, q := range p {
		parts = append(parts, q.typ+" "+q.name)
	}
	return strings.Join(parts, ", ")
}

func parsePrototype(s string) prototype {
	if s == "void" {
		return prototype{}
	}
	var p prototype
	for _, part := range strings.Split(s, ", ") {
		i := strings.LastIndexByte(part, ' ')
		p = append(p, param{part[:i], part[i+1:]})
	}
	return p
}

// A definition is one SYSCALL_DEFINE in a kernel source file.
type definition struct {
	arch  string   // directory under arch/, "" for the machine-independent kernel
	conds []string // the #if conditions around it, outermost first
	proto prototype
	file  string
}

// A kernelTree is what the generator reads from a kernel source directory.
type kernelTree struct {
	dir  string
	defs map[string][]definition // entry point, such as "sys_read", to its definitions
	kcfg map[string]string       // arch directory to its Kconfig text
}

var defineRE = regexp.MustCompile(`\b(COMPAT_|PPC32_)?SYSCALL(32)?_DEFINE([0-6])\(`)

func readKernelTree(dir string) (*kernelTree, error) {
	t := &kernelTree{dir: dir, defs: map[string][]definition{}, kcfg: map[string]string{}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		top, _, _ := strings.Cut(rel, "/")
		if d.IsDir() {
			if top == "drivers" && rel != "drivers" && !slices.Contains([]string{"drivers/char", "drivers/pci"}, rel) {
				return fs.SkipDir
			}
			if slices.Contains([]string{"tools", "samples", "Documentation", "scripts", "sound"}, rel) || rel == "arch/um" || rel == "arch/x86/um" {
				return fs.SkipDir
			}
			return nil
		}
		arch := ""
		if top == "arch" {
			arch = strings.Split(rel, "/")[1]
		}
		switch {
		case arch != "" && !slices.ContainsFunc(abis, func(a abi) bool { return a.archDir == arch }):
		case arch != "" && rel == "arch/"+arch+"/Kconfig":
			b, err := os.ReadFile(path)
			t.kcfg[arch] = string(b)
			return err
		case strings.HasSuffix(rel, ".c"):
			return t.readSource(path, rel, arch)
		}
		return nil
	})
	if err == nil && len(t.defs) < 400 {
		err = fmt.Errorf("reading kernel source %s: only %d system call definitions found", dir, len(t.defs))
	}
	return t, err
}

func (t *kernelTree) readSource(path, rel, arch string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	src := string(b)
	if slices.ContainsFunc(abis, func(a abi) bool { return a.plain && a.archDir == arch }) {
		t.readPlain(src, rel, arch)
	}
	locs := defineRE.FindAllStringSubmatchIndex(src, -1)
	if locs == nil {
		return nil
	}
	for _, m := range locs {
		lineStart := strings.LastIndexByte(src[:m[0]], '\n') + 1
		if strings.HasPrefix(src[lineStart:], "#") {
			continue // a macro that makes such definitions
		}
		prefix := ""
		if m[2] >= 0 {
			prefix = src[m[2]:m[3]]
		}
		end := matchParen(src, m[1]-1)
		fields := splitArgs(src[m[1]:end])
		n, _ := strconv.Atoi(src[m[6]:m[7]])
		if len(fields) != 1+2*n {
			return fmt.Errorf("%s: %s: %d fields for %d parameters", rel, fields[0], len(fields), n)
		}
		proto := prototype{}
		for i := 1; i < len(fields); i += 2 {
			proto = append(proto, param{cleanType(fields[i]), strings.TrimSpace(fields[i+1])})
		}
		def := definition{arch: arch, conds: conditionsAt(src[:m[0]]), proto: proto, file: rel}
		name := strings.TrimSpace(fields[0])
		if prefix != "" || m[4] >= 0 {
			t.defs["compat_sys_"+name] = append(t.defs["compat_sys_"+name], def)
		}
		if prefix != "COMPAT_" && m[4] < 0 {
			t.defs["sys_"+name] = append(t.defs["sys_"+name], def)
		}
	}
	return nil
}

var plainRE = regexp.MustCompile(`(?m)^asmlinkage\b[^;{(]*?(\w+)\s*\(([^)]*)\)\s*\{`)

// readPlain adds the entry points that are no SYSCALL_DEFINE.
func (t *kernelTree) readPlain(src, rel, arch string) {
	for _, m := range plainRE.FindAllStringSubmatchIndex(src, -1) {
		name, proto := src[m[2]:m[3]], prototype{}
		for _, f := range splitArgs(src[m[4]:m[5]]) {
			cut := strings.LastIndexAny(f, " *") + 1
			if f != "void" && cut > 0 {
				proto = append(proto, param{cleanType(f[:cut]), f[cut:]})
			}
		}
		t.defs[name] = append(t.defs[name], definition{arch: arch, conds: conditionsAt(src[:m[0]]), proto: proto, file: rel})
	}
}

func matchParen(s string, open int) int {
	depth := 0
	for i := open; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(s)
}

// firstWord and secondWord mark the halves of a 64-bit value whose order is
// that of the ABI's bytes (include/linux/compat.h: compat_arg_u64_dual).
const firstWord, secondWord = "_first", "_second"

var commentRE = regexp.MustCompile(`(?s)/\*.*?\*/`)

// splitArgs splits macro arguments, which may hold the macro
// that stands for the two halves of a 64-bit value.
func splitArgs(s string) []string {
	s = commentRE.ReplaceAllString(s, "")
	s = regexp.MustCompile(`(?:compat_arg_u64_dual|arg_u32p|SC_ARG64)\((\w+)\)`).ReplaceAllString(s, "u32, ${1}"+firstWord+", u32, ${1}"+secondWord)
	var out []string
	for _, f := range strings.Split(s, ",") {
		out = append(out, strings.Join(strings.Fields(f), " "))
	}
	return out
}

func cleanType(s string) string {
	s = strings.ReplaceAll(s, "__user", " ")
	s = strings.ReplaceAll(s, "*", " * ")
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "* *", "**")
	s = strings.TrimSuffix(s, " const")
	if !strings.HasSuffix(s, "*") {
		s = strings.TrimPrefix(s, "const ")
	}
	return s
}

var condRE = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*(ifdef|ifndef|if|elif|else|endif)\b[ \t]*(.*)$`)

// conditionsAt returns the preprocessor conditions in force at the end of src.
func conditionsAt(src string) []string {
	type level struct {
		earlier []string
		now     string
	}
	var stack []level
	for _, m := range condRE.FindAllStringSubmatch(src, -1) {
		expr := strings.TrimSpace(commentRE.ReplaceAllString(m[2], ""))
		switch m[1] {
		case "ifdef":
			stack = append(stack, level{now: "defined(" + expr + ")"})
		case "ifndef":
			stack = append(stack, level{now: "!defined(" + expr + ")"})
		case "if":
			stack = append(stack, level{now: expr})
		case "elif", "else":
			l := &stack[len(stack)-1]
			l.earlier = append(l.earlier, l.now)
			l.now = expr
			if m[1] == "else" {
				l.now = "else"
			}
		case "endif":
			stack = stack[:len(stack)-1]
		}
	}
	var out []string
	for _, l := range stack {
		for _, e := range l.earlier {
			out = append(out, "!("+e+")")
		}
		if l.now != "else" {
			out = append(out, l.now)
		}
	}
	return out
}

// cloneOrder names the CONFIG_CLONE_BACKWARDS variant an architecture selects
// (arch/Kconfig); x86 selects it for 32-bit kernels and IA32 emulation only.
func (t *kernelTree) cloneOrder(arch string, abi abi) string {
	re := regexp.MustCompile(`(?m)^\tselect CLONE_BACKWARDS(\d?)`)
	m := re.FindStringSubmatch(t.kcfg[arch])
	if m == nil || arch == "x86" && abi.bits == 64 {
		return ""
	}
	return "CONFIG_CLONE_BACKWARDS" + m[1]
}

// selects reports whether the Kconfig of the ABI's architecture selects an option.
func (t *kernelTree) selects(a abi, option string) bool {
	return regexp.MustCompile(`(?m)^\s*select ` + option + `\b`).MatchString(t.kcfg[a.archDir])
}

// find returns the definition of an entry point for an ABI.
func (t *kernelTree) find(entry string, a abi) (prototype, bool) {
	var own, generic []definition
	for _, d := range t.defs[entry] {
		switch {
		case d.arch == a.archDir:
			own = append(own, d)
		case d.arch == "":
			generic = append(generic, d)
		}
	}
	defs := own
	if len(defs) == 0 {
		defs = generic
	}
	if len(defs) > 1 {
		defs = slices.DeleteFunc(defs, func(d definition) bool { return !t.holds(d, a) })
	}
	if len(defs) == 0 {
		return nil, false
	}
	if slices.ContainsFunc(defs, func(d definition) bool { return len(d.proto) != len(defs[0].proto) }) {
		fmt.Fprintf(os.Stderr, "%s on %s: several definitions hold, taking that of %s: extend holds\n", entry, a.name, defs[0].file)
	}
	first, second := "_lo", "_hi"
	if a.bigEndian {
		first, second = second, first
	}
	out := prototype{}
	for _, q := range defs[0].proto {
		q.name = strings.Replace(strings.Replace(q.name, firstWord, first, 1), secondWord, second, 1)
		out = append(out, q)
	}
	return out, true
}

// holds reports whether the conditions that tell variants of one entry point
// apart are those of the ABI. A condition it does not know is taken to hold.
func (t *kernelTree) holds(d definition, a abi) bool {
	order := t.cloneOrder(a.archDir, a)
	known := map[string]bool{
		"CONFIG_CLONE_BACKWARDS":     order == "CONFIG_CLONE_BACKWARDS",
		"CONFIG_CLONE_BACKWARDS2":    order == "CONFIG_CLONE_BACKWARDS2",
		"CONFIG_CLONE_BACKWARDS3":    order == "CONFIG_CLONE_BACKWARDS3",
		"CONFIG_64BIT":               a.bits == 64,
		"CONFIG_MMU":                 true,
		"CONFIG_OLD_SIGSUSPEND3":     t.selects(a, "OLD_SIGSUSPEND3"),
		"CONFIG_OLD_SIGSUSPEND":      t.selects(a, "OLD_SIGSUSPEND"),
		"BITS_PER_LONG == 32":        a.bits == 32,
		"BITS_PER_LONG == 64":        a.bits == 64,
		"__BITS_PER_LONG == 32":      a.bits == 32,
		"__ARCH_WANT_SYS_SIGPENDING": true,
	}
	for _, c := range d.conds {
		name, neg := c, false
		if s, ok := strings.CutPrefix(name, "!("); ok {
			name, neg = strings.TrimSuffix(s, ")"), true
		} else if s, ok := strings.CutPrefix(name, "!"); ok {
			name, neg = s, true
		}
		name = strings.TrimSuffix(strings.TrimPrefix(name, "defined("), ")")
		if v, ok := known[name]; ok && v == neg {
			return false
		}
	}
	return true
}
