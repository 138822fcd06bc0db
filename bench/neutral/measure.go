package neutral

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// A Cost is what compiling a policy takes.
type Cost struct {
	NS     float64 `json:"ns"`     // median, of the process's time on CPUs
	Allocs uint64  `json:"allocs"` // allocations on the heap
	Bytes  uint64  `json:"bytes"`  // and their size
}

// Measure runs compile once to warm up, and then until the time is used up or it
// has run 1001 times, at least once. It counts time on CPUs, the garbage
// collector's included, so that a busy machine changes little.
func Measure(budget time.Duration, compile func() error) (Cost, error) {
	end := time.Now().Add(budget)
	if err := compile(); err != nil {
		return Cost{}, err
	}
	var before, after runtime.MemStats
	var times []float64
	runtime.ReadMemStats(&before)
	for len(times) == 0 || len(times) < 1001 && time.Now().Before(end) {
		start := CPUTime()
		if err := compile(); err != nil {
			return Cost{}, err
		}
		times = append(times, float64(CPUTime()-start))
	}
	runtime.ReadMemStats(&after)
	slices.Sort(times)
	runs := uint64(len(times))
	return Cost{
		NS:     times[len(times)/2],
		Allocs: (after.Mallocs - before.Mallocs) / runs,
		Bytes:  (after.TotalAlloc - before.TotalAlloc) / runs,
	}, nil
}

// CPUTime is the time that the process has spent on CPUs.
func CPUTime() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// An Instruction is a struct sock_filter.
type Instruction struct {
	Op     uint16
	Jt, Jf uint8
	K      uint32
}

// A Compiler turns a policy into a program. Option is one of the ways in which
// it can do it; what is not part of the compiler's work is done before it
// returns compile.
type Compiler func(p *Policy, option string) (compile func() ([]Instruction, error), err error)

// Drive is the main function of a driver:
//
//	DRIVER [-option OPTION] [-budget DURATION] POLICY.json FILTER.bpf
//
// It writes the compiled policy, as x86_64's kernel takes it, and prints the
// Cost as JSON.
func Drive(c Compiler) {
	option := flag.String("option", "", "way to compile")
	budget := flag.Duration("budget", time.Second, "for measuring")
	flag.Parse()
	if err := drive(c, *option, *budget, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func drive(c Compiler, option string, budget time.Duration, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: driver [-option OPTION] [-budget DURATION] POLICY.json FILTER.bpf")
	}
	p, err := Read(args[0])
	if err != nil {
		return err
	}
	compile, err := c(p, option)
	if err != nil {
		return err
	}
	var program []Instruction
	cost, err := Measure(budget, func() error {
		program, err = compile()
		return err
	})
	if err != nil {
		return err
	}
	var raw []byte
	for _, in := range program {
		raw = binary.LittleEndian.AppendUint16(raw, in.Op)
		raw = append(raw, in.Jt, in.Jf)
		raw = binary.LittleEndian.AppendUint32(raw, in.K)
	}
	if err := os.WriteFile(args[1], raw, 0o644); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(cost)
}
