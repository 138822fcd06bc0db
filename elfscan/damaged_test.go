//go:build tools

package elfscan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// Bounds on the scan of any damaged file: seconds of CPU time and bytes, several
// times what the worst of some thousand files took.
const (
	damagedTime   = 90
	damagedMemory = 1 << 30
)

// TestDamagedFiles: files that are cut off, overwritten or mixed up anywhere give
// an error or a result, in bounded time and memory. SECCOMP_DAMAGED is how many
// times each file is damaged.
func TestDamagedFiles(t *testing.T) {
	rounds := uint64(2)
	if s := os.Getenv("SECCOMP_DAMAGED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		rounds = n
	}
	installed(t, "openssl", "openssl")
	files := []string{"/bin/bash", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", build(t, "amd64")}
	for _, c := range compilers {
		if c.sysroot != "" {
			installed(t, c.command, c.pkg)
			files = append(files, filepath.Join(c.sysroot, "lib/libc.so.6"))
		}
	}
	for _, file := range files {
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		worst, most := 0.0, uint64(0)
		for i := range rounds {
			r := rand.New(rand.NewPCG(i, 1))
			b, how := damage(r, whole)
			t.Run(fmt.Sprintf("%s %s %d", file, how, i), func(t *testing.T) {
				peak := peakMemory()
				start := cpuSeconds()
				_, err := elfscan.Scan(context.Background(), bytes.NewReader(b), &elfscan.Options{Sysroot: t.TempDir()})
				used, memory := cpuSeconds()-start, peak()
				if err != nil && !errors.Is(err, elfscan.ErrFormat) && !errors.Is(err, elfscan.ErrUnsupported) {
					t.Error(err)
				}
				if used > damagedTime || memory > damagedMemory {
					t.Errorf("%.1f s of CPU time and %d MB, want at most %d s and %d MB", used, memory>>20, damagedTime, damagedMemory>>20)
				}
				worst, most = max(worst, used), max(most, memory)
			})
		}
		t.Logf("%s: at most %.1f s of CPU time, %d MB", file, worst, most>>20)
	}
}

// damage changes a copy of a file.
func damage(r *rand.Rand, whole []byte) (b []byte, how string) {
	b = bytes.Clone(whole)
	fill := func(most int, piece func(p []byte)) {
		for range []int{1, 5, 50}[r.IntN(3)] {
			at := r.IntN(len(b))
			piece(b[at:min(len(b), at+1+r.IntN(most))])
		}
	}
	random := func(from []byte, n int) {
		for range n {
			from[r.IntN(len(from))] = byte(r.Uint32())
		}
	}
	switch r.IntN(5) {
	case 0:
		random(b[:min(len(b), 2048)], 1+r.IntN(6))
		return b, "with other headers"
	case 1:
		random(b, []int{10, 100, 1000, 20_000}[r.IntN(4)])
		return b, "with other bytes"
	case 2:
		return b[:r.IntN(len(b))], "cut off"
	case 3:
		fill(1<<16, func(p []byte) { copy(p, b[r.IntN(len(b)):]) })
		return b, "mixed up"
	default:
		with := []byte{0, 1, 0x80, 0xff}[r.IntN(4)]
		fill(1<<12, func(p []byte) { copy(p, bytes.Repeat([]byte{with}, len(p))) })
		return b, "overwritten"
	}
}

// peakMemory watches the memory of the process until its result is called.
func peakMemory() (peak func() uint64) {
	done, result := make(chan bool), make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		most := uint64(0)
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-tick.C:
			case <-done:
				tick.Stop()
				result <- most
				return
			}
		}
	}()
	return func() uint64 { close(done); return <-result }
}
