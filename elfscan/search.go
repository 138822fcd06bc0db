package elfscan

import (
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// rules are what one dynamic linker searches, from its own file and its
// configuration.
type rules struct {
	system []string // built-in directories, without slashes at their ends
	lib    string   // what $LIB stands for
	cache  soCache
	beyond []string // directories that only ldconfig reads, and where else distributions have libraries
}

// place is a file that a library may be in.
type place struct {
	path   string
	beyond bool // the dynamic linker itself would not look there
}

// places lists where a needed library may be, in the order of ld.so(8), or of
// musl's ldso/dynlink.c, load_library.
func (l *loader) places(m *module, name string) iter.Seq[place] {
	return func(yield func(place) bool) {
		if strings.Contains(name, "/") {
			if !l.musl {
				name = l.expand(m, name)
			}
			yield(place{path: name})
			return
		}
		in := func(dirs []string, of *module) bool {
			for _, d := range dirs {
				d = l.expand(of, d)
				if !filepath.IsAbs(d) {
					l.note("libraries are searched in %q of the working directory, which is taken for that of this scan", d)
				}
				if !l.inDir(d, name, yield) {
					return false
				}
			}
			return true
		}
		if l.musl {
			l.muslPlaces(m, in)
			return
		}
		if !l.rpaths(m, in) || !in(l.paths, l.mods[0]) || !in(m.f.Dyn.Runpath, m) {
			return
		}
		r := l.dynamicLinker()
		for _, e := range r.cache[name] {
			hidden := m.f.Dyn.NoDefLib && slices.Contains(r.system, filepath.Dir(e.path)) ||
				e.level != "" && !l.forProcessor(e.level, e.path)
			if !hidden && !yield(place{path: e.path}) {
				return
			}
		}
		if m.f.Dyn.NoDefLib {
			return
		}
		for _, d := range r.system {
			if !l.inDir(d, name, yield) {
				return
			}
		}
		for _, d := range r.beyond {
			if !yield(place{filepath.Join(d, name), len(r.system) > 0}) {
				return
			}
		}
	}
}

// rpaths are the directories of DT_RPATH: of the library, of what loaded it,
// and on up. Any of them has none if it has DT_RUNPATH, and no library that has
// DT_RUNPATH inherits some.
func (l *loader) rpaths(m *module, in func(dirs []string, of *module) bool) bool {
	if m.f.Dyn.HasRunpath {
		return true
	}
	last := m
	for p := m; p != nil; p = l.parent[p] {
		if last = p; !p.f.Dyn.HasRunpath && !in(p.f.Dyn.Rpath, p) {
			return false
		}
	}
	main := l.mods[0]
	return last == main || main.f.Dyn.HasRunpath || in(main.f.Dyn.Rpath, main)
}

// muslPlaces are LD_LIBRARY_PATH, the paths of the library and of those that
// loaded it, be they RPATH or RUNPATH, and the system's.
func (l *loader) muslPlaces(m *module, in func(dirs []string, of *module) bool) {
	if !in(l.paths, l.mods[0]) {
		return
	}
	for p := m; p != nil; p = l.parent[p] {
		dirs := p.f.Dyn.Rpath
		if p.f.Dyn.HasRunpath {
			dirs = p.f.Dyn.Runpath
		}
		if !in(slices.DeleteFunc(slices.Clone(dirs), func(d string) bool { return d == "" }), p) {
			return
		}
	}
	in(l.dynamicLinker().system, m)
}

// muslOwn reports whether musl has a library inside of its own file
// (ldso/dynlink.c, load_library).
func muslOwn(name string) bool {
	name, ok := strings.CutPrefix(name, "lib")
	name, _, dot := strings.Cut(name, ".")
	return ok && dot && slices.Contains([]string{"c", "pthread", "rt", "m", "dl", "util", "xnet"}, name)
}

// inDir tries the subdirectories for the processor, then the directory.
func (l *loader) inDir(dir, name string, yield func(place) bool) bool {
	for _, sub := range l.subdirs(dir) {
		p := filepath.Join(dir, sub, name)
		if l.forProcessor(sub, p) && !yield(place{path: p}) {
			return false
		}
	}
	return yield(place{path: filepath.Join(dir, name)})
}

// forProcessor reports whether the processor that is assumed takes a file from
// a directory for certain ones, and notes which those are, if it is there.
func (l *loader) forProcessor(sub, p string) bool {
	if f, err := l.open(p); err == nil {
		l.levels[sub] = true
		_ = f.Close() // opened for reading only
	}
	return sub == l.level || path.Dir(sub) == hwcaps && path.Dir(l.level) == hwcaps && lower(sub, l.level)
}

const hwcaps = "glibc-hwcaps"

// oldSubdirs are directories for processors that glibc before 2.37 has, by
// what the kernel and cpuid say (elf/dl-hwcaps.c).
var oldSubdirs = []string{"tls/haswell/avx512_1/x86_64", "tls/haswell/avx512_1", "tls/haswell/x86_64", "tls/haswell", "tls/xeon_phi", "tls/x86_64", "tls/i686",
	"tls", "haswell/avx512_1/x86_64", "haswell/avx512_1", "haswell/x86_64", "haswell", "xeon_phi", "avx512_1", "x86_64", "sse2", "i686", "i586",
	"neon", "vfp", "v7l", "v6l", "power10", "power9", "power8", "power7", "z16", "z15", "z14", "z13", "zEC12", "z196"}

// lower reports whether a processor of level y takes files of level x:
// x86-64-v2 to v4, power9 and power10, z13 to z16.
func lower(x, y string) bool {
	return len(x) < len(y) || len(x) == len(y) && x < y
}

// subdirs are the directories for processors in a directory, best first.
func (l *loader) subdirs(dir string) []string {
	if l.musl {
		return nil
	}
	if subs, ok := l.subs[dir]; ok {
		return subs
	}
	var out []string
	for _, name := range l.list(filepath.Join(dir, hwcaps)) {
		out = append(out, hwcaps+"/"+name)
	}
	slices.SortStableFunc(out, compareLevels)
	for _, sub := range oldSubdirs {
		if l.isDir(filepath.Join(dir, sub)) {
			out = append(out, sub)
		}
	}
	l.subs[dir] = out
	return out
}

// maxEntries bounds the entries read of one directory.
const maxEntries = 4096

func (l *loader) list(dir string) (names []string) {
	real, err := l.onHost(dir)
	if err != nil {
		return nil
	}
	f, err := os.Open(real)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ = f.Readdirnames(maxEntries)
	slices.Sort(names)
	return names
}

func (l *loader) isDir(dir string) bool {
	real, err := l.onHost(dir)
	if err != nil {
		return false
	}
	st, err := os.Stat(real)
	return err == nil && st.IsDir()
}

// onHost is where a path of the program's root is on this machine.
func (l *loader) onHost(p string) (string, error) {
	if l.sysroot == "" {
		return p, nil
	}
	return resolveIn(l.sysroot, p)
}

// expand replaces the dynamic string tokens (ld.so(8)); musl has $ORIGIN alone.
func (l *loader) expand(m *module, s string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	origin := filepath.Dir(m.path)
	if m == l.mods[0] {
		origin = l.origin
	}
	with := []string{"$ORIGIN", origin, "${ORIGIN}", origin}
	if !l.musl {
		lib := l.dynamicLinker().lib
		with = append(with, "$LIB", lib, "${LIB}", lib, "$PLATFORM", m.m.Name, "${PLATFORM}", m.m.Name)
		if strings.Contains(s, "PLATFORM") {
			l.note("%s searches %s: $PLATFORM depends on the processor, and is taken for %s", m.path, s, m.m.Name)
		}
	}
	return strings.NewReplacer(with...).Replace(s)
}

// triplets are the directories of multiarch distributions.
var triplets = map[string][]string{
	"x86_64": {"x86_64-linux-gnu"}, "i386": {"i386-linux-gnu", "i686-linux-gnu"}, "aarch64": {"aarch64-linux-gnu"},
	"arm": {"arm-linux-gnueabihf", "arm-linux-gnueabi"}, "riscv64": {"riscv64-linux-gnu"},
	"ppc64le": {"powerpc64le-linux-gnu"}, "ppc64": {"powerpc64-linux-gnu"}, "s390x": {"s390x-linux-gnu"},
	"loongarch64": {"loongarch64-linux-gnu"},
}

// dynamicLinker reads the rules of the program's dynamic linker.
func (l *loader) dynamicLinker() *rules {
	if l.rules != nil {
		return l.rules
	}
	r := &rules{}
	l.rules = r
	main := l.mods[0]
	if l.musl {
		r.system = l.muslPath(main.f.Dyn.Interp)
		return r
	}
	cache := "/etc/ld.so.cache"
	if main.f.Dyn.Interp != "" {
		text := l.readFile(main.f.Dyn.Interp, 8<<20)
		r.system = systemDirs(text)
		if c := stringEnding(text, "/ld.so.cache"); c != "" {
			cache = c
		}
	}
	r.cache = parseCache(l.readFile(cache, 64<<20), main.f.Order)
	r.beyond = l.readConf("/etc/ld.so.conf")
	for _, t := range triplets[main.m.Name] {
		r.beyond = append(r.beyond, "/lib/"+t, "/usr/lib/"+t)
	}
	if main.m.PtrSize == 8 {
		r.beyond = append(r.beyond, "/lib64", "/usr/lib64")
	}
	r.beyond = append(r.beyond, "/lib", "/usr/lib")
	for _, t := range triplets[main.m.Name] { // cross-compilers' C libraries
		r.beyond = append(r.beyond, "/usr/"+t+"/lib")
	}
	r.lib = libToken(r.system, main.m)
	return r
}

// libToken is what $LIB stands for: the name of the first built-in directory,
// or with Debian's patch its whole path.
func libToken(system []string, m *machine.Machine) string {
	switch {
	case len(system) > 0 && strings.Contains(system[0], "-linux-"):
		return strings.TrimPrefix(strings.TrimPrefix(system[0], "/usr"), "/")
	case len(system) > 0:
		return filepath.Base(system[0])
	case m.PtrSize == 8:
		return "lib64"
	}
	return "lib"
}

// systemDirs finds glibc's built-in directories in the dynamic linker's file:
// system_dirs of elf/dl-load.c, strings that follow each other and end with a
// slash.
func systemDirs(text string) []string {
	var best, run []string
	for s := range strings.SplitSeq(text, "\x00") {
		if i := strings.LastIndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
			s = s[i+1:]
			run = nil
		}
		if len(s) > 2 && s[0] == '/' && strings.HasSuffix(s, "/") && strings.Contains(s, "/lib") {
			if run = append(run, strings.TrimSuffix(s, "/")); len(run) > len(best) {
				best = run
			}
			continue
		}
		run = nil
	}
	return best
}

// stringEnding finds a string of the file that is an absolute path and ends as
// given.
func stringEnding(text, end string) string {
	head, _, ok := strings.Cut(text, end+"\x00")
	if !ok {
		return ""
	}
	s := head[strings.LastIndexByte(head, 0)+1:] + end
	if s[0] != '/' {
		return ""
	}
	return s
}

// muslPath are the directories of musl's path file, which is looked for beside
// the directory that its dynamic linker is in.
func (l *loader) muslPath(interp string) []string {
	arch := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(interp), "ld-musl-"), ".so.1")
	prefix := filepath.Dir(filepath.Dir(interp))
	f, err := l.open(filepath.Join(prefix, "etc", "ld-musl-"+arch+".path"))
	if err != nil {
		return []string{"/lib", "/usr/local/lib", "/usr/lib", "/usr/lib/" + arch + "-linux-musl", "/lib/" + arch + "-linux-musl"}
	}
	_ = f.Close() // opened for reading only
	b := l.readText(filepath.Join(prefix, "etc", "ld-musl-"+arch+".path"))
	return strings.FieldsFunc(b, func(r rune) bool { return r == ':' || r == '\n' })
}

func (l *loader) readText(path string) string { return l.readFile(path, 1<<16) }

func (l *loader) readFile(path string, limit int64) string {
	f, err := l.open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return ""
	}
	b := make([]byte, min(limit, st.Size()))
	n, _ := f.ReadAt(b, 0)
	return string(b[:n])
}
