package testvm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/elastic/go-seccomp-bpf/internal/testbuild"
)

// A Matrix is one invocation of the command.
type Matrix struct {
	Guests   []Guest
	Packages []string // go package patterns; nil: every package with live tests
	TestArgs []string // further arguments of the test binaries: -test.run=…
	Seconds  int      // limit for one test binary
	CPUs     int      // of each guest; 0: two with an architecture's newest kernel, else one
	Parallel int      // guests that run at a time
	Mirror   string   // "": the machine's
	Cache    Cache
	Printer  Printer
	Log      func(format string, args ...any) // progress

	work    string
	mirror  string
	built   map[string]*binaries // by GOARCH
	fetched map[string]*emulator
	missing map[string]error // emulators that could not be fetched
}

var busyboxFile = regexp.MustCompile(`^(/usr)?/bin/busybox$`)

// Run boots the guests, Parallel of them at a time, and returns their outcomes
// in the guests' order.
func (m *Matrix) Run(ctx context.Context) ([]*Outcome, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("run the matrix on %s: %w: it needs Debian's apt and go tool test2json", runtime.GOOS, errors.ErrUnsupported)
	}
	work, err := os.MkdirTemp("", "testvm-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	m.work, m.mirror = work, m.Mirror
	m.built, m.fetched, m.missing = map[string]*binaries{}, map[string]*emulator{}, map[string]error{}
	if m.mirror == "" {
		if m.mirror, err = Mirror(ctx); err != nil {
			return m.noneFetched(err), nil
		}
	}
	m.Printer.W = &wholeWrites{w: m.Printer.W}
	return m.runAll(ctx)
}

// runAll runs the guests as they become ready.
func (m *Matrix) runAll(ctx context.Context) ([]*Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ready := m.prepareAll(ctx)
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		failed  error
		ran     = map[string][]*Outcome{}
	)
	for range max(m.Parallel, 1) {
		running.Go(func() {
			for g := range ready {
				if g.err == nil && g.skipped == nil {
					m.boot(ctx, g)
				}
				if g.skipped != nil {
					g.say("--- SKIP: guest %s: not fetched: %v\n", g.guest, g.skipped)
				}
				mu.Lock()
				ran[g.guest] = g.outcomes
				failed = cmp.Or(failed, g.err)
				mu.Unlock()
				if g.err != nil {
					cancel()
				}
			}
		})
	}
	running.Wait() // nothing is built any more when work is removed
	var all []*Outcome
	for _, g := range m.Guests {
		all = append(all, ran[g.Name]...)
	}
	return all, cmp.Or(failed, ctx.Err())
}

// wholeWrites keeps what is written at once together.
type wholeWrites struct {
	mu sync.Mutex
	w  io.Writer
}

func (w *wholeWrites) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(b)
}

// Fetch fills the cache with what the guests need and boots none.
func (m *Matrix) Fetch(ctx context.Context) error {
	m.mirror, m.fetched, m.missing = m.Mirror, map[string]*emulator{}, map[string]error{}
	if m.mirror == "" {
		var err error
		if m.mirror, err = Mirror(ctx); err != nil {
			return err
		}
	}
	var errs []error
	for _, g := range m.Guests {
		if _, _, err := m.fetch(ctx, g); err != nil {
			errs = append(errs, fmt.Errorf("guest %s: %w", g.Name, err))
		}
	}
	return errors.Join(errs...)
}

// noneFetched is the outcome where there is nothing to fetch guests with.
func (m *Matrix) noneFetched(err error) []*Outcome {
	var all []*Outcome
	for _, g := range m.Guests {
		for _, t := range g.Tests {
			all = append(all, &Outcome{Guest: g.Name, Target: t.GOARCH, Reason: "not fetched: " + err.Error()})
		}
	}
	return all
}

// A preparedGuest is one that can be booted, or why it cannot.
type preparedGuest struct {
	*collector
	v       virtual
	skipped error // the kernel or the emulator cannot be had
	err     error // no other guest can be tried either: the repository does not build
}

// prepareAll fetches and builds for one guest while another runs.
func (m *Matrix) prepareAll(ctx context.Context) <-chan preparedGuest {
	ready := make(chan preparedGuest)
	go func() {
		defer close(ready)
		for _, g := range m.Guests {
			if ctx.Err() != nil {
				return
			}
			p := m.prepare(ctx, g)
			select {
			case ready <- p:
			case <-ctx.Done():
				return
			}
			if p.err != nil {
				return
			}
		}
	}()
	return ready
}

func (m *Matrix) prepare(ctx context.Context, g Guest) (p preparedGuest) {
	p.collector = &collector{ctx: ctx, printer: m.Printer, guest: g.Name}
	for _, t := range g.Tests {
		p.outcomes = append(p.outcomes, &Outcome{Guest: g.Name, Target: t.GOARCH})
	}
	var busybox string
	if p.v, busybox, p.skipped = m.fetch(ctx, g); p.skipped != nil {
		for _, o := range p.outcomes {
			o.Reason = "not fetched: " + p.skipped.Error()
		}
		return p
	}
	im := newImage()
	if p.err = im.addBusybox(busybox); p.err != nil {
		return p
	}
	if p.err = m.pack(ctx, g, im, p.collector); p.err != nil {
		return p
	}
	p.v.plan, p.v.initramfs = im.plan, filepath.Join(m.work, g.Name+".cpio.gz")
	p.err = im.write(p.v.initramfs)
	return p
}

func (m *Matrix) boot(ctx context.Context, p preparedGuest) {
	defer os.Remove(p.v.initramfs)
	m.Log("booting %s", p.guest)
	began := time.Now()
	err := p.v.boot(ctx, p.collector)
	if err != nil && p.release == "" && ctx.Err() == nil {
		// Nothing of ours has run: the machine, emulated on a busy host, did not come up.
		m.Log("%s did not start, and is tried again: %v", p.guest, err)
		err = p.v.boot(ctx, p.collector)
	}
	if err != nil {
		p.abandon("the guest did not finish it")
		for _, o := range p.outcomes {
			o.Error = err.Error()
		}
		p.say("--- FAIL: guest %s: %v\n", p.guest, err)
	}
	m.Log("%s took %.0f s", p.guest, time.Since(began).Seconds())
}

// fetch gets everything of a guest that comes from Debian.
func (m *Matrix) fetch(ctx context.Context, g Guest) (virtual, string, error) {
	v := virtual{guest: g, cpus: m.cpus(g)}
	e, err := m.emulator(ctx, g.Emulator.Package)
	if err != nil {
		return v, "", err
	}
	v.emulator = e
	var errs []error
	for _, suite := range g.Suites {
		busybox, err := m.fetchGuest(ctx, g, suite, &v)
		if err == nil {
			return v, busybox, nil
		}
		errs = append(errs, err)
	}
	return v, "", errors.Join(errs...)
}

func (m *Matrix) cpus(g Guest) int {
	n := m.CPUs
	if n == 0 {
		n = g.CPUs
	}
	if most := g.Emulator.CPUs; most > 0 {
		n = min(n, most)
	}
	return max(n, 1)
}

// fetchGuest gets a guest's kernel and busybox from one suite.
func (m *Matrix) fetchGuest(ctx context.Context, g Guest, suite string, v *virtual) (busybox string, err error) {
	r, err := newAptRoot(ctx, m.Cache, m.mirror, suite, g.DebArch)
	if err != nil {
		return "", err
	}
	image, err := m.Cache.fetchKernel(ctx, r, g.Kernel, m.Log)
	if err != nil {
		return "", err
	}
	if v.kernel, err = bootable(image); err != nil {
		return "", err
	}
	if base, ok := strings.CutSuffix(suite, "-backports"); ok { // which has new kernels only
		if r, err = newAptRoot(ctx, m.Cache, m.mirror, base, g.DebArch); err != nil {
			return "", err
		}
		if err := r.update(ctx); err != nil {
			return "", err
		}
	}
	return m.Cache.fetchFile(ctx, r, "busybox-static", busyboxFile, m.Log)
}

// emulator fetches an emulator, or fails to, once.
func (m *Matrix) emulator(ctx context.Context, pkg string) (*emulator, error) {
	if e, err := m.fetched[pkg], m.missing[pkg]; e != nil || err != nil {
		return e, err
	}
	e, err := m.fetchEmulator(ctx, pkg)
	m.fetched[pkg], m.missing[pkg] = e, err
	return e, err
}

func (m *Matrix) fetchEmulator(ctx context.Context, pkg string) (*emulator, error) {
	arch, err := hostDebArch(ctx)
	if err != nil {
		return nil, err
	}
	r, err := newAptRoot(ctx, m.Cache, m.mirror, emulatorSuite, arch)
	if err != nil {
		return nil, err
	}
	return m.Cache.fetchEmulator(ctx, r, pkg, m.Log)
}

// pack puts in the image /init and the sandbox, built for the kernel's own
// architecture, and the tests and the programs they run for each target.
func (m *Matrix) pack(ctx context.Context, g Guest, im *image, c *collector) error {
	for i, t := range g.Tests {
		b, err := m.build(ctx, t)
		if err != nil {
			return err
		}
		if i == 0 {
			for at, program := range map[string]string{"init": initProg, "bin/sandbox": sandbox} {
				if err := im.addHostFile(at, 0o755, b.programs[program]); err != nil {
					return err
				}
			}
		}
		if err := m.packTests(g, i, b, im, c); err != nil {
			return err
		}
	}
	for _, t := range g.programTargets() {
		b, err := m.build(ctx, t)
		if err != nil {
			return err
		}
		for _, dir := range helpers {
			at := path.Join(programsDir, filepath.ToSlash(testbuild.Name(dir, t.GOARCH)))
			if err := im.addHostFile(at, 0o755, b.programs[module+"/"+dir]); err != nil {
				return err
			}
		}
	}
	if len(c.runs) == 0 {
		return fmt.Errorf("find live tests: no package's tests import %s", liveMarker)
	}
	return nil
}

func (m *Matrix) packTests(g Guest, i int, b *binaries, im *image, c *collector) error {
	t, o := g.Tests[i], c.outcomes[i]
	for k, p := range b.packages {
		args := append([]string{"-test.v=test2json", "-test.paniconexit0", fmt.Sprintf("-test.timeout=%ds", m.Seconds)}, m.TestArgs...)
		if some := further[p.ImportPath]; len(m.Packages) == 0 {
			if some.native && i > 0 || some.once && b.packed[p.ImportPath] {
				continue
			}
			if some.pure != "" && b.packed[p.ImportPath] {
				args = append(args, "-test.skip="+some.pure)
			}
			b.packed[p.ImportPath] = true
			if some.pattern != "" {
				args = append([]string{"-test.run=" + some.pattern}, args...) // -run, which comes later, overrides it
			}
		}
		if err := im.addTest(g, t, p, b.tests[k], args, 0, m.Seconds+10); err != nil {
			return err
		}
		c.runs = append(c.runs, runInfo{target: t, pkg: p.ImportPath, outcome: o})
	}
	return nil
}

// binaries are what was built for a target.
type binaries struct {
	packages []testPackage
	tests    []string          // of each package
	programs map[string]string // by import path
	packed   map[string]bool   // packages whose tests a guest has
}

// build builds what all guests with that target share.
func (m *Matrix) build(ctx context.Context, t Target) (*binaries, error) {
	if b := m.built[t.GOARCH]; b != nil {
		return b, nil
	}
	m.Log("building for %s", t.GOARCH)
	began := time.Now()
	r := builder{target: t, out: m.work}
	b := &binaries{programs: map[string]string{}, packed: map[string]bool{}}
	var err error
	if b.packages, err = r.packages(ctx, m.Packages); err != nil {
		return nil, err
	}
	if b.tests, err = r.tests(ctx, b.packages); err != nil {
		return nil, err
	}
	wanted := programs()
	bins, err := r.commands(ctx, wanted)
	if err != nil {
		return nil, err
	}
	for i, p := range wanted {
		b.programs[p] = bins[i]
	}
	m.built[t.GOARCH] = b
	m.Log("built for %s in %.0f s", t.GOARCH, time.Since(began).Seconds())
	return b, nil
}
