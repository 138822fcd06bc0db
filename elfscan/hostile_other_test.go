//go:build !unix

package elfscan_test

import (
	"testing"
	"time"
)

var started = time.Now()

// cpuSeconds is an upper bound of the CPU time that one thread of this process
// has used: the time that has passed.
func cpuSeconds() float64 { return time.Since(started).Seconds() }

func makeFIFO(t *testing.T, _ string) {
	t.Helper()
	t.Skip("no pipes among the files of this system")
}
