// Command bench compiles policies with this project and with other compilers,
// and compares what comes of it.
//
//	go run -C bench .            # tables, with peers and times in the kernel
//	go run -C bench . -brief     # the same, with fewer rows
//	go run -C bench . -short     # ours only: do all programs reach their goals?
//
// It exits with status 1 when one of our programs differs from its policy or
// misses a goal. Goals that are times count only with -times, for a machine
// may be busy.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"github.com/elastic/go-seccomp-bpf/bench/internal/kernel"
)

type flags struct {
	source, ruler, format string
	short, times, brief   bool
	only                  []string
	budget                time.Duration
	kernel                kernel.Options
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == kernel.WorkerArgument {
		kernel.Worker()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	missed, err := run(ctx)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	case missed:
		os.Exit(1)
	}
}

func parse() flags {
	var f flags
	var only string
	flag.StringVar(&f.source, "source", ".", "directory of this module, with the drivers")
	flag.StringVar(&f.ruler, "ruler", "../../shared/bench", "directory with the policies p1 to p3 and a trace")
	flag.StringVar(&f.format, "o", "markdown", "markdown or json")
	flag.BoolVar(&f.short, "short", false, "ours only, and not in the kernel")
	flag.BoolVar(&f.brief, "brief", false, "leave rows of other objectives and weights out of the table")
	flag.BoolVar(&f.times, "times", false, "let goals that are times count for the exit status")
	flag.StringVar(&only, "policies", "", "names of policies, separated by commas; none: all")
	flag.DurationVar(&f.budget, "budget", 0, "how long each compiler may repeat a compilation (default 1s, with -short none)")
	flag.IntVar(&f.kernel.CPU, "cpu", runtime.NumCPU()-1, "CPU for the times in the kernel")
	flag.IntVar(&f.kernel.Rounds, "rounds", 51, "rounds of the times in the kernel")
	flag.IntVar(&f.kernel.Batch, "batch", 4096, "calls in a batch of the times in the kernel")
	flag.Parse()
	if only != "" {
		f.only = strings.Split(only, ",")
	}
	if f.budget == 0 && !f.short {
		f.budget = time.Second
	}
	return f
}

// run tells whether a goal was missed.
func run(ctx context.Context) (missed bool, err error) {
	b := &bench{flags: parse()}
	if err := b.run(ctx); err != nil {
		return false, err
	}
	if b.flags.format == "json" {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "\t")
		err = out.Encode(b)
	} else {
		err = b.markdown(os.Stdout)
	}
	for _, g := range b.Goals {
		if !g.Reached && (b.flags.times || !g.Timed) {
			missed = true
			fmt.Fprintf(os.Stderr, "policy %s: %s is %.4g with %q, not %.4g or less\n", g.Policy, g.Metric, g.Value, g.By, g.Limit)
		}
	}
	return missed, err
}
