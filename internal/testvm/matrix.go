package testvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/elastic/go-seccomp-bpf/internal/testbuild"
)

// A Matrix is one invocation of the command.
type Matrix struct {
	Guests   []Guest
	Packages []string // go package patterns; nil: every package with live tests
	TestArgs []string // further arguments of the test binaries: -test.run=…
	Seconds  int      // limit for one test binary
	CPUs     int      // of each guest
	Mirror   string   // "": the machine's
	Cache    Cache
	Printer  Printer
	Log      func(format string, args ...any) // progress

	work    string
	mirror  string
	built   map[string]string // binaries by GOARCH and package
	listed  map[string][]testPackage
	fetched map[string]*emulator
}

var busyboxFile = regexp.MustCompile(`^(/usr)?/bin/busybox$`)

// Run boots the guests one after another and returns their outcomes.
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
	m.built, m.listed, m.fetched = map[string]string{}, map[string][]testPackage{}, map[string]*emulator{}
	if m.mirror == "" {
		if m.mirror, err = Mirror(ctx); err != nil {
			return nil, err
		}
	}
	var all []*Outcome
	for _, g := range m.Guests {
		if err := ctx.Err(); err != nil {
			return all, err
		}
		outcomes, err := m.guest(ctx, g)
		all = append(all, outcomes...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// guest runs one guest. An error means that no other guest can be tried:
// the repository does not build.
func (m *Matrix) guest(ctx context.Context, g Guest) ([]*Outcome, error) {
	c := &collector{ctx: ctx, printer: m.Printer, guest: g.Name}
	for _, t := range g.Tests {
		c.outcomes = append(c.outcomes, &Outcome{Guest: g.Name, Target: t.GOARCH})
	}
	v, busybox, err := m.fetch(ctx, g)
	if err != nil {
		for _, o := range c.outcomes {
			o.Reason = "not fetched: " + err.Error()
		}
		c.say("--- SKIP: guest %s: not fetched: %v\n", g.Name, err)
		return c.outcomes, nil
	}
	im := newImage()
	if err := im.addBusybox(busybox); err != nil {
		return c.outcomes, err
	}
	if err := m.pack(ctx, g, im, c); err != nil {
		return c.outcomes, err
	}
	v.plan, v.initramfs = im.plan, filepath.Join(m.work, g.Name+".cpio.gz")
	if err := im.write(v.initramfs); err != nil {
		return c.outcomes, err
	}
	defer os.Remove(v.initramfs)
	m.Log("booting %s", g.Name)
	if err := v.boot(ctx, c); err != nil {
		c.abandon("the guest did not finish it")
		for _, o := range c.outcomes {
			o.Error = err.Error()
		}
		c.say("--- FAIL: guest %s: %v\n", g.Name, err)
	}
	return c.outcomes, nil
}

// fetch gets everything of a guest that comes from Debian.
func (m *Matrix) fetch(ctx context.Context, g Guest) (virtual, string, error) {
	v := virtual{guest: g, cpus: m.CPUs}
	if n := g.Emulator.CPUs; n > 0 && n < v.cpus {
		v.cpus = n
	}
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

func (m *Matrix) emulator(ctx context.Context, pkg string) (*emulator, error) {
	if e := m.fetched[pkg]; e != nil {
		return e, nil
	}
	arch, err := hostDebArch(ctx)
	if err != nil {
		return nil, err
	}
	r, err := newAptRoot(ctx, m.Cache, m.mirror, emulatorSuite, arch)
	if err != nil {
		return nil, err
	}
	e, err := m.Cache.fetchEmulator(ctx, r, pkg, m.Log)
	if err != nil {
		return nil, err
	}
	m.fetched[pkg] = e
	return e, nil
}

// pack builds /init and the sandbox for the kernel's own architecture and the
// tests for each target, and puts them in the image.
func (m *Matrix) pack(ctx context.Context, g Guest, im *image, c *collector) error {
	for name, pkg := range map[string]string{"init": initProg, "bin/sandbox": sandbox} {
		bin, err := m.build(ctx, g.Tests[0], pkg, func(b builder) (string, error) { return b.command(ctx, pkg) })
		if err != nil {
			return err
		}
		if err := im.addHostFile(name, 0o755, bin); err != nil {
			return err
		}
	}
	for _, t := range g.programTargets() {
		if err := m.packPrograms(ctx, t, im); err != nil {
			return err
		}
	}
	for i, t := range g.Tests {
		if err := m.packTests(ctx, g, t, im, c, c.outcomes[i]); err != nil {
			return err
		}
	}
	if len(c.runs) == 0 {
		return fmt.Errorf("find live tests: no package's tests import %s", liveMarker)
	}
	return nil
}

// packPrograms adds the programs that tests would have go build.
func (m *Matrix) packPrograms(ctx context.Context, t Target, im *image) error {
	for _, dir := range helpers {
		bin, err := m.build(ctx, t, dir, func(b builder) (string, error) { return b.command(ctx, module+"/"+dir) })
		if err != nil {
			return err
		}
		if err := im.addHostFile(path.Join(programsDir, filepath.ToSlash(testbuild.Name(dir, t.GOARCH))), 0o755, bin); err != nil {
			return err
		}
	}
	return nil
}

func (m *Matrix) packTests(ctx context.Context, g Guest, t Target, im *image, c *collector, o *Outcome) error {
	ps, err := m.packages(ctx, t)
	if err != nil {
		return err
	}
	for _, p := range ps {
		bin, err := m.build(ctx, t, "the tests of "+p.ImportPath, func(b builder) (string, error) { return b.test(ctx, p) })
		if err != nil {
			return err
		}
		args := append([]string{"-test.v=test2json", "-test.paniconexit0", fmt.Sprintf("-test.timeout=%ds", m.Seconds)}, m.TestArgs...)
		if pattern := further[p.ImportPath]; pattern != "" && len(m.Packages) == 0 {
			args = append([]string{"-test.run=" + pattern}, args...) // -run, which comes later, overrides it
		}
		if err := im.addTest(g, t, p, bin, args, 0, m.Seconds+10); err != nil {
			return err
		}
		c.runs = append(c.runs, runInfo{target: t, pkg: p.ImportPath, outcome: o})
	}
	return nil
}

func (m *Matrix) packages(ctx context.Context, t Target) ([]testPackage, error) {
	if ps, ok := m.listed[t.GOARCH]; ok {
		return ps, nil
	}
	ps, err := builder{target: t}.packages(ctx, m.Packages)
	m.listed[t.GOARCH] = ps
	return ps, err
}

// build builds once what several guests share.
func (m *Matrix) build(ctx context.Context, t Target, what string, make func(builder) (string, error)) (string, error) {
	key := t.GOARCH + " " + what
	if bin, ok := m.built[key]; ok {
		return bin, nil
	}
	m.Log("building %s for %s", what, t.GOARCH)
	bin, err := make(builder{target: t, out: m.work})
	if err == nil {
		m.built[key] = bin
	}
	return bin, err
}
