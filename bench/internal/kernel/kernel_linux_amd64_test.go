package kernel

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/elastic/go-seccomp-bpf/bench/internal/ruler"
	"github.com/elastic/go-seccomp-bpf/bench/neutral"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == WorkerArgument {
		Worker()
	}
	os.Exit(m.Run())
}

// TestMeasure times a filter of one instruction and one that loads a thousand
// times before it allows.
func TestMeasure(t *testing.T) {
	allow := cbpf.Program{{Op: 0x06, K: cbpf.RetAllow}}
	var slow cbpf.Program
	for range 4000 {
		slow = append(slow, cbpf.Program{{Op: 0x20, K: 16}}[0])
	}
	slow = append(slow, allow...)
	policy := &neutral.Policy{Default: "allow"}
	trace, err := ruler.Uniform(policy)
	if err != nil {
		t.Fatal(err)
	}
	// A busy machine can hide the difference, but not every time.
	wrong := []string{""}
	for try := 0; try < 5 && len(wrong) > 0; try++ {
		times, err := Measure(context.Background(), []cbpf.Program{allow, slow}, policy, trace, Options{Rounds: 5, Batch: 500})
		if err != nil {
			t.Fatal(err)
		}
		wrong = nil
		for _, workload := range []string{"mix", "always", "mix without bitmap"} {
			fast, slow := times[0][workload], times[1][workload]
			if fast.NS <= 0 || slow.NS <= fast.NS || slow.Extra <= 0 {
				wrong = append(wrong, fmt.Sprintf("%s: four thousand loads take %+v, none %+v", workload, slow, fast))
			}
		}
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

func TestFilterUnderWhichNothingWorks(t *testing.T) {
	refuse := cbpf.Program{{Op: 0x06, K: cbpf.RetErrno | 1}}
	policy := &neutral.Policy{Default: "allow"}
	trace, err := ruler.Uniform(policy)
	if err != nil {
		t.Fatal(err)
	}
	if times, err := Measure(context.Background(), []cbpf.Program{refuse}, policy, trace, Options{Rounds: 1, Batch: 1}); err == nil {
		t.Errorf("a worker that may not write answered: %v", times)
	}
}
