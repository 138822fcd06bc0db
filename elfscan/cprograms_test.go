//go:build tools

package elfscan_test

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// strip removes the symbols from a program.
func (c compiler) strip(t *testing.T, bin string) {
	t.Helper()
	command(t, nil, "", strings.TrimPrefix(strings.TrimSuffix(c.command, "gcc"), "musl-")+"strip", bin)
}

// oneWay are the compilers, each used in one way.
func oneWay() []compiler {
	out := slices.Clone(compilers)
	for i := range out {
		out[i].ways = out[i].ways[:1]
	}
	return out
}

// eachCompiler compiles a C program with every compiler and in every way.
func eachCompiler(t *testing.T, list []compiler, source string, flags []string, do func(t *testing.T, c compiler, dir, bin string)) {
	source, err := filepath.Abs(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
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
			eachCompiler(t, compilers, filepath.Join("testdata", "c", source), flags, checkUsed)
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
	eachCompiler(t, compilers, filepath.Join("testdata", "c", "unknown.c"), nil, func(t *testing.T, c compiler, dir, bin string) {
		opt := &elfscan.Options{Path: bin, Sysroot: c.sysroot}
		if got := told(scanFile(t, bin, opt)); !slices.Equal(got, want) {
			t.Errorf("unresolved are %q, want %q", got, want)
		}
		c.strip(t, bin)
		if got := told(scanFile(t, bin, opt)); len(got) != len(want) {
			t.Errorf("stripped, unresolved are %q", got)
		}
	})
}

// TestNumbersHardToReach: a system call to which jumps and tables lead that are
// hard to follow is found; in stripped programs for machines without unwind
// information, it is found or told.
func TestNumbersHardToReach(t *testing.T) {
	for source, want := range map[string][]string{"jumps.c": nil, "tables.c": {"one", "two"}} {
		for level, list := range map[string][]compiler{"-O2": compilers, "-Os": oneWay(), "-O0": oneWay()} {
			t.Run(source+level, func(t *testing.T) {
				file := filepath.Join("testdata", "c", source)
				calls := namedCalls(t, file)
				eachCompiler(t, list, file, []string{level}, func(t *testing.T, c compiler, dir, bin string) {
					checkHardToReach(t, c, bin, calls, want)
				})
			})
		}
	}
}

// TestLargeModel: code whose calls are not followed is told.
func TestLargeModel(t *testing.T) {
	for _, way := range []string{"", "-static"} {
		dir := t.TempDir()
		bin := filepath.Join(dir, "program")
		source, err := filepath.Abs(filepath.Join("testdata", "c", "tables.c"))
		if err != nil {
			t.Fatal(err)
		}
		installed(t, "gcc", "gcc")
		command(t, nil, dir, "gcc", append([]string{"-mcmodel=large", "-fPIE", "-w", "-o", bin, source}, strings.Fields(way)...)...)
		if res := scanFile(t, bin, nil); !res.Partial || !strings.Contains(strings.Join(res.Notes, "\n"), "large model") {
			t.Errorf("%s: partial is %v, notes are %q", way, res.Partial, res.Notes)
		}
	}
}

// namedCalls are the system calls that a program names; kexec_load is passed to
// functions that have unresolved numbers.
func namedCalls(t *testing.T, source string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`SYS_(\w+)`).FindAllSubmatch(text, -1) {
		if name := string(m[1]); name != "kexec_load" {
			names = append(names, name)
		}
	}
	return names
}

func checkHardToReach(t *testing.T, c compiler, bin string, calls, want []string) {
	t.Helper()
	opt := &elfscan.Options{Path: bin, Sysroot: c.sysroot}
	res := scanFile(t, bin, opt)
	if got := told(res); !slices.Equal(got, want) {
		t.Errorf("unresolved are %q, want %q", got, want)
	}
	where := map[string]string{}
	for _, call := range res.Calls {
		if slices.Contains(calls, call.Name) {
			where[call.Name] = call.Evidence[0].Function
		}
	}
	inside := functions(t, bin)
	c.strip(t, bin)
	res = scanFile(t, bin, opt)
	for _, name := range calls {
		if where[name] == "" {
			t.Errorf("%s is not found", name)
			continue
		}
		found := slices.ContainsFunc(res.Calls, func(call elfscan.Call) bool { return call.Name == name })
		if !found && !slices.ContainsFunc(res.Unresolved, func(u elfscan.Site) bool { return inside(where[name], u.Address) }) {
			t.Errorf("stripped, %s of %s is neither found nor told", name, where[name])
		}
	}
	if got := told(res); c.unwinds() && len(got) != len(want) {
		t.Errorf("stripped, unresolved are %q", got)
	}
}

// unwinds reports whether stripped programs tell where functions start and end.
func (c compiler) unwinds() bool { return c.name != "armel" && c.name != "riscv64" }

// symbolsOf are the symbols of an executable.
func symbolsOf(t *testing.T, bin string) []elf.Symbol {
	t.Helper()
	f, err := elf.Open(bin)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	return symbols
}

// functions tells whether an address is in a function of a program, the parts
// that the compiler puts elsewhere included.
func functions(t *testing.T, bin string) func(name string, addr uint64) bool {
	t.Helper()
	symbols := symbolsOf(t, bin)
	return func(name string, addr uint64) bool {
		name, _, _ = strings.Cut(name, ".")
		return slices.ContainsFunc(symbols, func(s elf.Symbol) bool {
			of, _, _ := strings.Cut(s.Name, ".")
			return of == name && addr >= s.Value && addr < s.Value+s.Size
		})
	}
}
