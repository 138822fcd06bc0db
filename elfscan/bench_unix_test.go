//go:build unix

package elfscan_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"testing"

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
	before := cpuSeconds()
	for b.Loop() {
		if _, err := elfscan.Scan(context.Background(), f, &elfscan.Options{Path: path}); err != nil {
			b.Fatal(err)
		}
		scans++
	}
	one := (cpuSeconds() - before) / float64(scans)
	b.ReportMetric(one, "cpu-s/op")
	state := objdump.ProcessState
	b.ReportMetric((state.UserTime()+state.SystemTime()).Seconds()/one, "objdump/scan")
}
