package seccomp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// StartChild starts the command under the filter, as cmd.Start would without
// it; the caller waits for it with cmd.Wait. The calling process and its
// threads stay as they are, without the filter and without no_new_privs.
//
// The filter is in force when the command's first instruction runs. It has to
// allow what the command needs and execve, with which the command is started;
// the system calls that Go makes to start a process need not be allowed.
//
// When StartChild returns an error, no child is left. It does not work with
// SysProcAttr's Chroot and Ptrace, nor where a system forbids to execute files
// that exist in memory only (the sysctl vm.memfd_noexec=2) or has no /proc.
func StartChild(cmd *exec.Cmd, filter Filter) error {
	if filter.Flag&FilterFlagNewListener != 0 {
		return errors.New("start confined child: flag new_listener: the listener would be lost; StartChildListener returns it")
	}
	_, err := startChild(cmd, &filter)
	return err
}

// StartChildListener is StartChild with FilterFlagNewListener. It returns the
// listener through which the caller answers the calls of the child that
// ActionUserNotify decides on (Linux 5.6). Where execve is one of them, it
// returns before the command is executed, and a failure to do so is the child's
// exit status 127.
func StartChildListener(cmd *exec.Cmd, filter Filter) (*os.File, error) {
	filter.Flag |= FilterFlagNewListener
	return startChild(cmd, &filter)
}

func startChild(cmd *exec.Cmd, f *Filter) (*os.File, error) {
	listener, err := tryStartChild(cmd, f)
	if err != nil {
		return nil, fmt.Errorf("start confined child %s: %w", cmd.Path, err)
	}
	return listener, nil
}

func tryStartChild(cmd *exec.Cmd, f *Filter) (*os.File, error) {
	if err := checkCommand(cmd); err != nil {
		return nil, err
	}
	c, err := f.compile()
	if err != nil {
		return nil, err
	}
	start := c.execve(cmd.Path)
	if start.refuses() {
		return nil, fmt.Errorf("the filter answers execve with %s, so the command could not start; allow execve", start)
	}
	child, err := newChild(cmd, f, c)
	if err != nil {
		return nil, err
	}
	defer child.close()
	if err := child.start(cmd); err != nil {
		return nil, err
	}
	listener, err := child.await(cmd, start == ActionUserNotify)
	if err != nil {
		_ = cmd.Process.Kill() // it may have ended by itself
		_ = cmd.Wait()
		if listener != nil {
			listener.Close()
		}
		return nil, err
	}
	return listener, nil
}

func checkCommand(cmd *exec.Cmd) error {
	switch {
	case cmd.Err != nil:
		return cmd.Err
	case cmd.Process != nil:
		return errors.New("already started")
	case cmd.Path == "" || bytes.IndexByte([]byte(cmd.Path), 0) >= 0:
		return fmt.Errorf("%q is not a path", cmd.Path)
	case cmd.SysProcAttr == nil:
		return nil
	case cmd.SysProcAttr.Chroot != "":
		return errors.New("SysProcAttr.Chroot is not supported: the filter is loaded by way of /proc")
	case cmd.SysProcAttr.Ptrace:
		return errors.New("SysProcAttr.Ptrace is not supported: the child executes twice")
	}
	return nil
}

// execve is the kind of action for this process's execve of a path.
func (c *Compiled) execve(path string) Action {
	native, err := arch.GetInfo("")
	if err != nil {
		return 0
	}
	nr, _ := native.Number("execve")
	const somewhereOnTheStack = 0x7ff00000
	d := cbpf.Data{NR: nr, Arch: uint32(native.ID), IP: codeAddress}
	d.Args = [6]uint64{tableAddress + maxEntries*entryWords*uint64(wordSize), somewhereOnTheStack, somewhereOnTheStack}
	words := d.Words(c.bigEndian)
	ret, _ := cbpf.Program(c.program).Run(&words)
	if ret&^uint32(dataMask) == killThreadReturn {
		return ActionKillThread
	}
	return Action(ret &^ uint32(dataMask)).Kind()
}

// A child is the trampoline's side of a command that is being started.
type child struct {
	status *os.File // shared with the trampoline
	image  *os.File // the trampoline
	alive  *os.File // ends when the trampoline does: read end
	tell   *os.File // write end, for the child alone
	self   *os.File // this process's own executable, where that is the command
	layout *layout
}

func newChild(cmd *exec.Cmd, f *Filter, c *Compiled) (_ *child, err error) {
	ch := &child{}
	defer func() {
		if err != nil {
			ch.close()
		}
	}()
	if ch.alive, ch.tell, err = os.Pipe(); err != nil {
		return nil, err
	}
	if ch.status, err = memoryFile("seccomp-status", make([]byte, largestPage), 0); err != nil {
		return nil, err
	}
	first := 3 + len(cmd.ExtraFiles)
	plan := childPlan{
		program: c.program, noNewPrivs: f.NoNewPrivs, flags: f.Flag, path: cmd.Path,
		aliveFD: first, statusFD: first + 1, imageFD: first + 2,
	}
	if cmd.Path == "/proc/self/exe" || cmd.Path == "/proc/thread-self/exe" {
		// To the trampoline that is the trampoline.
		if ch.self, err = openExecutable(cmd.Path); err != nil {
			return nil, err
		}
		plan.commandFD = first + 3
	}
	ch.layout = plan.build()
	code, err := trampolineCode()
	if err != nil {
		return nil, err
	}
	file, err := image(code, ch.layout.data)
	if err != nil {
		return nil, err
	}
	ch.image, err = memoryFile("seccomp-child", file, mfdExec)
	return ch, err
}

func (ch *child) close() {
	for _, f := range []*os.File{ch.status, ch.image, ch.alive, ch.tell, ch.self} {
		if f != nil {
			f.Close()
		}
	}
}

func openExecutable(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

const mfdExec = 0x10 // MFD_EXEC, since Linux 6.3

// memoryFile is a file that exists in memory only.
func memoryFile(name string, content []byte, flags int) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|flags)
	if errors.Is(err, unix.EINVAL) && flags != 0 {
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, fmt.Errorf("create a file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.WriteAt(content, 0); err != nil {
		f.Close()
		return nil, fmt.Errorf("write a file in memory: %w", err)
	}
	return f, nil
}

// start has the command's process execute the trampoline.
func (ch *child) start(cmd *exec.Cmd) error {
	path, files := cmd.Path, cmd.ExtraFiles
	defer func() { cmd.Path, cmd.ExtraFiles = path, files }()
	cmd.ExtraFiles = append(append([]*os.File(nil), files...), ch.tell, ch.status, ch.image)
	cmd.Path = fdPath(3 + len(files) + 2)
	if ch.self != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, ch.self)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("execute the program that loads the filter: %w", err)
	}
	ch.tell.Close()
	ch.tell = nil
	return nil
}

// await waits until the command is executed, and fetches the listener if there
// is one. Where execve waits for the listener's answers, it does not.
func (ch *child) await(cmd *exec.Cmd, asksForExec bool) (listener *os.File, err error) {
	ended := make(chan error, 1)
	alive := ch.alive
	ch.alive = nil
	go func() {
		defer alive.Close()
		_, err := io.Copy(io.Discard, alive)
		ended <- err
	}()
	if ch.wantsListener() {
		if listener, err = ch.fetchListener(cmd, ended); err != nil || asksForExec {
			return listener, err
		}
	}
	if err := <-ended; err != nil {
		return listener, err
	}
	return listener, ch.outcome(cmd)
}

func (ch *child) wantsListener() bool {
	at := ch.layout.load - tableAddress + 8*wordSize
	return !bytes.Equal(ch.layout.data[at:at+wordSize], make([]byte, wordSize))
}

// readStatus gives the words that the trampoline has written.
func (ch *child) readStatus() (words [statusWords]uintptr, err error) {
	b := make([]byte, statusWords*wordSize)
	if _, err := ch.status.ReadAt(b, 0); err != nil {
		return words, err
	}
	for i := range words {
		at := b[uintptr(i)*wordSize:]
		if wordSize == 8 {
			words[i] = uintptr(binary.NativeEndian.Uint64(at))
		} else {
			words[i] = uintptr(binary.NativeEndian.Uint32(at))
		}
	}
	return words, nil
}

// outcome is nil if the trampoline has executed the command.
func (ch *child) outcome(cmd *exec.Cmd) error {
	words, err := ch.readStatus()
	if err != nil {
		return err
	}
	done, errno := words[0], unix.Errno(words[1])
	switch {
	case done == ch.layout.load && errno == 0:
		return nil
	case done == ch.layout.load:
		return &os.PathError{Op: "execve", Path: cmd.Path, Err: errno}
	case errno == unix.EACCES:
		return fmt.Errorf("load filter in the child: %w: it takes no_new_privs (Filter.NoNewPrivs) or CAP_SYS_ADMIN", errno)
	case errno != 0:
		return fmt.Errorf("load filter in the child: %w", errno)
	}
	return errors.New("the child ended before the filter was loaded")
}

// fetchListener copies the listener from the child, which waits for that.
func (ch *child) fetchListener(cmd *exec.Cmd, ended <-chan error) (*os.File, error) {
	for {
		words, err := ch.readStatus()
		if err != nil {
			return nil, err
		}
		if words[0] == ch.layout.load {
			break
		}
		select {
		case err := <-ended:
			return nil, errors.Join(err, ch.outcome(cmd))
		case <-time.After(20 * time.Microsecond):
		}
	}
	words, err := ch.readStatus() // the result was written first
	if err != nil {
		return nil, err
	}
	pidfd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_open (Linux 5.3): %w", err)
	}
	defer unix.Close(pidfd)
	fd, err := unix.PidfdGetfd(pidfd, int(words[2]), 0)
	switch {
	case errors.Is(err, unix.EPERM):
		return nil, fmt.Errorf("fetch the listener: pidfd_getfd: %w: this process may not trace its child, or runs under a filter without pidfd_getfd, as in most containers", err)
	case err != nil:
		return nil, fmt.Errorf("fetch the listener: pidfd_getfd (Linux 5.6): %w", err)
	}
	unix.CloseOnExec(fd)
	listener := os.NewFile(uintptr(fd), "seccomp listener")
	goOn := make([]byte, wordSize)
	for i := range goOn {
		goOn[i] = 1
	}
	_, err = ch.status.WriteAt(goOn, int64(3*wordSize))
	return listener, err
}
