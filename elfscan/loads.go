package elfscan

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
)

// loadFunctions load code that the scan does not see, unless it is named in
// Options.Dlopen.
var loadFunctions = map[string]string{
	"dlopen": "dlopen", "dlmopen": "dlopen", "plugin.Open": "plugin", "plugin.open": "plugin",
	"getpwnam": "NSS", "getpwuid": "NSS", "getpwnam_r": "NSS", "getpwuid_r": "NSS", "getgrnam": "NSS", "getgrgid": "NSS",
	"getgrnam_r": "NSS", "getgrgid_r": "NSS", "getgrouplist": "NSS", "initgroups": "NSS",
	"getaddrinfo": "NSS", "gethostbyname": "NSS", "gethostbyname_r": "NSS", "gethostbyaddr": "NSS", "getnameinfo": "NSS",
	"getservbyname": "NSS", "getservbyport": "NSS", "getprotobyname": "NSS", "iconv_open": "gconv",
}

// findLoads lists the reachable functions that load libraries, or look up names
// in them which are not constant.
func (s *scanner) findLoads() {
	for _, m := range s.p.mods {
		for addr, names := range m.exported {
			n := s.p.startAt(m, addr)
			if n == noNode || !s.reach.has(n) {
				continue
			}
			for _, name := range names {
				how := loadFunctions[name]
				if s.reach.anyName[n] {
					how = "any name"
				}
				if how != "" {
					s.res.Loads = append(s.res.Loads, Evidence{Module: m.shown, Function: name, Address: addr, Gate: how, Path: s.path(n)})
				}
			}
		}
	}
	isOpen := func(e Evidence) bool { return e.Gate == "dlopen" }
	if slices.ContainsFunc(s.res.Loads, isOpen) { // names are those of what it loads
		s.res.Loads = slices.DeleteFunc(s.res.Loads, func(e Evidence) bool { return e.Gate == "any name" })
	}
	slices.SortFunc(s.res.Loads, func(a, b Evidence) int {
		return cmp.Or(cmp.Compare(a.Module, b.Module), cmp.Compare(a.Function, b.Function), cmp.Compare(a.Address, b.Address))
	})
}

// unread is a function that loads libraries with calls of their own, none of
// which were named.
func (s *scanner) unread() *Evidence {
	for i := range s.res.Loads {
		if l := &s.res.Loads[i]; l.Gate != "gconv" && len(s.opt.Dlopen) == 0 {
			return l
		}
	}
	return nil
}

// execFunctions start programs: the parameter that names it, and in Go
// whether it is a pointer and a length.
var execFunctions = map[string]struct {
	param int
	str   bool
}{
	"execve": {0, false}, "execv": {0, false}, "execvp": {0, false}, "execl": {0, false}, "execlp": {0, false},
	"execle": {0, false}, "execvpe": {0, false}, "posix_spawn": {1, false}, "posix_spawnp": {1, false},
	"os/exec.Command": {0, true}, "os/exec.CommandContext": {2, true}, "os.StartProcess": {0, true},
	"syscall.Exec": {0, true}, "syscall.ForkExec": {0, true}, "syscall.StartProcess": {0, true},
	"system": {-1, false}, "popen": {-1, false},
}

// findExecs lists the programs that are named by constants.
func (s *scanner) findExecs() {
	if !s.calls("execve") && !s.calls("execveat") {
		return
	}
	found := map[string]bool{}
	for _, m := range s.p.mods {
		for name, n := range m.known() {
			how, ok := execFunctions[name]
			if !ok || !s.reach.has(n) {
				continue
			}
			if how.param < 0 {
				found["/bin/sh"] = true // system(3) and popen(3)
				continue
			}
			s.execsOf(m, n, how.param, how.str, found)
		}
	}
	for name := range found {
		s.res.Execs = append(s.res.Execs, name)
	}
	sort.Strings(s.res.Execs)
}

func (s *scanner) calls(name string) bool {
	for _, c := range s.res.Calls {
		if c.Name == name && c.Grade != Gated {
			return true
		}
	}
	return false
}

func (s *scanner) execsOf(m *module, n node, param int, str bool, found map[string]bool) {
	for _, c := range s.p.callersOf(n) {
		if !s.reach.has(c.from) {
			continue
		}
		res := s.p.analyze(c.from)
		for _, pt := range res.Points {
			if pt.Addr != c.at {
				continue
			}
			cm, _ := s.p.function(c.from)
			ptr, ok := s.wordAt(cm, pt, param, str)
			if !ok {
				continue
			}
			name := ""
			if n, ok := s.wordAt(cm, pt, param+1, str); str && ok && n < 4096 {
				b := make([]byte, n)
				if cm.f.Read(b, ptr) == nil {
					name = string(b)
				}
			} else if !str {
				name = cm.f.String(ptr)
			}
			if name != "" && name == image.Printable(name) && !strings.ContainsRune(name, unicode.ReplacementChar) {
				found[name] = true
			}
		}
	}
}

// wordAt is the constant that a call passes as its i-th word.
func (s *scanner) wordAt(m *module, pt flow.Point, i int, isGo bool) (uint64, bool) {
	a := cParam(m, i)
	if isGo {
		a = goParam(m, i)
	}
	v := s.p.substituteAtom(m, a, pt)
	c, ok := s.p.values.Consts(v)
	if !ok || len(c) != 1 || !isGo && !m.f.Mapped(uint64(c[0])) {
		return 0, false
	}
	return uint64(c[0]), true
}

// knownGo are the prefixes of Go functions that are looked up by name.
var knownGo = func() []string {
	out := []string{"main.main", "os/exec.Command", "os/exec.(*Cmd).", "os.StartProcess", "syscall.StartProcess", "syscall.ForkExec",
		"syscall.Exec", "syscall.runtime_doAllThreadsSyscall", "plugin.Open", "plugin.open", "runtime.gcWriteBarrier", "runtime.morestack"}
	for _, g := range goGates {
		out = append(out, g.in...)
	}
	for _, h := range handles {
		out = append(out, h+".")
	}
	return out
}()

// known are the functions of a module that are looked up by name.
func (mod *module) known() map[string]node {
	if mod.byName != nil {
		return mod.byName
	}
	mod.byName = map[string]node{}
	for i := range mod.funcs {
		if mod.funcs[i].goIndex >= 0 {
			continue
		}
		if name := mod.names[mod.funcs[i].start]; name != "" {
			mod.byName[name] = node(mod.base) + node(i)
		}
	}
	for name, sym := range mod.syms { // aliases, such as execve and __execve
		if i := mod.funcAt(mod.codeAddress(sym.Value)); i >= 0 && mod.funcs[i].start == mod.codeAddress(sym.Value) {
			mod.byName[name] = node(mod.base) + node(i)
		}
	}
	if mod.goTab != nil {
		mod.goTab.Find(knownGo, func(i int, name string) {
			if k := mod.funcAt(mod.goTab.Starts[i]); k >= 0 && int(mod.funcs[k].goIndex) == i {
				mod.byName[name] = node(mod.base) + node(k)
			}
		})
	}
	return mod.byName
}
