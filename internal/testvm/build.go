package testvm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
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

// further are packages whose tests do not use testchild and still depend on
// the kernel or the architecture: filters of other processes; byte order, word
// size, the tables of the running ABI. Where not all of their tests do, a
// pattern picks those.
var further = map[string]string{
	module + "/arch":               "",
	module + "/cbpf":               "",
	module + "/cmd/sandbox":        "",
	module + "/cmd/seccomp-policy": "TestScripts/process",
}

// helpers are the programs that tests run and would have go build.
var helpers = []string{"internal/goprogram", "cmd/sandbox/testdata/probe"}

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
	_, isFurther := further[p.ImportPath]
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
	env := append(os.Environ(), "GOOS=linux", "GOARCH="+b.target.GOARCH, "CGO_ENABLED=0")
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

// test builds a package's test binary and returns its path.
func (b builder) test(ctx context.Context, p testPackage) (string, error) {
	name := cmp.Or(strings.ReplaceAll(p.rel(), "/", "_"), filepath.Base(module))
	bin := filepath.Join(b.out, b.target.GOARCH, name+".test")
	_, err := b.goCommand(ctx, "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", bin, p.ImportPath)
	if err != nil {
		return "", fmt.Errorf("build the tests of %s: %w", p.ImportPath, err)
	}
	return bin, nil
}

// command builds a program.
func (b builder) command(ctx context.Context, pkg string) (string, error) {
	bin := filepath.Join(b.out, b.target.GOARCH, "cmd_"+filepath.Base(pkg))
	_, err := b.goCommand(ctx, "build", "-ldflags=-s -w", "-o", bin, pkg)
	if err != nil {
		return "", fmt.Errorf("build %s: %w", pkg, err)
	}
	return bin, nil
}
