package elfscan_test

import (
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// gatePrograms use parts of Go's packages, and say which calls that leaves
// gated and which it makes reachable.
var gatePrograms = []struct {
	name, source     string
	gated, reachable []string
	gate             map[string]string // what the gate of a call says
}{
	{
		name: "neither starts nor profiles",
		source: `package main

import (
	"fmt"
	"net"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	f, err := l.(*net.TCPListener).File()
	fmt.Println(f, err)
}
`,
		gated:     []string{"dup", "mincore", "pidfd_open", "pidfd_send_signal", "timer_create", "timer_settime", "timer_delete", "wait4", "waitid"},
		reachable: []string{"fcntl", "listen", "mmap"},
		gate:      map[string]string{"pidfd_open": "process", "timer_create": "profiling", "mincore": "auxiliary", "dup": "2.6"},
	},
	{
		name: "finds a process and profiles",
		source: `package main

import (
	"os"
	"runtime/pprof"
	"syscall"
)

func main() {
	pprof.StartCPUProfile(os.Stdout)
	p, err := os.FindProcess(1)
	println(p.Pid, err)
	syscall.Dup(0)
}
`,
		gated:     []string{"mincore"},
		reachable: []string{"dup", "pidfd_open", "pidfd_send_signal", "timer_create", "timer_settime", "timer_delete", "setitimer", "wait4", "waitid"},
	},
	{
		name: "sets fields in other functions",
		source: `package main

import (
	"os"
	"os/exec"
	"syscall"
)

//go:noinline
func attrs() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

//go:noinline
func session(a *syscall.SysProcAttr) { a.Setsid = len(os.Args) > 1 }

//go:noinline
func group(c *exec.Cmd) { c.SysProcAttr.Setpgid = true }

//go:noinline
func root(c *exec.Cmd) { c.SysProcAttr.Chroot = os.Args[0] }

//go:noinline
func with(c *exec.Cmd, options ...func(*exec.Cmd)) {
	for _, o := range options {
		o(c)
	}
}

func main() {
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = attrs()
	session(cmd.SysProcAttr)
	group(cmd)
	with(cmd, root)
	println(cmd.Run())
}
`,
		gated:     []string{"clone3", "ptrace", "mount", "unshare", "setgroups"},
		reachable: []string{"setsid", "setpgid", "chroot"},
	},
	{
		name: "keeps a pointer to the fields",
		source: `package main

import (
	"os/exec"
	"syscall"
)

type starter struct{ attr *syscall.SysProcAttr }

//go:noinline
func (s *starter) die() { s.attr.Pdeathsig = syscall.SIGTERM }

func main() {
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	s := &starter{cmd.SysProcAttr}
	s.die()
	println(cmd.Run())
}
`,
		reachable: []string{"getppid"},
	},
	{
		name: "fields on the stack",
		source: `package main

import "syscall"

func main() {
	println(syscall.ForkExec("/bin/true", nil, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: true}}))
}
`,
		reachable: []string{"setsid"},
	},
	{
		name: "constant arguments",
		source: `package main

import (
	"os"
	"syscall"
)

//go:noinline
func choose(how int, path string) error {
	if how != 0 {
		return syscall.Acct(path)
	}
	return syscall.Chroot(path)
}

func main() {
	println(choose(0, os.Args[0]), os.Chmod(os.Args[0], 0o600))
}
`,
		gated:     []string{"acct", "fchmodat2"},
		reachable: []string{"chroot", "fchmodat"},
		gate:      map[string]string{"acct": "arguments of main.choose"},
	},
	{
		name: "arguments that one caller computes",
		source: `package main

import (
	"os"
	"syscall"
)

//go:noinline
func choose(how int, path string) error {
	if how != 0 {
		return syscall.Acct(path)
	}
	return syscall.Chroot(path)
}

func main() {
	println(choose(0, os.Args[0]), choose(len(os.Args), os.Args[0]), syscall.Fchmodat(3, os.Args[0], 0o600, len(os.Args)))
}
`,
		reachable: []string{"acct", "chroot", "fchmodat2"},
	},
	{
		name: "constant arguments of functions that are also called through pointers and interfaces",
		source: `package main

import (
	"os"
	"syscall"
)

type chooser struct{}

//go:noinline
func (chooser) Choose(how int, path string) error {
	if how != 0 {
		return syscall.Acct(path)
	}
	return nil
}

//go:noinline
func choose(how int, path string) error {
	if how != 0 {
		return syscall.Chroot(path)
	}
	return nil
}

var table = []func(int, string) error{choose}

var choosers = []interface{ Choose(int, string) error }{chooser{}}

func main() {
	println(choose(0, os.Args[0]), chooser{}.Choose(0, os.Args[0]))
	for i, f := range table {
		println(f(len(os.Args), os.Args[0]), choosers[i].Choose(len(os.Args), os.Args[0]))
	}
}
`,
		reachable: []string{"acct", "chroot"},
	},
	{
		name: "methods that only templates can call",
		source: templateProgram(`
// Changer has a method of the name of one of *os.File, of another type.
type changer interface{ Chown(name string, uid, gid int) error }

func use(x any) error {
	if c, ok := x.(changer); ok {
		return c.Chown("", 0, 0)
	}
	return nil
}
`),
		gated:     []string{"fchdir", "fchmod", "fchown", "recvmsg", "mprotect"},
		reachable: []string{"chroot", "fchmodat", "sendmsg"},
		gate:      map[string]string{"fchdir": "reflection", "fchmod": "reflection", "mprotect": "efence"},
	},
	{
		name: "methods that interfaces can call",
		source: templateProgram(`
type conn interface{ ReadMsgUDP(b, oob []byte) (int, int, int, *net.UDPAddr, error) }

func use(x any) error {
	if c, ok := x.(interface{ Chdir() error }); ok {
		return c.Chdir()
	}
	if c, ok := x.(interface{ Chmod(os.FileMode) error }); ok {
		return c.Chmod(0o600)
	}
	if c, ok := x.(conn); ok {
		c.ReadMsgUDP(nil, nil)
	}
	return x.(interface{ Chown(uid, gid int) error }).Chown(1, 1)
}
`),
		gated:     []string{"mprotect"},
		reachable: []string{"fchdir", "fchmod", "fchown", "recvmsg", "sendmsg"},
	},
	{
		name: "methods of handles that the program calls",
		source: templateProgram(`
func use(x any) error {
	c := x.(*net.UDPConn)
	c.ReadMsgUDP(nil, nil)
	read := x.(*file).Chdir
	later = append(later, read, func() error { return os.Stdout.Chmod(0o600) })
	return later[0]()
}

var later []func() error
`),
		gated:     []string{"fchown", "mprotect"},
		reachable: []string{"fchdir", "fchmod", "recvmsg"},
	},
}

// templateProgram is a program whose templates can reach files and sockets, and
// a type of its own.
func templateProgram(use string) string {
	return `package main

import (
	"net"
	"os"
	"syscall"
	"text/template"
)

// File has all methods of *os.File.
type file struct {
	*os.File
	name string
}

type api struct{}

// Own is what a template is meant to call.
func (api) Own(name string) string {
	syscall.Chroot(name)
	return ""
}

// All is too.
func (api) Send(c *net.UDPConn) error {
	_, _, err := c.WriteMsgUDP(nil, nil, nil)
	return err
}
` + use + `
func main() {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		panic(err)
	}
	f, _ := os.Open(os.Args[0])
	data := map[string]any{"file": &file{f, ""}, "plain": f, "conn": conn, "api": api{}}
	t := template.Must(template.ParseFiles(os.Args[1]))
	t.Execute(os.Stdout, data)
	os.Chmod(os.Args[0], 0o600)
	use(data[os.Args[2]])
}
`
}

func TestGoGates(t *testing.T) {
	for _, p := range gatePrograms {
		t.Run(p.name, func(t *testing.T) {
			bin := buildSource(t, p.source, "amd64")
			res := scanFile(t, bin, nil)
			for _, c := range res.Calls {
				if want := p.gate[c.Name]; !strings.Contains(c.Gate, want) {
					t.Errorf("gate of %s: %q, want %s", c.Name, c.Gate, want)
				}
			}
			grades := gradesOf(res)
			for _, n := range p.gated {
				if grades[n] != elfscan.Gated {
					t.Errorf("%s: %v, want gated", n, grades[n])
				}
			}
			for _, n := range p.reachable {
				if g := grades[n]; g == 0 || g == elfscan.Gated {
					t.Errorf("%s: %v, want reachable", n, g)
				}
			}
			for n, g := range gradesOf(scanFile(t, bin, &elfscan.Options{Everything: true})) {
				if g == elfscan.Gated {
					t.Errorf("%s is gated without gates", n)
				}
			}
		})
	}
}

func gradesOf(res *elfscan.Result) map[string]elfscan.Grade {
	out := map[string]elfscan.Grade{}
	for _, c := range res.Calls {
		out[c.Name] = c.Grade
	}
	return out
}
