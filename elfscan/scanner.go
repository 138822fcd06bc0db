package elfscan

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/internal/symbols"
)

// scanner is one scan.
type scanner struct {
	ctx    context.Context
	opt    Options
	level  string // processor, as the name of a directory of libraries for it
	work   int    // in place of maxWork, if not 0
	loader *loader
	p      *program
	reach  *reach
	res    *Result
	gates  *gates
	closed *closed
	main   node // main.main, once looked for
	namer  *symbols.Namer
}

func (s *scanner) closeAll() {
	if s.loader == nil {
		return
	}
	for _, c := range s.loader.close {
		_ = c.Close() // opened for reading only
	}
}

func (s *scanner) run(r io.ReaderAt, size int64) (*Result, error) {
	mod, err := openModule(s.opt.Path, r, size)
	if err != nil {
		return nil, err
	}
	if err := checkPlugin(mod); err != nil {
		return nil, err
	}
	info, err := arch.GetInfo(mod.m.Name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %v", s.opt.Path, ErrUnsupported, err)
	}
	s.res = &Result{Path: s.opt.Path, ABI: info.Name, GOARCH: info.GOARCH, BuildID: mod.f.BuildID, info: info}
	if mod.goTab != nil {
		s.res.GoVersion = mod.f.GoVersion()
	}
	if err := s.load(mod, r); err != nil {
		return nil, err
	}
	if err := s.search(); err != nil {
		return nil, err
	}
	s.collect()
	return s.res, s.ctx.Err()
}

// checkPlugin refuses Go plugins and shared packages: they are no programs,
// and half of their code is elsewhere. They export the hashes of their
// packages, as the programs that load them do, which have an interpreter.
func checkPlugin(mod *module) error {
	if mod.goTab == nil || mod.f.Dyn.Interp != "" {
		return nil
	}
	for i := range mod.f.NumDynSyms() {
		s, ok := mod.f.DynSym(uint32(i))
		if ok && s.Defined() && (strings.HasPrefix(s.Name, "go:link.pkghash") || strings.HasPrefix(s.Name, "go.link.pkghash")) {
			return fmt.Errorf("%s: %w: a Go plugin; scan the program that loads it, with --dlopen for its C libraries", mod.path, ErrUnsupported)
		}
	}
	return nil
}

// load opens the libraries.
func (s *scanner) load(mod *module, r io.ReaderAt) error {
	s.loader = newLoader(s.ctx, &s.opt, mod, r)
	s.loader.level = s.level
	if err := s.loader.dlopen(s.opt.Dlopen); err != nil {
		return err
	}
	if err := s.loader.closure(); err != nil {
		return err
	}
	s.res.Notes = append(s.res.Notes, s.loader.notes...)
	for _, m := range s.loader.missing {
		s.res.Partial = true
		s.res.Notes = append(s.res.Notes, "library not read: "+m)
	}
	for _, m := range s.loader.mods {
		s.res.Modules = append(s.res.Modules, Module{m.shown, m.f.BuildID})
		for _, n := range m.f.Notes {
			s.res.Partial = true
			s.res.Notes = append(s.res.Notes, m.path+": "+n)
		}
	}
	return nil
}

// search reads all code, links it and finds what is reachable.
func (s *scanner) search() error {
	var total, before int64
	for _, m := range s.loader.mods {
		for _, r := range m.code {
			total += int64(r.End - r.Start)
		}
	}
	s.res.Stats.CodeBytes = total
	for _, m := range s.loader.mods {
		progress := func(done uint64) {
			if s.opt.Progress != nil {
				s.opt.Progress(before+int64(done), total)
			}
		}
		if err := m.scan(s.ctx, progress); err != nil {
			return s.readError(m, err)
		}
		if m.large > 1 { // one may be chance
			s.res.Partial = true
			s.res.Notes = append(s.res.Notes, m.path+": calls of code for the large model (-mcmodel=large) are not followed")
		}
		for _, r := range m.code {
			before += int64(r.End - r.Start)
		}
		s.res.Stats.Functions += len(m.funcs)
		s.res.Stats.Sites += len(m.sites)
	}
	s.p = newProgram(s.ctx, s.loader.mods)
	s.p.most = cmp.Or(s.work, s.p.most)
	if err := s.p.link(); err != nil {
		return err
	}
	s.reach = s.p.reachable(s.opt.Everything, nil)
	s.refute()
	s.res.Stats.Reachable = s.reach.n
	return s.ctx.Err()
}

func (s *scanner) readError(m *module, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%s: reading code: %w", m.shown, err)
}

// resolve finds the numbers at every site.
func (s *scanner) resolve() *resolver {
	r := &resolver{p: s.p, info: s.res.info, reach: s.reach, watched: map[[2]node]*flow.Result{}}
	for _, m := range s.p.mods {
		for _, site := range m.sites {
			if s.ctx.Err() != nil {
				return r
			}
			r.site(m, site)
		}
	}
	return r
}

// shebang returns the first line of a script.
func shebang(r io.ReaderAt, size int64) (string, bool) {
	b := make([]byte, min(size, 256)) // BINPRM_BUF_SIZE
	if n, _ := r.ReadAt(b, 0); n < 3 || b[0] != '#' || b[1] != '!' {
		return "", false
	}
	line, _, _ := bytes.Cut(bytes.TrimRight(b[2:], "\x00"), []byte("\n"))
	return strings.TrimSpace(string(line)), true
}

// envProgram is the program that a script has env(1) look for and run:
// "#!/usr/bin/env python3", "#!/usr/bin/env -S A=b python3 -x".
func envProgram(fields []string) string {
	if path.Base(fields[0]) != "env" {
		return ""
	}
	for _, f := range fields[1:] {
		if !strings.HasPrefix(f, "-") && !strings.Contains(f, "=") {
			return f
		}
	}
	return ""
}

// scanScript scans a script's interpreter.
func scanScript(ctx context.Context, line string, o Options) (*Result, error) {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return nil, fmt.Errorf("%s: %w: a script without an interpreter", o.Path, ErrFormat)
	}
	line = strings.Join(fields, " ")
	if line != image.Printable(line) {
		return nil, fmt.Errorf("%s: %w: a script whose interpreter has unprintable characters: %q", o.Path, ErrFormat, line)
	}
	l := &loader{sysroot: strings.TrimSuffix(o.Sysroot, "/")}
	f, err := l.open(fields[0])
	if err != nil {
		return nil, fmt.Errorf("%s: interpreter: %w", o.Path, err)
	}
	defer f.Close()
	script := o.Path
	o.Path, o.Size = fields[0], 0
	size, err := sizeOf(f, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: interpreter: %w", script, err)
	}
	if _, again := shebang(f, size); again {
		return nil, fmt.Errorf("%s: %w: its interpreter %s is a script too; scan that one's interpreter", script, ErrUnsupported, fields[0])
	}
	res, err := Scan(ctx, f, &o)
	if err != nil {
		return nil, fmt.Errorf("%s: interpreter: %w", script, err)
	}
	res.Path, res.Script, res.EnvProgram = script, line, envProgram(fields)
	res.Notes = append(res.Notes, fmt.Sprintf("this is the script's interpreter %s alone, not the programs that the script runs", fields[0]))
	return res, nil
}
