// Package peer builds the drivers of other compilers and runs them.
package peer

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/elastic/go-seccomp-bpf/bench/neutral"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// A Compiler is a peer, in one of the ways in which it can be used.
type Compiler struct {
	Name       string // with its version
	NeedsTrace bool   // it is told the weights of calls

	option string
	run    func(ctx context.Context, policy *neutral.Policy, dir string) *exec.Cmd
}

// Build builds all drivers into dir from the sources in bench. Peers that this
// machine cannot build are in the error; the others are returned all the same.
func Build(ctx context.Context, bench, dir string, budget time.Duration) ([]Compiler, error) {
	elastic, err1 := goDriver(ctx, bench, dir, "elastic", "github.com/elastic/go-seccomp-bpf", budget)
	gvisor, err2 := goDriver(ctx, bench, dir, "gvisor", "gvisor.dev/gvisor", budget)
	libseccomp, err3 := cDriver(ctx, bench, dir, budget)
	var all []Compiler
	if err1 == nil {
		all = append(all, elastic("", ""))
	}
	if err2 == nil {
		all = append(all, gvisor("", ""), gvisor("weights", ", hot calls"))
	}
	if err3 == nil {
		all = append(all, libseccomp("1", " level 1"), libseccomp("1p", " level 1, priorities"), libseccomp("2", " level 2"))
	}
	return all, errors.Join(err1, err2, err3)
}

// goDriver builds the module bench/name, whose peer is the module path.
func goDriver(ctx context.Context, bench, dir, name, path string, budget time.Duration) (func(option, suffix string) Compiler, error) {
	source, program := filepath.Join(bench, name), filepath.Join(dir, name)
	if _, err := output(goTool(ctx, source, "build", "-o", program, ".")); err != nil {
		return nil, fmt.Errorf("build the driver of %s: %w", name, err)
	}
	version, err := output(goTool(ctx, source, "list", "-m", "-f", "{{.Version}}", path))
	if err != nil {
		return nil, fmt.Errorf("version of %s: %w", name, err)
	}
	label := name + " " + short(strings.TrimSpace(version))
	return func(option, suffix string) Compiler {
		return Compiler{Name: label + suffix, NeedsTrace: option != "", option: option,
			run: func(ctx context.Context, p *neutral.Policy, dir string) *exec.Cmd {
				return exec.CommandContext(ctx, program, "-option", option, "-budget", budget.String(), policyFile(dir), filterFile(dir))
			}}
	}, nil
}

func goTool(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	// A workspace of the caller's would take this project's own module for v1.6.0.
	cmd.Env = append(os.Environ(), "GOWORK=off")
	return cmd
}

// short leaves the date of a pseudo-version.
func short(version string) string {
	if base, rest, ok := strings.Cut(version, "-"); ok && base == "v0.0.0" && len(rest) >= 8 {
		return rest[:4] + "-" + rest[4:6] + "-" + rest[6:8]
	}
	return version
}

// cDriver builds the driver of libseccomp, whose development files it installs
// on Debian when it may.
func cDriver(ctx context.Context, bench, dir string, budget time.Duration) (func(option, suffix string) Compiler, error) {
	source, program := filepath.Join(bench, "libseccomp", "driver.c"), filepath.Join(dir, "libseccomp")
	if err := haveLibseccomp(ctx); err != nil {
		return nil, err
	}
	if _, err := output(exec.CommandContext(ctx, "gcc", "-O2", "-o", program, source, "-lseccomp", "-lm")); err != nil {
		return nil, fmt.Errorf("build the driver of libseccomp: %w", err)
	}
	version, err := output(exec.CommandContext(ctx, program, "version"))
	if err != nil {
		return nil, fmt.Errorf("version of libseccomp: %w", err)
	}
	label := "libseccomp " + strings.TrimSpace(version)
	return func(option, suffix string) Compiler {
		return Compiler{Name: label + suffix, NeedsTrace: option == "1p", option: option,
			run: func(ctx context.Context, p *neutral.Policy, dir string) *exec.Cmd {
				cmd := exec.CommandContext(ctx, program, option, fmt.Sprint(budget.Nanoseconds()), filterFile(dir))
				cmd.Stdin = strings.NewReader(p.Text())
				return cmd
			}}
	}, nil
}

func haveLibseccomp(ctx context.Context) error {
	_, noCompiler := exec.LookPath("gcc")
	_, noHeader := os.Stat("/usr/include/seccomp.h")
	if noCompiler == nil && noHeader == nil {
		return nil
	}
	const packages = "gcc libc6-dev libseccomp-dev"
	_, noApt := exec.LookPath("apt-get")
	if noApt != nil || os.Geteuid() != 0 {
		return fmt.Errorf("libseccomp is left out: it needs gcc and /usr/include/seccomp.h; as root on Debian they are installed, else install %s", packages)
	}
	for _, args := range [][]string{{"update"}, append([]string{"install", "-y", "--no-install-recommends"}, strings.Fields(packages)...)} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if _, err := output(cmd); err != nil {
			return fmt.Errorf("install %s: %w", packages, err)
		}
	}
	return nil
}

func policyFile(dir string) string { return filepath.Join(dir, "policy.json") }
func filterFile(dir string) string { return filepath.Join(dir, "filter.bpf") }

// Compile has the peer compile the policy, and measure what that takes.
func (c *Compiler) Compile(ctx context.Context, p *neutral.Policy) (cbpf.Program, neutral.Cost, error) {
	program, cost, err := c.compile(ctx, p)
	if err != nil {
		return nil, neutral.Cost{}, fmt.Errorf("%s: policy %s: %w", c.Name, p.Name, err)
	}
	return program, cost, nil
}

func (c *Compiler) compile(ctx context.Context, p *neutral.Policy) (program cbpf.Program, cost neutral.Cost, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, cost, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	text, err := json.Marshal(p)
	if err != nil {
		return nil, cost, err
	}
	if err := os.WriteFile(policyFile(dir), text, 0o644); err != nil {
		return nil, cost, err
	}
	out, err := output(c.run(ctx, p, dir))
	if err != nil {
		return nil, cost, err
	}
	if err := json.Unmarshal([]byte(out), &cost); err != nil {
		return nil, cost, fmt.Errorf("driver's output: %w", err)
	}
	raw, err := os.ReadFile(filterFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cost, errors.New("the driver wrote no filter")
	}
	if err != nil {
		return nil, cost, err
	}
	if program, err = cbpf.Decode(raw, binary.LittleEndian); err != nil {
		return nil, cost, err
	}
	return program, cost, program.Validate()
}

// output runs a command; what it prints on standard error is its error.
func output(cmd *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return string(out), nil
	}
	if said := strings.TrimSpace(stderr.String()); said != "" {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	return "", err
}
