// Package ruler measures what a filter costs and whether it decides as its
// policy says.
package ruler

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/bench/neutral"
)

// A Trace is which system calls programs make.
type Trace struct {
	Names   map[string]float64  // how often, by name
	Weights map[uint32]float64  // and by x86_64's number
	Samples map[uint32][]Sample // with which arguments
	Last    uint32              // the highest number that counts as known
}

// A Sample is arguments that were seen, and how often.
type Sample struct {
	Args   [6]uint64
	Weight float64
}

// ReadTrace reads trace.json, trace_args.jsonl and syscalls_x86_64.json from
// a directory. It returns nil when the directory has no trace.
func ReadTrace(dir string) (*Trace, error) {
	t := &Trace{Weights: map[uint32]float64{}, Samples: map[uint32][]Sample{}}
	err := readJSON(filepath.Join(dir, "trace.json"), &t.Names)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	known := map[string]uint32{}
	if err := readJSON(filepath.Join(dir, "syscalls_x86_64.json"), &known); err != nil {
		return nil, err
	}
	for _, nr := range known {
		t.Last = max(t.Last, nr)
	}
	for name, n := range t.Names {
		nr, ok := known[name]
		if !ok {
			number, err := strconv.ParseUint(name, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("trace.json: x86_64 has no %s", name)
			}
			nr = uint32(number)
		}
		t.Weights[nr] += n
	}
	return t, t.readSamples(filepath.Join(dir, "trace_args.jsonl"))
}

func readJSON(file string, v any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func (t *Trace) readSamples(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var line struct {
			NR     uint32    `json:"nr"`
			Args   [6]uint64 `json:"args"`
			Weight *float64  `json:"w"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("%s:%d: %w", file, n, err)
		}
		w := 1.0
		if line.Weight != nil {
			w = *line.Weight
		}
		t.Samples[line.NR] = append(t.Samples[line.NR], Sample{line.Args, w})
	}
	return lines.Err()
}

// Uniform is the trace of a program about which nothing is known: each call
// that the policy does not refuse outright, equally often.
func Uniform(p *neutral.Policy) (*Trace, error) {
	abi, err := arch.GetInfo("x86_64")
	if err != nil {
		return nil, err
	}
	t := &Trace{Names: map[string]float64{}, Weights: map[uint32]float64{}}
	for nr := range uint32(firstX32) {
		name, ok := abi.SyscallName(nr)
		if !ok {
			continue
		}
		t.Last = nr
		for _, s := range t.samples(p, nr) {
			if p.Eval(p.Rule(nr), &s.Args) == neutral.Allow {
				t.Names[name], t.Weights[nr] = 1, 1
			}
		}
	}
	return t, nil
}

// samples are arguments of a call: as seen, or made to meet the policy's
// alternatives, or none.
func (t *Trace) samples(p *neutral.Policy, nr uint32) []Sample {
	if s := t.Samples[nr]; len(s) > 0 {
		return s
	}
	var made []Sample
	if r := p.Rule(nr); r != nil {
		for _, alt := range r.Alts {
			if args, ok := witness(alt); ok {
				made = append(made, Sample{args, 1})
			}
		}
	}
	if made == nil {
		made = []Sample{{Weight: 1}}
	}
	return made
}
