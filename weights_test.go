package seccomp

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elastic/go-seccomp-bpf/arch"
)

func TestTypicalWeightsNameRealCalls(t *testing.T) {
	abi, err := arch.GetInfo("x86_64")
	if err != nil {
		t.Fatal(err)
	}
	for name := range typicalWeights {
		if _, ok := abi.Number(name); !ok {
			t.Errorf("x86_64 has no %s", name)
		}
	}
}

func TestParseWeights(t *testing.T) {
	const summary = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 40.00    0.000040           4        10         2 openat
 60.00    0.000060           2        30           read
------ ----------- ----------- --------- --------- ----------------
100.00    0.000100           2        40         2 total
`
	for _, c := range []struct {
		in   string
		want map[string]float64
		err  string
	}{
		{in: `{"read": 3, "write": 0.5}`, want: map[string]float64{"read": 3, "write": 0.5}},
		{in: summary, want: map[string]float64{"openat": 10, "read": 30}},
		{in: `{"read": -1}`, err: "called -1 times"},
		{in: `{"read": "x"}`, err: "read weights"},
		{in: "", err: "neither"},
		{in: "% time\n1 2 3\n", err: "line 2"},
		{in: "% time\n1 2 3 x read\n", err: "line 2: calls"},
	} {
		got, err := ParseWeights([]byte(c.in))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want %q", c.in, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%q: %s", c.in, d)
		}
	}
}

func FuzzParseWeights(f *testing.F) {
	f.Add([]byte("{\"read\": 1}"))
	f.Add([]byte("% time\n1 2 3 4 read\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		weights, err := ParseWeights(data)
		if err != nil {
			return
		}
		for name, w := range weights {
			if !(w >= 0) {
				t.Errorf("%s weighs %v", name, w)
			}
		}
	})
}
