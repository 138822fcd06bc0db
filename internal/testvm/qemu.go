package testvm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/elastic/go-seccomp-bpf/internal/testvm/console"
)

const (
	bootTimeout = 150 * time.Second // from qemu's start to /init's first word; 2–30 s are usual
	panicGrace  = 5 * time.Second   // for the rest of a kernel's last words; not every board resets
	runSlack    = 20 * time.Second  // beyond a run's own limit, which the guest enforces
	haltTimeout = 5 * time.Second   // from /init's last word to qemu's end
	tailLines   = 25                // of kernel console shown when a guest hangs
)

// watcher receives what a guest reports, in order.
type watcher interface {
	hello(release, machine string)
	start(run int)
	output(run int, text string)
	exit(m console.Message)
	note(text string)
}

// A virtual is a guest ready to boot.
type virtual struct {
	guest     Guest
	emulator  *emulator
	kernel    string
	initramfs string
	plan      console.Plan
	cpus      int
}

func (v virtual) command(ctx context.Context) (*exec.Cmd, error) {
	args := append([]string{}, v.guest.Emulator.Args...)
	serial := []string{"-serial", "stdio"}
	if strings.Contains(v.guest.Append, "ttysclp0") {
		serial = []string{"-chardev", "stdio,id=console", "-device", "sclpconsole,chardev=console"}
	}
	args = append(args, "-accel", "tcg", "-m", "1G", "-smp", fmt.Sprint(v.cpus),
		"-nodefaults", "-display", "none", "-no-reboot",
		"-kernel", v.kernel, "-initrd", v.initramfs,
		"-append", v.guest.Append+" "+faster+" loglevel=4 panic=-1 oops=panic random.trust_cpu=on")
	return v.emulator.command(ctx, v.guest.Emulator.Binary, append(args, serial...)...)
}

// faster turns off what protects a kernel from programs, has nothing to do with
// seccomp, and costs an emulated machine a quarter of its time.
const faster = "pti=off kpti=off init_on_alloc=0 randomize_kstack_offset=off hardened_usercopy=off"

// errHang is a guest that had to be ended.
var errHang = errors.New("guest hangs")

// boot runs the guest to its end and reports to w. A nil error means that
// /init ran every program of the plan and said goodbye.
func (v virtual) boot(ctx context.Context, w watcher) error {
	cmd, err := v.command(ctx)
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := startNice(cmd); err != nil {
		return fmt.Errorf("start %s: %w", v.guest.Emulator.Binary, err)
	}
	s := &session{v: v, w: w, lines: make(chan []byte, 256), state: "before the kernel's first message"}
	go s.read(out)
	err = s.follow(ctx)
	if errors.Is(err, errHang) || s.bye {
		s.endWithin(cmd, err)
	}
	for range s.lines { // qemu's pipe must be drained before Wait
	}
	waitErr := cmd.Wait()
	if err == nil && !s.bye {
		err = fmt.Errorf("the guest ended %s (%v)%s%s", s.state, exitText(waitErr), said("qemu", stderr.String()), s.consoleTail())
	}
	return err
}

func exitText(err error) string {
	if err == nil {
		return "it powered off or reset"
	}
	return "qemu: " + err.Error()
}

func said(who, text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	return fmt.Sprintf("\n%s said: %s", who, text)
}

// session follows one boot.
type session struct {
	v     virtual
	w     watcher
	lines chan []byte
	tail  []string // the kernel's last lines
	state string   // what the guest was doing, for the explanation
	bye   bool
	last  string // the running test's last line
}

func (s *session) read(r io.Reader) {
	defer close(s.lines)
	br := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := br.ReadBytes('\n')
		if len(line) > 0 {
			s.lines <- line
		}
		if err != nil {
			return
		}
	}
}

// follow handles console lines until the guest ends or one of its deadlines passes.
func (s *session) follow(ctx context.Context) error {
	deadline := time.NewTimer(bootTimeout)
	defer deadline.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: interrupted %s: %w", errHang, s.state, ctx.Err())
		case <-deadline.C:
			return fmt.Errorf("%w: no end in sight %s%s%s", errHang, s.state, said("the test", s.last), s.consoleTail())
		case line, ok := <-s.lines:
			if !ok {
				return nil
			}
			next, err := s.line(line)
			if err != nil {
				return err
			}
			if next > 0 {
				deadline.Reset(next)
			}
			if s.bye {
				return nil
			}
		}
	}
}

// line handles one console line and returns the new time limit, if it sets one.
func (s *session) line(line []byte) (time.Duration, error) {
	m, ok, err := console.Parse(line)
	if err != nil {
		s.w.note("the console lost part of a message: " + err.Error())
		return 0, nil
	}
	if !ok {
		s.kernelLine(strings.TrimRight(string(line), "\r\n"))
		if bytes.Contains(line, []byte("Kernel panic - not syncing")) {
			return panicGrace, nil
		}
		return 0, nil
	}
	if m.Run < 0 || m.Run >= len(s.v.plan.Runs) && m.Kind != console.Hello && m.Kind != console.Note && m.Kind != console.Bye {
		return 0, fmt.Errorf("%w: it speaks of run %d of %d", errHang, m.Run, len(s.v.plan.Runs))
	}
	switch m.Kind {
	case console.Hello:
		s.state = "after /init started"
		s.w.hello(m.Release, m.Machine)
		return runSlack, nil
	case console.Start:
		r := s.v.plan.Runs[m.Run]
		s.state, s.last = "while "+r.Path+" ran", ""
		s.w.start(m.Run)
		return time.Duration(r.Seconds)*time.Second + runSlack, nil
	case console.Output:
		text := m.Text
		s.last = text
		if !m.Partial {
			text += "\n"
		}
		s.w.output(m.Run, text)
	case console.Exit:
		s.state = "after " + s.v.plan.Runs[m.Run].Path + " ended"
		s.w.exit(m)
		return runSlack, nil
	case console.Note:
		s.w.note(m.Text)
	case console.Bye:
		s.bye = true
	}
	return 0, nil
}

func (s *session) kernelLine(text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	if len(s.tail) == 0 && s.state == "before the kernel's first message" {
		s.state = "while the kernel started, before /init"
	}
	s.tail = append(s.tail, text)
	if len(s.tail) > tailLines {
		s.tail = s.tail[1:]
	}
}

func (s *session) consoleTail() string {
	if len(s.tail) == 0 {
		return "\nits console stayed empty: the kernel did not start on this machine type"
	}
	return "\nits console ended with:\n\t" + strings.Join(s.tail, "\n\t")
}

// endWithin ends qemu by its process id: at once when the guest hangs, else
// when it has not powered off a little after saying goodbye. (Malta cannot.)
func (s *session) endWithin(cmd *exec.Cmd, err error) {
	wait := haltTimeout
	if err != nil {
		wait = 0
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			_ = cmd.Process.Kill() // fails only when it has just ended
			return
		case _, ok := <-s.lines:
			if !ok {
				return
			}
		}
	}
}
