//go:build tools

package elfscan_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// cPrograms are ways to build the programs in testdata/c.
var cPrograms = []struct {
	name, source, compiler, pkg string
	flags                       []string
	strip                       bool
	sysroot, qemu               string // for another machine
}{
	{name: "glibc", source: "work.c", compiler: "gcc", pkg: "gcc"},
	{name: "glibc-static", source: "work.c", compiler: "gcc", pkg: "gcc", flags: []string{"-static"}, strip: true},
	{name: "glibc-static-pie", source: "work.c", compiler: "gcc", pkg: "gcc", flags: []string{"-static-pie"}},
	{name: "musl", source: "work.c", compiler: "musl-gcc", pkg: "musl-tools"},
	{name: "musl-static", source: "work.c", compiler: "musl-gcc", pkg: "musl-tools", flags: []string{"-static"}, strip: true},
	{name: "c++", source: "work.cc", compiler: "g++", pkg: "g++"},
	{name: "c++-static", source: "work.cc", compiler: "g++", pkg: "g++", flags: []string{"-static"}},
	{name: "rust", source: "work.rs", compiler: "rustc", pkg: "rustc"},
	{name: "rust-static", source: "work.rs", compiler: "rustc", pkg: "rustc", flags: []string{"-Ctarget-feature=+crt-static"}, strip: true},
	{name: "arm64", source: "work.c", compiler: "aarch64-linux-gnu-gcc", pkg: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
		sysroot: "/usr/aarch64-linux-gnu", qemu: "qemu-aarch64-static"},
	{name: "arm64-static", source: "work.c", compiler: "aarch64-linux-gnu-gcc", pkg: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
		flags: []string{"-static"}, sysroot: "/usr/aarch64-linux-gnu", qemu: "qemu-aarch64-static"},
	{name: "riscv64", source: "work.c", compiler: "riscv64-linux-gnu-gcc", pkg: "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross",
		sysroot: "/usr/riscv64-linux-gnu", qemu: "qemu-riscv64-static"},
	{name: "riscv64-static", source: "work.c", compiler: "riscv64-linux-gnu-gcc", pkg: "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross",
		flags: []string{"-static"}, sysroot: "/usr/riscv64-linux-gnu", qemu: "qemu-riscv64-static"},
	{name: "ppc64le", source: "work.c", compiler: "powerpc64le-linux-gnu-gcc", pkg: "gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross",
		sysroot: "/usr/powerpc64le-linux-gnu", qemu: "qemu-ppc64le-static"},
	{name: "ppc64le-static", source: "work.c", compiler: "powerpc64le-linux-gnu-gcc", pkg: "gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross",
		flags: []string{"-static"}, sysroot: "/usr/powerpc64le-linux-gnu", qemu: "qemu-ppc64le-static"},
	{name: "s390x", source: "work.c", compiler: "s390x-linux-gnu-gcc", pkg: "gcc-s390x-linux-gnu libc6-dev-s390x-cross",
		sysroot: "/usr/s390x-linux-gnu", qemu: "qemu-s390x-static"},
	{name: "i386", source: "work.c", compiler: "i686-linux-gnu-gcc", pkg: "gcc-i686-linux-gnu libc6-dev-i386-cross",
		sysroot: "/usr/i686-linux-gnu", qemu: "qemu-i386-static"},
	{name: "i386-static", source: "work.c", compiler: "i686-linux-gnu-gcc", pkg: "gcc-i686-linux-gnu libc6-dev-i386-cross",
		flags: []string{"-static"}, sysroot: "/usr/i686-linux-gnu", qemu: "qemu-i386-static"},
	{name: "armel", source: "work.c", compiler: "arm-linux-gnueabi-gcc", pkg: "gcc-arm-linux-gnueabi libc6-dev-armel-cross",
		sysroot: "/usr/arm-linux-gnueabi", qemu: "qemu-arm-static"},
	{name: "armel-static", source: "work.c", compiler: "arm-linux-gnueabi-gcc", pkg: "gcc-arm-linux-gnueabi libc6-dev-armel-cross",
		flags: []string{"-static"}, sysroot: "/usr/arm-linux-gnueabi", qemu: "qemu-arm-static"},
}

// installed installs packages if a tool is missing.
func installed(t *testing.T, tool, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err == nil {
		return
	}
	args := append([]string{"-o", "DPkg::Lock::Timeout=600", "install", "-y", "--no-install-recommends"}, strings.Fields(pkg)...)
	command(t, []string{"DEBIAN_FRONTEND=noninteractive"}, "", "apt-get", args...)
}

// compileC compiles main.c in a directory and returns the program's path.
func compileC(t *testing.T, dir, source string, flags ...string) string {
	t.Helper()
	installed(t, "gcc", "gcc")
	write(t, filepath.Join(dir, "main.c"), source)
	command(t, nil, dir, "gcc", append([]string{"-O2", "-o", "main", "main.c"}, flags...)...)
	return filepath.Join(dir, "main")
}

// checkCalls fails unless calls were found reachable, and the program works
// under the policy made from the scan.
func checkCalls(t *testing.T, dir, path string, res *elfscan.Result, args, calls []string) {
	t.Helper()
	grades := gradesOf(res)
	for _, call := range calls {
		if g := grades[call]; g != elfscan.Reachable {
			t.Errorf("%s: %v", call, g)
		}
	}
	checkRuns(t, dir, path, res, args...)
}

// TestCPrograms: what each program is seen to call is in its scan, nothing is
// unresolved, and it works under the policy made from it.
func TestCPrograms(t *testing.T) {
	for _, c := range cPrograms {
		t.Run(c.name, func(t *testing.T) {
			installed(t, c.compiler, c.pkg)
			dir := t.TempDir()
			bin := filepath.Join(dir, "work")
			args := append([]string{"-O2", "-o", bin, filepath.Join("testdata", "c", c.source)}, c.flags...)
			if c.compiler == "rustc" {
				args[0] = "-O"
			} else {
				args = append(args, "-pthread")
			}
			command(t, nil, "", c.compiler, args...)
			if c.strip {
				command(t, nil, "", "strip", bin)
			}
			used := watch(t, dir, bin, c.sysroot, c.qemu)
			res := scanFile(t, bin, &elfscan.Options{Path: bin, Sysroot: c.sysroot})
			if res.Partial || len(res.Unresolved) > 0 {
				t.Errorf("partial %v (%v), unresolved %+v", res.Partial, res.Notes, res.Unresolved)
			}
			found := map[string]bool{}
			for _, call := range res.Calls {
				if call.Grade != elfscan.Gated {
					found[call.Name] = true
				}
			}
			hit := 0
			for name := range used {
				if found[name] {
					hit++
				} else if !found["socketcall"] || name != "shutdown" { // qemu names what socketcall does
					t.Errorf("missed %s", name)
				}
			}
			t.Logf("recall %d/%d, precision %.3f of %d", hit, len(used), float64(hit)/float64(len(found)), len(found))
			if c.qemu == "" {
				worksUnderItsPolicy(t, dir, bin, res)
			}
		})
	}
}

var (
	straceCall = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?([a-z_][a-z0-9_]*)[( ]`)
	qemuCall   = regexp.MustCompile(`(?m)(?:^|\s)\d+ ([a-z_][a-z0-9_]*)\(`)
)

// watch runs a program and returns the calls that it makes itself, without
// those of the programs that it executes.
func watch(t *testing.T, dir, bin, sysroot, qemu string) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	if qemu != "" {
		installed(t, qemu, "qemu-user-static")
		var trace bytes.Buffer
		cmd := exec.Command(qemu, "-L", sysroot, "-strace", bin)
		cmd.Stderr = &trace
		if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), "done") {
			t.Fatalf("%v: %s", err, out)
		}
		for _, m := range qemuCall.FindAllStringSubmatch(trace.String(), -1) {
			used[m[1]] = true
		}
		return used
	}
	installed(t, "strace", "strace")
	trace := filepath.Join(dir, "trace")
	command(t, nil, "", "strace", "-f", "-qq", "-o", trace, bin)
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	others := map[string]bool{}
	for i, line := range strings.Split(string(b), "\n") {
		m := straceCall.FindStringSubmatch(line)
		if m == nil || i == 0 || others[m[1]] {
			continue
		}
		used[m[2]] = true
		others[m[1]] = m[2] == "execve"
	}
	return used
}

func worksUnderItsPolicy(t *testing.T, dir, bin string, res *elfscan.Result) {
	t.Helper()
	p, _, err := res.Policy(&elfscan.PolicyOptions{Allow: append([]string{"execve"}, shellCalls(t)...)})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := policyfile.Write(&b, p, nil); err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(dir, "policy.yaml")
	write(t, policy, b.String())
	sandbox := filepath.Join(dir, "sandbox")
	command(t, nil, "..", "go", "build", "-o", sandbox, "./cmd/sandbox")
	out, err := exec.Command(sandbox, "--policy", policy, "--", bin).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "done 1") {
		t.Errorf("under its policy: %v: %s", err, out)
	}
}

// shellCalls are those of the programs that the tests' programs run: a filter
// is kept over execve.
func shellCalls(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, name := range []string{"/bin/sh", "/bin/echo"} {
		for _, c := range scanFile(t, name, nil).Calls {
			out = append(out, c.Name)
		}
	}
	return out
}
