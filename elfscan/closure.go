package elfscan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Limits on what is read and looked for, far beyond what programs need.
const (
	maxModules = 512
	maxTries   = 1 << 17 // more for long names
	maxMissing = 64
	pathMax    = 4096 // Linux's PATH_MAX
)

// loader finds and opens the libraries of a program as ld.so does.
type loader struct {
	ctx     context.Context
	sysroot string
	paths   []string // LD_LIBRARY_PATH
	level   string   // subdirectories for processors like this are searched too
	musl    bool
	origin  string // of the program
	mods    []*module
	parent  map[*module]*module
	names   map[string]*module
	files   []opened
	missing []string
	notes   []string
	close   []io.Closer
	tries   int

	rules  *rules
	subs   map[string][]string // directories for processors in a directory
	levels map[string]bool     // those that a library was seen in
}

func newLoader(ctx context.Context, opt *Options, main *module, r io.ReaderAt) *loader {
	l := &loader{ctx: ctx, sysroot: strings.TrimSuffix(opt.Sysroot, "/"), paths: opt.LibraryPath, mods: []*module{main},
		parent: map[*module]*module{}, names: map[string]*module{}, subs: map[string][]string{}, levels: map[string]bool{}}
	l.musl = strings.HasPrefix(filepath.Base(main.f.Dyn.Interp), "ld-musl-")
	l.origin = filepath.Dir(l.realPath(main.path))
	if main.soname != "" {
		l.names[main.soname] = main
	}
	if f, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if st, err := f.Stat(); err == nil {
			l.files = append(l.files, opened{st, main})
		}
	}
	return l
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

// errNotThere says that a file cannot be opened: ld.so goes on elsewhere.
var errNotThere = errors.New("cannot be opened")

func (l *loader) open(path string) (sized, error) {
	real := path
	if l.sysroot != "" {
		var err error
		if real, err = resolveIn(l.sysroot, path); err != nil {
			return nil, fmt.Errorf("%w: %w", errNotThere, err)
		}
	}
	st, err := os.Stat(real)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotThere, err)
	}
	if !st.Mode().IsRegular() { // which may block, or have an effect when opened
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.Open(real)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotThere, err)
	}
	return f, nil
}

// realPath is a path without symbolic links, if it can be followed.
func (l *loader) realPath(path string) string {
	if l.sysroot == "" {
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return real
		}
		return path
	}
	if real, err := resolveIn(l.sysroot, path); err == nil {
		if inside, err := filepath.Rel(l.sysroot, real); err == nil {
			return "/" + inside
		}
	}
	return path
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
	if err := l.preload(); err != nil {
		return err
	}
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
		m, err := l.load(interp, nil)
		if err != nil {
			l.miss(fmt.Sprintf("%s: %v", interp, err))
		} else {
			m.loader = true
		}
	}
	return nil
}

// preload loads what ld.so puts before the libraries of every program.
func (l *loader) preload() error {
	if l.musl || l.mods[0].f.Dyn.Interp == "" {
		return nil
	}
	for line := range strings.Lines(l.readText("/etc/ld.so.preload")) {
		line, _, _ = strings.Cut(line, "#")
		for _, name := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\n:", r) }) {
			if err := l.need(l.mods[0], name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loader) miss(what string) {
	switch n := len(l.missing); {
	case n < maxMissing:
		l.missing = append(l.missing, what)
	case n == maxMissing:
		l.missing = append(l.missing, "and others")
	}
}

func (l *loader) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); len(l.notes) < maxMissing && !slices.Contains(l.notes, n) {
		l.notes = append(l.notes, n)
	}
}

func (l *loader) need(m *module, name string) error {
	if l.names[name] != nil {
		return nil
	}
	l.names[name] = m // unless it is found
	if l.musl && muslOwn(name) {
		name = l.mods[0].f.Dyn.Interp
	}
	if len(l.mods) >= maxModules {
		return fmt.Errorf("%s: %w: needs more than %d libraries", l.mods[0].path, ErrFormat, maxModules)
	}
	for p := range l.places(m, name) {
		if l.tries += 1 + len(p.path)/128; l.tries > maxTries {
			return fmt.Errorf("%s: %w: too many places to search for libraries", l.mods[0].path, ErrFormat)
		}
		if len(p.path) >= pathMax {
			continue
		}
		lib, err := l.load(p.path, m)
		if errors.Is(err, errNotThere) || errors.Is(err, errOtherMachine) {
			continue
		}
		if err != nil {
			l.miss(err.Error())
			return nil
		}
		l.names[name] = lib
		if p.beyond {
			l.note("%s is in %s, where the dynamic linker looks only once ldconfig has been run", name, filepath.Dir(p.path))
		}
		return nil
	}
	l.miss(fmt.Sprintf("%s: needed by %s, not found", name, m.path))
	return nil
}

var errOtherMachine = errors.New("library for another machine")

// load opens a library on behalf of another, or finds the file among those
// that were read: musl's C library and interpreter are one.
func (l *loader) load(path string, by *module) (*module, error) {
	f, err := l.open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for _, known := range l.files {
		if os.SameFile(known.info, st) {
			return known.mod, f.Close()
		}
	}
	m, err := openModule(path, f, st.Size())
	if errors.Is(err, ErrUnsupported) || err == nil && m.m != l.mods[0].m {
		err = errOtherMachine
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	l.close = append(l.close, f)
	l.files = append(l.files, opened{st, m})
	if m.soname != "" && l.names[m.soname] == nil && !l.musl { // which knows libraries by their files alone
		l.names[m.soname] = m
	}
	if by != nil {
		l.parent[m] = by
	}
	l.mods = append(l.mods, m)
	return m, nil
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
		if m := l.names[name]; m != l.mods[0] {
			m.dlopened = true
		}
	}
	return nil
}
