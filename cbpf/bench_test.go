package cbpf

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// benchmarkProgram is a chain of tests that the call passes through to its end.
func benchmarkProgram(n int) Program {
	p := Program{{Op: opLoadAbs, K: offsetNR}}
	for i := range n {
		p = append(p, Program{{Op: opJeqK, Jt: uint8(min(n-i, 255)), K: uint32(1000 + i)}}...)
	}
	return append(p, Program{{Op: opRetK, K: RetErrno | 1}, {Op: opRetK, K: RetAllow}}...)
}

func BenchmarkRun(b *testing.B) {
	p := benchmarkProgram(200)
	words := (&Data{NR: 1}).Words(false)
	executed := 0
	for b.Loop() {
		_, executed = p.Run(&words)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(executed), "ns/insn")
}

// The filters of other compilers, over the first 500 numbers of x86_64.
func BenchmarkRunFilters(b *testing.B) {
	files, _ := filepath.Glob("../../shared/bench/filters/p1.*.bpf")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		p, err := Decode(raw, binary.LittleEndian)
		if err != nil {
			b.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".bpf")
		b.Run(name, func(b *testing.B) {
			words := (&Data{Arch: 0xc000003e}).Words(false)
			for b.Loop() {
				words[0] = (words[0] + 1) % 500
				p.Run(&words)
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	p := benchmarkProgram(200)
	for b.Loop() {
		if err := p.Validate(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDisassemble(b *testing.B) {
	p := benchmarkProgram(200)
	for b.Loop() {
		Disassemble(p, DisassembleOptions{})
	}
}
