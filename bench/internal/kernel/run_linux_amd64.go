package kernel

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/bench/internal/ruler"
	"github.com/elastic/go-seccomp-bpf/bench/neutral"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// defeated is the suffix of a workload's name where the kernel's bitmap is
// defeated by a second filter.
const defeated = " without bitmap"

// Measure times the workloads under each program. The result has a map from
// workload to Time for each of them. Workload "mix without bitmap" is "mix" with
// a second filter on top that leaves the kernel's bitmap empty.
func Measure(ctx context.Context, programs []cbpf.Program, p *neutral.Policy, t *ruler.Trace, o Options) (times []map[string]Time, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the workers
	for _, program := range programs {
		if err := servable(program); err != nil {
			return nil, err
		}
	}
	loads := workloads(p, t)
	plain := append([]cbpf.Program{nil}, programs...)
	var workers []*process
	for _, defeat := range []bool{false, true} {
		for _, program := range plain {
			if defeat && program == nil {
				continue
			}
			w, err := start(ctx, job{Program: program, Defeat: defeat, CPU: o.CPU, Batch: o.Batch, Loads: wire(loads)})
			if err != nil {
				return nil, err
			}
			defer w.end()
			workers = append(workers, w)
		}
	}
	// Without the bitmap only the mix is timed.
	var turns []turn
	for i, w := range workers {
		for load := range loads {
			if i < len(plain) || load == 0 {
				turns = append(turns, turn{w, load, make([]float64, o.Rounds)})
			}
		}
	}
	if err := interleave(turns, o); err != nil {
		return nil, err
	}
	return summarise(turns, workers, loads, len(plain)), nil
}

// servable tells whether a worker can read commands, answer, and exit.
func servable(program cbpf.Program) error {
	for _, d := range []cbpf.Data{{NR: unix.SYS_READ}, {NR: unix.SYS_WRITE}, {NR: unix.SYS_EXIT_GROUP}} {
		d.Arch = unix.AUDIT_ARCH_X86_64
		if d.NR == unix.SYS_WRITE {
			d.Args[0] = 1
		}
		words := d.Words(false)
		if ret, _ := program.Run(&words); ret != cbpf.RetAllow {
			return fmt.Errorf("a filter does not allow call %d, which the process that is timed needs", d.NR)
		}
	}
	return nil
}

// A turn is one worker's batches of one workload, by round.
type turn struct {
	worker *process
	load   int
	ns     []float64
}

// interleave goes round by round and workload by workload, with the workers in
// a new order each time.
func interleave(turns []turn, o Options) error {
	order := make([]*turn, len(turns))
	for i := range turns {
		order[i] = &turns[i]
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range o.Rounds {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		slices.SortStableFunc(order, func(a, b *turn) int { return a.load - b.load })
		for _, t := range order {
			ns, err := t.worker.run(t.load)
			if err != nil {
				return err
			}
			t.ns[round] = ns / float64(o.Batch)
		}
	}
	return nil
}

// summarise leaves out the worker without a filter, the first of the plain ones.
func summarise(turns []turn, workers []*process, loads []workload, plain int) []map[string]Time {
	none := map[int][]float64{}
	for _, t := range turns {
		if t.worker == workers[0] {
			none[t.load] = t.ns
		}
	}
	out := make([]map[string]Time, plain-1)
	for i := range out {
		out[i] = map[string]Time{}
	}
	for _, t := range turns {
		i := slices.Index(workers, t.worker)
		name := loads[t.load].name
		switch {
		case i == 0:
			continue
		case i < plain:
			i--
		default:
			i, name = i-plain, name+defeated
		}
		out[i][name] = compare(t.ns, none[t.load])
	}
	return out
}

func compare(ns, none []float64) Time {
	extra, ratio := make([]float64, len(ns)), make([]float64, len(ns))
	for i := range ns {
		extra[i], ratio[i] = ns[i]-none[i], ns[i]/none[i]
	}
	return Time{NS: median(ns), Extra: median(extra), Ratio: median(ratio)}
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func wire(loads []workload) [][]wireCall {
	var out [][]wireCall
	for _, load := range loads {
		var calls []wireCall
		for _, c := range load.calls {
			calls = append(calls, wireCall{c.nr, c.args})
		}
		out = append(out, calls)
	}
	return out
}

// patience is how long a batch may take.
const patience = 10 * time.Second

// A process is a worker as its parent sees it.
type process struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Reader
	deadline *os.File // what out reads
	stderr   strings.Builder
	rate     float64
}

func start(ctx context.Context, j job) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &process{cmd: exec.CommandContext(ctx, self, WorkerArgument)}
	w.cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1")
	w.cmd.Stderr = &w.stderr
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.out, w.deadline = bufio.NewReader(out), out.(*os.File)
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	if err := w.begin(j); err != nil {
		w.end()
		return nil, fmt.Errorf("%w: %s", err, w.stderr.String())
	}
	return w, nil
}

func (w *process) begin(j job) error {
	if err := json.NewEncoder(w.in).Encode(j); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	line, err := w.out.ReadString('\n')
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	w.rate, err = strconv.ParseFloat(strings.TrimSpace(line), 64)
	return err
}

// run has the worker run a workload and returns the nanoseconds of its batch.
func (w *process) run(load int) (float64, error) {
	if _, err := w.in.Write([]byte{byte(load)}); err != nil {
		return 0, fmt.Errorf("worker: %w", err)
	}
	if err := w.deadline.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, fmt.Errorf("worker: %w", err)
	}
	var answer [8]byte
	if _, err := io.ReadFull(w.out, answer[:]); err != nil {
		w.end()
		return 0, fmt.Errorf("worker ended under its filter (%v): %w: %s", w.cmd.ProcessState, err, w.stderr.String())
	}
	return float64(binary.LittleEndian.Uint64(answer[:])) / w.rate, nil
}

// end ends the worker, by force where its filter does not let it exit. A second
// call does nothing.
func (w *process) end() {
	if w.cmd.ProcessState != nil {
		return
	}
	_ = w.in.Close()
	kill := time.AfterFunc(100*time.Millisecond, func() { _ = w.cmd.Process.Kill() })
	_ = w.cmd.Wait() // killed or not, it has nothing more to say
	kill.Stop()
}
