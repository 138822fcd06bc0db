package testvm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	module = "github.com/elastic/go-seccomp-bpf"
	// A package whose tests import this installs filters in child processes: its tests are live.
	liveMarker = module + "/internal/testchild"
	// guestTests are the tests that only make sense in a guest.
	guestTests = module + "/internal/testvm/guest"
	initProg   = module + "/internal/testvm/init"
	sandbox    = module + "/cmd/sandbox"
)

// further are packages whose tests depend on the kernel or the architecture,
// though they do not use testchild (filters of other processes; byte order,
// word size, the tables of the running ABI) or though not all of them do; and
// those whose tests do not, though they use it.
var further = map[string]struct {
	pattern string // picks the tests that do, where not all do
	once    bool   // on one guest of each GOARCH: they depend on the ABI, and take long
	pure    string // picks tests of which this is true, where it is not of all
	native  bool   // for the kernel's own ABI, of which the guest's commands are
	never   bool   // on none: no filter is installed
}{
	module:                         {pure: "^(TestBitmapOfEachABI|TestErrnoNamesAreComplete)$"},
	module + "/arch":               {once: true},
	module + "/cbpf":               {pure: "^Test(ConstAllowIsSound|TextRoundTrip|AssembleReadsXNet|RunAgreesWithXNet)$"},
	module + "/internal/decision":  {never: true},
	module + "/internal/oracle":    {pattern: "TestKernelDecidesAsPoliciesSay"},
	module + "/cmd/sandbox":        {pattern: "TestScript/(default|process|run)$", once: true, native: true},
	module + "/cmd/seccomp-policy": {pattern: "TestScripts/process", once: true},
}

// helpers are the programs that tests run and would have go build, by their
// directory.
var helpers = []string{"internal/goprogram", "cmd/sandbox/testdata/probe"}

// noDWARF leaves out what only debuggers read: that saves a tenth of the time.
const noDWARF = "-gcflags=all=-dwarf=false"

// programs are all that is built for a target besides tests.
func programs() []string {
	all := []string{initProg, sandbox}
	for _, dir := range helpers {
		all = append(all, module+"/"+dir)
	}
	return all
}

// A testPackage is a package whose tests run in guests.
type testPackage struct {
	ImportPath   string
	Dir          string
	Module       struct{ Dir string }
	TestGoFiles  []string
	XTestGoFiles []string
	TestImports  []string
	XTestImports []string
}

func (p testPackage) live() bool {
	if len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 {
		return false
	}
	some, isFurther := further[p.ImportPath]
	if some.never {
		return false
	}
	return slices.Contains(p.TestImports, liveMarker) || slices.Contains(p.XTestImports, liveMarker) ||
		p.ImportPath == guestTests || isFurther
}

// rel is the package's directory below the module's.
func (p testPackage) rel() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

// A builder runs the go command for one Target.
type builder struct {
	target Target
	out    string // directory for binaries
}

func (b builder) env() []string {
	// Compilers that collect no garbage take a fifth less time.
	env := append(os.Environ(), "GOOS=linux", "GOARCH="+b.target.GOARCH, "CGO_ENABLED=0", "GOGC=off", "GOMEMLIMIT=1GiB")
	return append(env, b.target.Env...)
}

func (b builder) goCommand(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = b.env()
	out, err := cmd.Output()
	if err != nil {
		var e *exec.ExitError
		if errors.As(err, &e) {
			return nil, fmt.Errorf("GOARCH=%s go %s: %w\n%s", b.target.GOARCH, strings.Join(args, " "), err, e.Stderr)
		}
		return nil, err
	}
	return out, nil
}

// packages lists what to test: with no patterns, every package with live tests.
func (b builder) packages(ctx context.Context, patterns []string) ([]testPackage, error) {
	args := []string{"list", "-json=ImportPath,Dir,Module,TestGoFiles,XTestGoFiles,TestImports,XTestImports"}
	chosen := len(patterns) > 0
	if !chosen {
		patterns = []string{module + "/..."}
	}
	out, err := b.goCommand(ctx, append(args, patterns...)...)
	if err != nil {
		return nil, err
	}
	var ps []testPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p testPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return ps, nil
		} else if err != nil {
			return nil, fmt.Errorf("read go list's output: %w", err)
		}
		if p.live() || chosen && len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 {
			ps = append(ps, p)
		}
	}
}

// tests builds the packages' test binaries and returns their paths, in order.
func (b builder) tests(ctx context.Context, ps []testPackage) ([]string, error) {
	dir := filepath.Join(b.out, b.target.GOARCH, "tests")
	args := []string{"test", "-c", "-vet=off", noDWARF, "-ldflags=-s -w", "-o", dir + "/"}
	var bins []string
	for _, p := range ps {
		args = append(args, p.ImportPath)
		bins = append(bins, filepath.Join(dir, path.Base(p.ImportPath)+".test"))
	}
	if _, err := b.goCommand(ctx, args...); err != nil {
		return nil, fmt.Errorf("build the tests: %w", err)
	}
	return bins, nil
}

// commands builds programs and returns their paths, in order. (internal/goprogram
// without net/http: to compile that takes as long as half of all the rest.)
func (b builder) commands(ctx context.Context, pkgs []string) ([]string, error) {
	dir := filepath.Join(b.out, b.target.GOARCH, "programs")
	var bins []string
	for _, p := range pkgs {
		bins = append(bins, filepath.Join(dir, path.Base(p)))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if _, err := b.goCommand(ctx, append([]string{"build", "-tags=nohttp", noDWARF, "-ldflags=-s -w", "-o", dir + "/"}, pkgs...)...); err != nil {
		return nil, fmt.Errorf("build programs: %w", err)
	}
	return bins, nil
}
