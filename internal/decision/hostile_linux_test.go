package decision

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

func TestMain(m *testing.M) {
	testchild.Dispatch()
	os.Exit(m.Run())
}

var liftHostile = testchild.New("lift hostile", func(name []byte) ([]byte, error) {
	p := hostile()[string(name)]
	s, _, err := lift(p, false)
	if err != nil && !errors.Is(err, ErrTooComplex) {
		return nil, err
	}
	peak, hwm := peakMemory()
	if hwm != nil {
		return nil, hwm
	}
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%d\n%d instructions, %d nodes, %d MiB, %d ms: %v", peak, len(p), s.Len(), peak,
		(use.Utime.Nano()+use.Stime.Nano())/1e6, err), nil
})

// peakMemory is the most memory that the process has had at a time, in MiB.
func peakMemory() (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0, errors.New("/proc/self/status has no VmHWM")
	}
	kib, err := strconv.Atoi(string(fields[0]))
	return kib / 1024, err
}

// TestHostileProgramsHitTheBudget lifts each hostile program in a process of
// its own and looks at the memory it took, that of the runtime included.
func TestHostileProgramsHitTheBudget(t *testing.T) {
	over := 0
	for name, p := range hostile() {
		if _, err := NewSpace(1).Lift(p, false); err != nil && !errors.Is(err, ErrTooComplex) {
			t.Fatalf("%s is no program: %v", name, err)
		}
		out := liftHostile.Run(t, []byte(name))
		peak, text, _ := bytes.Cut(out, []byte("\n"))
		t.Logf("%s: %s", name, text)
		if mib, err := strconv.Atoi(string(peak)); err != nil || mib > memoryLimit {
			t.Errorf("%s: takes %s MiB, more than %d", name, peak, memoryLimit)
		}
		if bytes.Contains(out, []byte(ErrTooComplex.Error())) {
			over++
		}
	}
	if over < 8 {
		t.Errorf("only %d programs exceed the budget: the test no longer needs what it is for", over)
	}
}
