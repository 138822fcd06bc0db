package elfscan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const maxModules = 512

// loader finds and opens the libraries of a program as ld.so does.
type loader struct {
	ctx     context.Context
	sysroot string
	paths   []string // searched before everything else, like LD_LIBRARY_PATH
	mods    []*module
	parent  map[*module]*module
	names   map[string]*module
	files   []opened
	missing []string
	close   []io.Closer
	conf    []string
}

// opened is a library that was read.
type opened struct {
	info fs.FileInfo
	mod  *module
}

// sized is what a library is read through.
type sized interface {
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
}

func (l *loader) open(path string) (sized, error) {
	real := path
	if l.sysroot != "" {
		var err error
		if real, err = resolveIn(l.sysroot, path); err != nil {
			return nil, err
		}
	}
	st, err := os.Stat(real)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	return os.Open(real)
}

// resolveIn follows path inside root, keeping absolute and upward symbolic
// links inside it.
func resolveIn(root, path string) (string, error) {
	rest := strings.Split(filepath.Clean("/"+path), "/")
	cur := "/"
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		next := filepath.Join(cur, name) // an absolute path: ".." stops at the root
		target, err := os.Readlink(filepath.Join(root, next))
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) && !isNotLink(err) {
				return "", err
			}
			cur = next
			continue
		}
		if links++; links > 40 {
			return "", fmt.Errorf("%s: too many symbolic links", path)
		}
		if filepath.IsAbs(target) {
			cur = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return filepath.Join(root, cur), nil
}

// closure loads what the modules need, breadth first: ld.so's load order,
// which is also the order of symbol lookup.
func (l *loader) closure() error {
	for i := 0; i < len(l.mods); i++ {
		m := l.mods[i]
		for _, name := range m.f.Dyn.Needed {
			if err := l.ctx.Err(); err != nil {
				return err
			}
			if err := l.need(m, name); err != nil {
				return err
			}
		}
	}
	if interp := l.mods[0].f.Dyn.Interp; interp != "" {
		m, err := l.load(interp)
		if err != nil {
			l.missing = append(l.missing, fmt.Sprintf("%s: %v", interp, err))
		} else {
			m.loader = true
		}
	}
	return nil
}

func (l *loader) need(m *module, name string) error {
	if l.names[name] != nil {
		return nil
	}
	if len(l.mods) >= maxModules {
		return fmt.Errorf("%s: needs more than %d libraries", l.mods[0].path, maxModules)
	}
	for _, path := range l.candidates(m, name) {
		lib, err := l.load(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errOtherMachine) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			l.missing = append(l.missing, err.Error())
			l.names[name] = m
			return nil
		}
		l.names[name] = lib
		if l.parent[lib] == nil {
			l.parent[lib] = m
		}
		return nil
	}
	l.missing = append(l.missing, fmt.Sprintf("%s: needed by %s, not found", name, m.path))
	l.names[name] = m
	return nil
}

var errOtherMachine = errors.New("library for another machine")

func (l *loader) load(path string) (*module, error) {
	f, err := l.open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for _, known := range l.files { // musl's C library and interpreter are one file
		if os.SameFile(known.info, st) {
			return known.mod, f.Close()
		}
	}
	l.close = append(l.close, f)
	m, err := openModule(path, f, st.Size())
	if err != nil {
		if errors.Is(err, ErrUnsupported) {
			return nil, errOtherMachine
		}
		return nil, err
	}
	if m.m != l.mods[0].m {
		return nil, errOtherMachine
	}
	for _, known := range l.mods {
		if m.soname != "" && known.soname == m.soname {
			return known, nil
		}
	}
	l.files = append(l.files, opened{st, m})
	if m.soname != "" && l.names[m.soname] == nil {
		l.names[m.soname] = m
	}
	l.mods = append(l.mods, m)
	return m, nil
}

// candidates lists where a needed library may be, in ld.so(8)'s order.
func (l *loader) candidates(m *module, name string) []string {
	if strings.Contains(name, "/") {
		return []string{l.expand(m, name)}
	}
	var dirs []string
	if len(m.f.Dyn.Runpath) == 0 {
		for p := m; p != nil; p = l.parent[p] {
			if len(p.f.Dyn.Runpath) == 0 {
				for _, d := range p.f.Dyn.Rpath {
					dirs = append(dirs, l.expand(p, d))
				}
			}
		}
	}
	dirs = append(dirs, l.paths...)
	for _, d := range m.f.Dyn.Runpath {
		dirs = append(dirs, l.expand(m, d))
	}
	if !m.f.Dyn.NoDefLib {
		dirs = append(dirs, l.defaults()...)
	}
	out := make([]string, len(dirs))
	for i, d := range dirs {
		out[i] = filepath.Join(d, name)
	}
	return out
}

func (l *loader) expand(m *module, s string) string {
	lib := "lib"
	if m.m.PtrSize == 8 {
		lib = "lib64"
	}
	origin := filepath.Dir(m.path)
	return strings.NewReplacer("$ORIGIN", origin, "${ORIGIN}", origin, "$LIB", lib, "${LIB}", lib,
		"$PLATFORM", m.m.Name, "${PLATFORM}", m.m.Name).Replace(s)
}

// triplets are the directories of multiarch distributions.
var triplets = map[string][]string{
	"x86_64": {"x86_64-linux-gnu"}, "i386": {"i386-linux-gnu", "i686-linux-gnu"}, "aarch64": {"aarch64-linux-gnu"},
	"arm": {"arm-linux-gnueabihf", "arm-linux-gnueabi"}, "riscv64": {"riscv64-linux-gnu"},
	"ppc64le": {"powerpc64le-linux-gnu"}, "ppc64": {"powerpc64-linux-gnu"}, "s390x": {"s390x-linux-gnu"},
	"loongarch64": {"loongarch64-linux-gnu"},
}

// defaults are the directories of ld.so.conf and the built-in ones; for musl
// those of its path file.
func (l *loader) defaults() []string {
	if l.conf != nil {
		return l.conf
	}
	main := l.mods[0]
	if strings.HasPrefix(filepath.Base(main.f.Dyn.Interp), "ld-musl-") {
		l.conf = l.muslPath(main.f.Dyn.Interp)
		return l.conf
	}
	dirs := l.readConf("/etc/ld.so.conf", 0)
	for _, t := range triplets[main.m.Name] {
		dirs = append(dirs, "/lib/"+t, "/usr/lib/"+t)
	}
	if main.m.PtrSize == 8 {
		dirs = append(dirs, "/lib64", "/usr/lib64")
	}
	// Cross-compilers' C libraries are installed below the triplet.
	dirs = append(dirs, "/lib", "/usr/lib")
	for _, t := range triplets[main.m.Name] {
		dirs = append(dirs, "/usr/"+t+"/lib")
	}
	l.conf = dirs
	return dirs
}

func (l *loader) muslPath(interp string) []string {
	arch := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(interp), "ld-musl-"), ".so.1")
	b := l.readText("/etc/ld-musl-" + arch + ".path")
	if b == "" {
		return []string{"/lib", "/usr/local/lib", "/usr/lib", "/usr/lib/" + arch + "-linux-musl", "/lib/" + arch + "-linux-musl"}
	}
	return strings.FieldsFunc(b, func(r rune) bool { return r == ':' || r == '\n' })
}

func (l *loader) readText(path string) string {
	f, err := l.open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	b := make([]byte, 1<<16)
	n, _ := f.ReadAt(b, 0)
	return string(b[:n])
}

func (l *loader) readConf(path string, depth int) []string {
	if depth > 4 {
		return nil
	}
	var out []string
	for _, line := range strings.Split(l.readText(path), "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && fields[0] == "include":
			pattern := fields[1]
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(filepath.Dir(path), pattern)
			}
			files, err := filepath.Glob(filepath.Join(l.sysroot, pattern))
			if err != nil {
				continue
			}
			for _, f := range files {
				out = append(out, l.readConf("/"+strings.TrimPrefix(strings.TrimPrefix(f, l.sysroot), "/"), depth+1)...)
			}
		case len(fields) == 1:
			out = append(out, fields[0])
		}
	}
	return out
}

// dlopen loads libraries that the program loads while it runs.
func (l *loader) dlopen(names []string) error {
	for _, name := range names {
		before := len(l.missing)
		if err := l.need(l.mods[0], name); err != nil {
			return err
		}
		if len(l.missing) > before {
			return fmt.Errorf("%s", l.missing[before])
		}
	}
	return nil
}
