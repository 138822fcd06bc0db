// Command matrix runs the repository's live tests on real kernels of many
// architectures and ages, under emulation. See package testvm.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/elastic/go-seccomp-bpf/internal/outfile"
	"github.com/elastic/go-seccomp-bpf/internal/testvm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintf(os.Stderr, "matrix: %v\n", err)
		code = max(code, 1)
	}
	stop()
	os.Exit(code)
}

func run(ctx context.Context, argv []string, stdout, stderr io.Writer) (int, error) {
	fs := flag.NewFlagSet("matrix", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprintln(stderr, "usage: matrix [flags] [packages]\n\nRuns the live tests of the packages (default: all) on real kernels under qemu.")
		fs.PrintDefaults()
	}
	var (
		guests  = fs.String("guests", "", "only guests whose name matches one of these comma-separated `patterns`")
		small   = fs.Bool("small", false, "the smaller set: oldest and newest amd64, i386, arm64, s390x")
		list    = fs.Bool("list", false, "list the guests and exit")
		fetch   = fs.Bool("fetch", false, "fetch kernels and emulators into the cache and exit")
		runPat  = fs.String("run", "", "only tests matching this `regexp`")
		count   = fs.Int("count", 1, "run each test `n` times")
		full    = fs.Bool("full", false, "run what -test.short leaves out, too: under emulation that takes long")
		verbose = fs.Bool("v", false, "print the output of every test")
		asJSON  = fs.Bool("json", false, "print go test -json events; the table goes to standard error")
		seconds = fs.Int("timeout", 300, "limit for one test binary, in seconds")
		cpus    = fs.Int("cpus", 0, "processors of each guest (default: 2 for some guests, else 1)")
		several = fs.Int("parallel", runtime.NumCPU(), "guests that run at a time")
		mirror  = fs.String("mirror", "", "Debian mirror `URL` (default: the machine's apt's)")
		cache   = fs.String("cache", "", "cache `directory` (default: in the user's cache directory)")
		offline = fs.Bool("offline-ok", false, "exit with 0 although guests could not be fetched, if nothing failed; NOT RUN is printed")
		table   = fs.String("table", "", "also write the table to this `file`")
	)
	if err := fs.Parse(argv); err != nil {
		return 2, nil // fs has said why
	}
	gs, err := testvm.Select(*guests, *small)
	if err != nil {
		return 2, err
	}
	if *list {
		return 0, printList(stdout, gs)
	}
	c, err := cacheAt(*cache)
	if err != nil {
		return 2, err
	}
	m := testvm.Matrix{Guests: gs, Packages: fs.Args(), Seconds: *seconds, CPUs: *cpus, Parallel: *several, Mirror: *mirror, Cache: c,
		Printer: testvm.Printer{W: stdout, JSON: *asJSON, Verbose: *verbose}}
	begin := time.Now()
	var logging sync.Mutex // one guest is prepared while another runs
	m.Log = func(format string, args ...any) {
		logging.Lock()
		defer logging.Unlock()
		fmt.Fprintf(stderr, "[%6.1fs] %s\n", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
	}
	if *runPat != "" {
		m.TestArgs = append(m.TestArgs, "-test.run="+*runPat)
	}
	if *count != 1 {
		m.TestArgs = append(m.TestArgs, fmt.Sprintf("-test.count=%d", *count))
	}
	if !*full {
		m.TestArgs = append(m.TestArgs, "-test.short")
	}
	if *fetch {
		return 0, m.Fetch(ctx)
	}
	outcomes, err := m.Run(ctx)
	if err != nil && len(outcomes) == 0 {
		return 2, err
	}
	to := stdout
	if *asJSON {
		to = stderr
	}
	if werr := report(to, *table, outcomes); werr != nil && err == nil {
		err = werr
	}
	return exitCode(outcomes, err, *offline), err
}

func cacheAt(dir string) (testvm.Cache, error) {
	if dir == "" {
		return testvm.DefaultCache()
	}
	abs, err := filepath.Abs(dir)
	return testvm.Cache{Dir: abs}, err
}

func printList(w io.Writer, gs []testvm.Guest) error {
	for _, g := range gs {
		if _, err := fmt.Fprintf(w, "%-16s %-9s %-32s tests for %v\n", g.Name, g.Suites[0], g.Kernel+":"+g.DebArch, g.Tests); err != nil {
			return err
		}
	}
	return nil
}

func report(w io.Writer, file string, outcomes []*testvm.Outcome) error {
	var b bytes.Buffer
	if err := testvm.WriteTable(&b, outcomes); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "\n%s", b.Bytes()); err != nil {
		return err
	}
	if err := notRun(w, outcomes); err != nil {
		return err
	}
	if file == "" {
		return nil
	}
	return outfile.Write(file, b.Bytes())
}

// exitCode: 0 when every guest ran and passed; 1 when a test or guest failed;
// 3 when nothing failed but some guests ran nothing.
func exitCode(outcomes []*testvm.Outcome, err error, offlineOK bool) int {
	code := 0
	for _, o := range outcomes {
		switch {
		case offlineOK && o.Reason != "":
		case o.Empty():
			code = max(code, 3)
		case !o.OK():
			return 1
		}
	}
	if err != nil {
		return 1
	}
	return code
}

// notRun says plainly which guests are missing from the table.
func notRun(w io.Writer, outcomes []*testvm.Outcome) error {
	var missing []string
	guests := map[string]bool{}
	for _, o := range outcomes {
		if o.Reason != "" && !guests[o.Guest] {
			missing = append(missing, o.Guest)
		}
		guests[o.Guest] = true
	}
	if len(missing) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nNOT RUN: %d of %d guests, because they could not be fetched: %s\n", len(missing), len(guests), strings.Join(missing, ", "))
	return err
}
