//go:build tools

package elfscan_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// work uses files, a connection, a child in a group of its own and a signal;
// with cgo, C's getppid too.
const work = `package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	if len(os.Args) > 1 {
		return // the child
	}
	dir, err := os.MkdirTemp("", "work")
	check(err)
	defer os.RemoveAll(dir)
	check(os.WriteFile(dir+"/a", []byte("hello"), 0o600))
	check(os.Rename(dir+"/a", dir+"/b"))
	check(os.Symlink("b", dir+"/c"))
	check(os.Truncate(dir+"/b", 3))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() {
		c, err := net.Dial("tcp", l.Addr().String())
		check(err)
		fmt.Fprint(c, "x")
		c.Close()
	}()
	c, err := l.Accept()
	check(err)
	_, err = c.Read(make([]byte, 1))
	check(err)
	cmd := exec.Command(os.Args[0], "child")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	check(cmd.Run())
	check(syscall.Kill(os.Getpid(), 0))
	fmt.Println("done", extra())
}
`

const workGo, workC = "\nfunc extra() int { return syscall.Getppid() }\n", `package main

// #include <unistd.h>
import "C"

func extra() int { return int(C.getppid()) }
`

// checkWorks scans a program, compares the result with what strace sees, and
// runs the program under the policy.
func checkWorks(t *testing.T, dir, path string, args ...string) *elfscan.Result {
	t.Helper()
	used := calledBy(t, dir, path, args...)
	if len(used) < 15 {
		t.Fatalf("strace saw little: %v", used)
	}
	res := scanFile(t, path, &elfscan.Options{Path: path})
	t.Log(res.GoVersion)
	compare(t, res, used)
	checkRuns(t, dir, path, res, args...)
	return res
}

// checkRuns fails unless a program works under the policy made from its scan.
func checkRuns(t *testing.T, dir, path string, res *elfscan.Result, args ...string) {
	t.Helper()
	run := sandboxed(t, dir, path, res, elfscan.PolicyOptions{})
	if out, err := run(args...).CombinedOutput(); err != nil {
		t.Errorf("under its policy: %v\n%s", err, out)
	}
}

func TestGoVariants(t *testing.T) {
	installed(t, "gcc", "gcc")
	for _, v := range []struct {
		name, env string
		cgo       bool
		flags     []string
	}{
		{"static", "CGO_ENABLED=0", false, nil},
		{"stripped pie", "CGO_ENABLED=0", false, []string{"-buildmode=pie", "-ldflags=-s -w"}},
		{"cgo", "CGO_ENABLED=1", true, nil},
		{"cgo stripped pie", "CGO_ENABLED=1", true, []string{"-buildmode=pie", "-ldflags=-s -w"}},
		{"cgo static", "CGO_ENABLED=1", true, []string{"-ldflags=-linkmode external -extldflags -static"}},
		{"race", "CGO_ENABLED=1", true, []string{"-race"}},
	} {
		t.Run(v.name, func(t *testing.T) {
			dir := t.TempDir()
			src := work
			if v.cgo {
				write(t, filepath.Join(dir, "c.go"), workC)
			} else {
				src += workGo
			}
			write(t, filepath.Join(dir, "main.go"), src)
			write(t, filepath.Join(dir, "go.mod"), "module example.test/work\n\ngo 1.21\n")
			bin := filepath.Join(dir, "program")
			command(t, []string{v.env, "GOFLAGS="}, dir, "go", append(append([]string{"build", "-o", bin}, v.flags...), ".")...)
			checkWorks(t, dir, bin)
		})
	}
	t.Run("plugin", func(t *testing.T) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc Hello() {}\n\nfunc main() {}\n")
		write(t, filepath.Join(dir, "go.mod"), "module example.test/work\n\ngo 1.21\n")
		command(t, []string{"CGO_ENABLED=1", "GOFLAGS="}, dir, "go", "build", "-buildmode=plugin", "-o", "p.so", ".")
		f, err := os.Open(filepath.Join(dir, "p.so"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := elfscan.Scan(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), "a Go plugin") {
			t.Errorf("error %v", err)
		}
	})
}

// TestPluginHost: a plugin may call methods that reflection alone calls in the
// program itself, which exports all its functions for that.
func TestPluginHost(t *testing.T) {
	for use, want := range map[string]elfscan.Grade{
		"func use(any) error { return nil }\n":                                          elfscan.Gated,
		"func use(any) error {\n\t_, err := plugin.Open(os.Args[1])\n\treturn err\n}\n": elfscan.Reachable,
	} {
		source := templateProgram(use)
		if want == elfscan.Reachable {
			source = strings.Replace(source, "\"net\"", "\"net\"\n\t\"plugin\"", 1)
		}
		dir := t.TempDir()
		write(t, filepath.Join(dir, "main.go"), source)
		write(t, filepath.Join(dir, "go.mod"), "module example.test/host\n\ngo 1.21\n")
		bin := filepath.Join(dir, "host")
		command(t, []string{"CGO_ENABLED=1", "GOFLAGS="}, dir, "go", "build", "-o", bin, ".")
		res := scanFile(t, bin, nil)
		for _, u := range res.Unresolved {
			t.Errorf("unresolved: %+v", u)
		}
		grades := gradesOf(res)
		for _, call := range []string{"fchdir", "fchown"} {
			if g := grades[call]; g != want {
				t.Errorf("%s: %v, want %v", call, g, want)
			}
		}
	}
}

// TestNumberLikeAddress: a number in Go's code that happens to be the address
// of a function is none, also where code of C may have such.
func TestNumberLikeAddress(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "c.go"), workC)
	write(t, filepath.Join(dir, "main.go"), work+`
//go:noinline
func like(n uint32) bool { return n == 0x1badf00d }

func init() { println(like(uint32(len(os.Args)))) }
`)
	write(t, filepath.Join(dir, "go.mod"), "module example.test/work\n\ngo 1.21\n")
	bin := filepath.Join(dir, "program")
	command(t, []string{"CGO_ENABLED=1", "GOFLAGS="}, dir, "go", "build", "-ldflags=-linkmode=external -extldflags=-no-pie", "-o", bin, ".")
	symbols := symbolsOf(t, bin)
	i := slices.IndexFunc(symbols, func(s elf.Symbol) bool { return s.Name == "syscall.RawSyscall" })
	if i < 0 {
		t.Fatal("no syscall.RawSyscall")
	}
	b, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	number := binary.LittleEndian.AppendUint32(nil, 0x1badf00d)
	if n := bytes.Count(b, number); n != 1 {
		t.Fatalf("the number is there %d times", n)
	}
	address := binary.LittleEndian.AppendUint32(nil, uint32(symbols[i].Value))
	if err := os.WriteFile(bin, bytes.Replace(b, number, address, 1), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, u := range scanFile(t, bin, nil).Unresolved {
		t.Errorf("unresolved: %+v", u)
	}
}

// Releases of esbuild, which npm has, were built with old versions of Go.
func TestOldGo(t *testing.T) {
	installed(t, "npm", "npm")
	for version, want := range map[string]string{"0.8.50": "go1.16", "0.12.0": "go1.16.3", "0.13.15": "go1.17.2", "0.14.39": "go1.18.1", "0.15.5": "go1.19"} {
		t.Run(want, func(t *testing.T) {
			dir := t.TempDir()
			command(t, nil, dir, "npm", "pack", "--silent", "esbuild-linux-64@"+version)
			command(t, nil, dir, "tar", "xzf", "esbuild-linux-64-"+version+".tgz")
			write(t, filepath.Join(dir, "in.js"), "let x = 1 + 2; console.log(x)")
			res := checkWorks(t, dir, filepath.Join(dir, "package/bin/esbuild"), "in.js", "--minify", "--outfile=out.js")
			if res.GoVersion != want {
				t.Errorf("version %q", res.GoVersion)
			}
		})
	}
}

// Newer ones are toolchains that the go command fetches.
func TestGoVersions(t *testing.T) {
	for _, version := range []string{"go1.21.13", "go1.23.12", "go1.25.5"} {
		t.Run(version, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "main.go"), work+workGo)
			write(t, filepath.Join(dir, "go.mod"), "module example.test/work\n\ngo 1.21\n")
			bin := filepath.Join(dir, "program")
			command(t, []string{"CGO_ENABLED=0", "GOFLAGS=", "GOTOOLCHAIN=" + version}, dir, "go", "build", "-o", bin, ".")
			if res := checkWorks(t, dir, bin); res.GoVersion != version {
				t.Errorf("version %q", res.GoVersion)
			}
		})
	}
}
