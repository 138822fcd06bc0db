//go:build tools

package elfscan_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// compiler is a C compiler with its C library, and ways to use it.
type compiler struct {
	name, command, pkg string
	ways               []string
	sysroot, qemu      string // for another machine
}

var (
	someWays = []string{"", "-no-pie", "-static", "-static -Wl,-z,now"}
	allWays  = append([]string{"-static-pie -fPIE"}, someWays...) // Debian has rcrt1.o for some machines only
)

var compilers = []compiler{
	{name: "glibc", command: "gcc", pkg: "gcc", ways: allWays},
	{name: "musl", command: "musl-gcc", pkg: "musl-tools", ways: []string{"", "-static"}},
	{"i386", "i686-linux-gnu-gcc", "gcc-i686-linux-gnu libc6-dev-i386-cross", allWays, "/usr/i686-linux-gnu", "qemu-i386-static"},
	{"armel", "arm-linux-gnueabi-gcc", "gcc-arm-linux-gnueabi libc6-dev-armel-cross", someWays, "/usr/arm-linux-gnueabi", "qemu-arm-static"},
	{"arm64", "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross", allWays, "/usr/aarch64-linux-gnu", "qemu-aarch64-static"},
	{"riscv64", "riscv64-linux-gnu-gcc", "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross", someWays, "/usr/riscv64-linux-gnu", "qemu-riscv64-static"},
	{"ppc64le", "powerpc64le-linux-gnu-gcc", "gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross", someWays, "/usr/powerpc64le-linux-gnu", "qemu-ppc64le-static"},
	{"s390x", "s390x-linux-gnu-gcc", "gcc-s390x-linux-gnu libc6-dev-s390x-cross", someWays, "/usr/s390x-linux-gnu", "qemu-s390x-static"},
}

// eachCompiler compiles a C program with every compiler and in every way.
func eachCompiler(t *testing.T, source string, flags []string, do func(t *testing.T, c compiler, dir, bin string)) {
	source, err := filepath.Abs(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range compilers {
		for _, way := range c.ways {
			t.Run(strings.TrimSpace(c.name+" "+way), func(t *testing.T) {
				installed(t, c.command, c.pkg)
				dir := t.TempDir()
				bin := filepath.Join(dir, "program")
				args := append([]string{"-O2", "-w", "-pthread", "-o", bin, source}, strings.Fields(way)...)
				command(t, nil, dir, c.command, append(args, flags...)...)
				do(t, c, dir, bin)
			})
		}
	}
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
	for _, source := range []string{"work.c", "many.c", "named.c"} {
		t.Run(source, func(t *testing.T) {
			flags := map[string][]string{"many.c": {"-s"}, "named.c": {"-s"}}[source]
			eachCompiler(t, filepath.Join("testdata", "c", source), flags, checkUsed)
		})
	}
	for _, c := range []struct {
		name, source, compiler string
		flags                  []string
	}{
		{"c++", "work.cc", "g++", []string{"-O2", "-pthread"}},
		{"c++ static", "work.cc", "g++", []string{"-O2", "-pthread", "-static"}},
		{"rust", "work.rs", "rustc", []string{"-O"}},
		{"rust static", "work.rs", "rustc", []string{"-O", "-Ctarget-feature=+crt-static", "-Cstrip=symbols"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			installed(t, c.compiler, c.compiler)
			dir := t.TempDir()
			bin := filepath.Join(dir, "program")
			command(t, nil, "", c.compiler, append([]string{"-o", bin, filepath.Join("testdata", "c", c.source)}, c.flags...)...)
			checkUsed(t, compiler{}, dir, bin)
		})
	}
}

// checkUsed compares the calls found with those that a program is seen to make,
// and runs it under its policy.
func checkUsed(t *testing.T, c compiler, dir, bin string) {
	t.Helper()
	var used []string
	if c.qemu == "" {
		used = calledBy(t, dir, bin)
	} else {
		var (
			out string
			err error
		)
		used, out, err = emulated(t, dir, c.qemu, "-L", c.sysroot, bin)
		if err != nil || !strings.HasPrefix(out, "done") {
			t.Fatalf("%v: %s", err, out)
		}
	}
	res := scanFile(t, bin, &elfscan.Options{Path: bin, Sysroot: c.sysroot})
	if res.Partial {
		t.Errorf("partial: %v", res.Notes)
	}
	if gradesOf(res)["socketcall"] == elfscan.Reachable { // qemu names what it does
		used = slices.DeleteFunc(used, func(name string) bool { return name == "shutdown" })
	}
	compare(t, res, used)
	if c.qemu == "" {
		worksUnderItsPolicy(t, dir, bin, res)
	}
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
	cmd := exec.Command(sandbox, "--policy", policy, "--", bin)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
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

// TestNumbersThatChange: a system call whose number may change where it does
// not show is told, whatever the number is at first.
func TestNumbersThatChange(t *testing.T) {
	want := []string{"behind_pointer", "from_file", "from_text", "kept_elsewhere", "never_set", "thread_local_variable"}
	eachCompiler(t, filepath.Join("testdata", "c", "unknown.c"), nil, func(t *testing.T, c compiler, dir, bin string) {
		opt := &elfscan.Options{Path: bin, Sysroot: c.sysroot}
		if got := told(scanFile(t, bin, opt)); !slices.Equal(got, want) {
			t.Errorf("unresolved are %q, want %q", got, want)
		}
		command(t, nil, dir, strings.TrimPrefix(strings.TrimSuffix(c.command, "gcc"), "musl-")+"strip", bin)
		if got := told(scanFile(t, bin, opt)); len(got) != len(want) {
			t.Errorf("stripped, unresolved are %q", got)
		}
	})
}
