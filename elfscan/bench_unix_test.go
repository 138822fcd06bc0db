//go:build unix

package elfscan_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// BenchmarkScan scans the executable that SECCOMP_SCAN names, or else go's own,
// and says how many times its CPU time go tool objdump takes for the same file.
func BenchmarkScan(b *testing.B) {
	path := os.Getenv("SECCOMP_SCAN")
	if path == "" {
		var err error
		if path, err = exec.LookPath("go"); err != nil {
			b.Fatal(err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		b.Fatal(err)
	}
	objdump := exec.Command("go", "tool", "objdump", path)
	if err := objdump.Run(); err != nil {
		b.Fatalf("go tool objdump: %v", err)
	}
	b.SetBytes(size)
	scans := 0
	before := cpuTime(b)
	for b.Loop() {
		if _, err := elfscan.Scan(context.Background(), f, &elfscan.Options{Path: path}); err != nil {
			b.Fatal(err)
		}
		scans++
	}
	one := (cpuTime(b) - before) / time.Duration(scans)
	b.ReportMetric(one.Seconds(), "cpu-s/op")
	state := objdump.ProcessState
	b.ReportMetric(float64(state.UserTime()+state.SystemTime())/float64(one), "objdump/scan")
}

// cpuTime is what the process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
