package oracle_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/oracle"
)

// byteSource draws random numbers from a fuzzer's bytes and, when they are
// used up, from a sequence that they seed.
type byteSource struct {
	data []byte
	rest *rand.PCG
}

func (s *byteSource) Uint64() uint64 {
	if len(s.data) < 2 {
		return s.rest.Uint64()
	}
	n := uint64(binary.LittleEndian.Uint16(s.data))
	s.data = s.data[2:]
	return n * 0x0001000100010001 // IntN takes the upper bits, Uint64N may mask
}

// FuzzPolicy makes a policy of bytes and holds its program against the oracle.
func FuzzPolicy(f *testing.F) {
	f.Add([]byte{}, uint64(0))
	f.Add([]byte("a policy of few conditions"), uint64(1))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0x7f, 0xff}, uint64(2))
	native := machines(f)
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		if len(data) > 4096 {
			return
		}
		r := rand.New(&byteSource{data, rand.NewPCG(seed, uint64(len(data)))})
		g := &generator{Rand: r, machine: native[seed%uint64(len(native))], action: anyAction(r)}
		p := g.next()
		compiled, err := p.Compile(&seccomp.CompileOptions{ABI: g.machine, Objective: seccomp.Objective(seed / 16 % 4)})
		if tooLong(err) {
			return
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, text(p))
		}
		o, err := oracle.New(p, g.machine)
		if err != nil {
			t.Fatalf("%v\n%s", err, text(p))
		}
		program := cbpf.Program(compiled.Raw())
		for range 50 {
			c := g.someCall()
			want, err := o.Decide(c)
			if err != nil {
				t.Fatalf("%v: %v\n%s", c, err, text(p))
			}
			words := (&cbpf.Data{NR: c.NR, Arch: c.Arch, Args: c.Args}).Words(g.machine.BigEndian)
			if have, _ := program.Run(&words); have != want {
				t.Fatalf("%v: the program returns %#x, the policy says %#x\n%s", c, have, want, text(p))
			}
		}
	})
}
