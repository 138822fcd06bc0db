package seccomp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A confined child is the command's own process: it first executes a tiny
// program, built here, that loads the filter and then executes the command.
// The Go code that runs between fork and exec, which needs many system calls,
// is over by then, so that the filter has to allow execve and nothing else
// beyond the command's needs; and no thread of the parent ever has the filter.
//
// The program is the function trampoline, copied from this binary. It makes
// the system calls of a table, one after another. Each entry of the table is
// nine words: number, six arguments, the next entry's address, and whether to
// wait then until the parent has fetched the result. Entry 0 is exit_group,
// taken when a call fails; entry 1 is the command's execve, whose argv and envp
// trampoline fills in; the rest are in order. After each call trampoline
// writes to a page that it shares with the parent, so that no system call is
// needed for the parent to know how far it came. The page has four words: the
// last entry that succeeded, the errno of one that failed, the last result,
// and the parent's word to go on.
const (
	codeAddress   = 0x400000
	tableAddress  = 0x500000
	statusAddress = 0x600000
	largestPage   = 0x10000

	entryWords = 9
	exitEntry  = 0
	execEntry  = 1
	firstEntry = 2
	maxEntries = 16

	statusWords = 4
	exitFailed  = 127
)

//lint:ignore U1000 it is only copied: it runs in a process of its own
func trampoline()

func trampolineAddress() *byte

// endMark is MARK1 and MARK2 of child_linux.h.
var endMark = []uint32{0x21646e65, 0x2e646e65}

const wordSize = unsafe.Sizeof(uintptr(0))

func trampolineCode() ([]byte, error) {
	const longest = 1024
	mark := binary.NativeEndian.AppendUint32(nil, endMark[0])
	mark = binary.NativeEndian.AppendUint32(mark, endMark[1])
	code := unsafe.Slice(trampolineAddress(), longest)
	n := bytes.Index(code, mark)
	if n < 0 {
		return nil, errors.New("internal error: the trampoline has no end; please report this")
	}
	return bytes.Clone(code[:n]), nil
}

// A childPlan is what the trampoline is to do.
type childPlan struct {
	program    []bpf.RawInstruction
	noNewPrivs bool
	flags      FilterFlag
	path       string

	// Descriptors as the child has them; commandFD is 0 where path leads to the
	// command by itself.
	statusFD, aliveFD, imageFD, commandFD int
}

// layout places the plan in the table's segment.
type layout struct {
	data []byte
	load uintptr // address of the entry that loads the filter
}

func newLayout() *layout { return &layout{data: make([]byte, maxEntries*entryWords*wordSize)} }

func (l *layout) word(at uintptr, v uintptr) {
	if wordSize == 8 {
		binary.NativeEndian.PutUint64(l.data[at:], uint64(v))
	} else {
		binary.NativeEndian.PutUint32(l.data[at:], uint32(v))
	}
}

// put adds bytes after the table and gives their address.
func (l *layout) put(b []byte) uintptr {
	for len(l.data)%16 != 0 {
		l.data = append(l.data, 0)
	}
	l.data = append(l.data, b...)
	return tableAddress + uintptr(len(l.data)-len(b))
}

func (l *layout) putWords(words ...uintptr) uintptr {
	at := l.put(make([]byte, len(words)*int(wordSize)))
	for i, w := range words {
		l.word(at-tableAddress+uintptr(i)*wordSize, w)
	}
	return at
}

func entryAddress(n int) uintptr { return tableAddress + uintptr(n)*entryWords*wordSize }

func (l *layout) entry(n int, next uintptr, wait bool, nr uintptr, args ...uintptr) {
	at := entryAddress(n) - tableAddress
	l.word(at, nr)
	for i, a := range args {
		l.word(at+uintptr(1+i)*wordSize, a)
	}
	l.word(at+7*wordSize, next)
	if wait {
		l.word(at+8*wordSize, 1)
	}
}

// build fills the table: share the status page, let go of what the command is
// not to inherit, confine, execute.
func (p *childPlan) build() *layout {
	l := newLayout()
	l.entry(exitEntry, 0, false, unix.SYS_EXIT_GROUP, exitFailed)
	path := p.path
	if p.commandFD != 0 {
		path = fdPath(p.commandFD)
	}
	l.entry(execEntry, 0, false, unix.SYS_EXECVE, l.put(append([]byte(path), 0)))

	type step []uintptr
	steps := []step{
		p.mapStatus(l),
		{unix.SYS_CLOSE, uintptr(p.statusFD)},
		{unix.SYS_CLOSE, uintptr(p.imageFD)},
		{fcntlNumber, uintptr(p.aliveFD), unix.F_SETFD, unix.FD_CLOEXEC},
	}
	if p.commandFD != 0 {
		steps = append(steps, step{fcntlNumber, uintptr(p.commandFD), unix.F_SETFD, unix.FD_CLOEXEC})
	}
	if p.noNewPrivs {
		steps = append(steps, step{unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0})
	}
	steps = append(steps, step{unix.SYS_SECCOMP, setModeFilter, uintptr(p.flags), p.putProgram(l)})
	for i, s := range steps {
		n, next := firstEntry+i, entryAddress(firstEntry+i+1)
		last := i == len(steps)-1
		if last {
			next = entryAddress(execEntry)
			l.load = entryAddress(n)
		}
		l.entry(n, next, last && p.flags&FilterFlagNewListener != 0, s[0], s[1:]...)
	}
	return l
}

// fdPath leads to an open file, which for execve need not be open for reading.
func fdPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

func (p *childPlan) mapStatus(l *layout) []uintptr {
	args := []uintptr{statusAddress, largestPage, unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_FIXED, uintptr(p.statusFD), 0}
	if runtime.GOARCH == "s390x" { // which takes them in memory
		args = []uintptr{l.putWords(args...)}
	}
	return append([]uintptr{mmapNumber}, args...)
}

// putProgram places the filter and the struct sock_fprog that points to it.
func (p *childPlan) putProgram(l *layout) uintptr {
	var code []byte
	for _, in := range p.program {
		code = binary.NativeEndian.AppendUint16(code, in.Op)
		code = append(code, in.Jt, in.Jf)
		code = binary.NativeEndian.AppendUint32(code, in.K)
	}
	at := l.put(code)
	fprog := binary.NativeEndian.AppendUint16(nil, uint16(len(p.program)))
	fprog = append(fprog, make([]byte, int(wordSize)-len(fprog))...)
	fprog = append(fprog, make([]byte, wordSize)...)
	fprogAt := l.put(fprog)
	l.word(fprogAt-tableAddress+wordSize, at)
	return fprogAt
}
