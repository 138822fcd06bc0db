package cbpf

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"
)

// TestRun is the specification of the interpreter, an instruction at a time.
func TestRun(t *testing.T) {
	d := Data{NR: 7, Arch: 0xc000003e, IP: 0x1122334455667788, Args: [6]uint64{0xaabbccdd00000001, 2, 3, 4, 5, 0xffffffff80000000}}
	words := d.Words(false)
	for _, c := range []struct {
		text     string
		ret      uint32
		executed int
	}{
		{"ret allow", RetAllow, 1},
		{"ret a", 0, 1},
		{"ld nr\n ret a", 7, 2},
		{"ld arch\n ret a", 0xc000003e, 2},
		{"ld ip.lo\n ret a", 0x55667788, 2},
		{"ld ip.hi\n ret a", 0x11223344, 2},
		{"ld args[0].hi\n ret a", 0xaabbccdd, 2},
		{"ld args[5].lo\n ret a", 0x80000000, 2},
		{"ld #len\n ret a", 64, 2},
		{"ldx #len\n txa\n ret a", 64, 3},
		{"ldx #5\n txa\n ret a", 5, 3},
		{"ld #5\n tax\n ld #0\n add x\n ret a", 5, 5},
		{"ld #6\n st M[15]\n ld #0\n ldx M[15]\n stx M[0]\n ld M[0]\n ret a", 6, 7},
		{"ld #1\n neg\n ret a", 0xffffffff, 3},
		{"ld #0xffffffff\n add #2\n ret a", 1, 3},
		{"ld #1\n sub #2\n ret a", 0xffffffff, 3},
		{"ld #0x10000\n mul #0x10001\n ret a", 0x10000, 3},
		{"ld #0xfffffffe\n div #0xffffffff\n ret a", 0, 3},
		{"ld #0xffffffff\n div #2\n ret a", 0x7fffffff, 3},
		{"ld #0x80000000\n ldx #0xffffffff\n div x\n ret a", 0, 4},
		{"ld #9\n div x\n ret allow", 0, 2}, // X is zero: kill_thread
		{"ld #1\n lsh #31\n ret a", 0x80000000, 3},
		{"ld #0x80000000\n rsh #31\n ret a", 1, 3},
		{"ld #1\n ldx #33\n lsh x\n ret a", 2, 4},
		{"ld #4\n ldx #0xffffffe1\n rsh x\n ret a", 2, 4},
		{"ld #6\n and #3\n or #8\n xor #1\n ret a", 11, 5},
		{"ja next\n ret allow", RetAllow, 2},
		{"ja +2\n ret trap\n ret trap\n ret allow", RetAllow, 2},
		{"jeq #0, +1\n ret trap\n ret allow", RetAllow, 2},
		{"jneq #0, +1\n ret allow\n ret trap", RetAllow, 2},
		{"ld #0x80000000\n jgt #0x7fffffff, +1\n ret trap\n ret allow", RetAllow, 3}, // unsigned
		{"ld #5\n jge #5, +1\n ret trap\n ret allow", RetAllow, 3},
		{"ld #5\n jgt #5, +1\n ret allow\n ret trap", RetAllow, 3},
		{"ld #6\n jset #9, +1\n ret allow\n ret trap", RetAllow, 3},
		{"ld #6\n jset #0xa, +1\n ret trap\n ret allow", RetAllow, 3},
		{"ld #6\n ldx #6\n jeq x, +1\n ret trap\n ret allow", RetAllow, 4},
		{"ld #6\n ldx #7\n jgt x, +1\n ret allow\n ret trap", RetAllow, 4},
		{"ld #7\n ldx #7\n jge x, +1\n ret trap\n ret allow", RetAllow, 4},
		{"ld #7\n ldx #8\n jset x, +1\n ret allow\n ret trap", RetAllow, 4},
	} {
		p, err := Assemble(c.text, AssembleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Validate(); err != nil {
			t.Fatalf("%q: %v", c.text, err)
		}
		if ret, executed := p.Run(&words); ret != c.ret || executed != c.executed {
			t.Errorf("%q: have %#x after %d, want %#x after %d", c.text, ret, executed, c.ret, c.executed)
		}
	}
}

// Where their semantics coincide, Run and the interpreter of golang.org/x/net
// agree. They differ in shifts by 32 and more, and x/net runs neither neg nor ldx #len.
func TestRunAgreesWithXNet(t *testing.T) {
	r := newRand(t)
	var ops []uint16
	for _, op := range acceptedOps {
		switch op {
		case opLshX, opRshX, opLoadXLen, opNeg:
		default:
			ops = append(ops, op)
		}
	}
	programs, zero := 0, 0
	count := 20_000
	if testing.Short() {
		count = 2_000 // for emulated machines
	}
	for range count {
		p := randomSound(r, 2+r.IntN(30), ops)
		if p.Validate() != nil {
			continue
		}
		decoded, ok := bpf.Disassemble(p)
		if !ok {
			t.Fatalf("x/net does not know all of %v", p)
		}
		vm, err := bpf.NewVM(decoded)
		if err != nil {
			t.Fatalf("%v: %v", p, err)
		}
		programs++
		for range 5 {
			var words [16]uint32
			packet := make([]byte, 0, DataSize)
			for i := range words {
				words[i] = someK(r)
				packet = binary.BigEndian.AppendUint32(packet, words[i])
			}
			want, err := vm.Run(packet)
			if err != nil {
				t.Fatalf("%v: %v", p, err)
			}
			ret, executed := p.Run(&words)
			if ret != uint32(want) {
				t.Fatalf("on %v: have %#x, want %#x\n%s", words, ret, want, Disassemble(p, DisassembleOptions{}))
			}
			if longest := p.LongestPath(); executed > longest {
				t.Fatalf("executed %d instructions, longest path %d\n%s", executed, longest, Disassemble(p, DisassembleOptions{}))
			}
			if ret == 0 {
				zero++
			}
		}
	}
	if programs < count/5 || zero > programs*5*9/10 {
		t.Errorf("%d programs, %d of their results are 0", programs, zero)
	}
}

// Run ends, without a panic, on programs that are not valid, too.
func TestRunInvalid(t *testing.T) {
	r := newRand(t)
	var words [16]uint32
	for range 5000 {
		p := randomJunk(r)
		p.Run(&words)
		p.ConstAllow(r.Uint32(), r.Uint32())
		p.LongestPath()
		p.TranslatedLen()
	}
	for _, p := range []Program{nil, {{Op: opJump, K: 0xffffffff}}, {{Op: opLoadMem, K: 99}}, {{Op: opDivK}}, {{Op: 0xffff}}} {
		if ret, _ := p.Run(&words); ret != 0 {
			t.Errorf("%v: have %#x, want 0", p, ret)
		}
	}
}

func TestLongestPath(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"ret a", 1},
		{"ld nr\n ret a", 2},
		{"jeq #1, a, b\n a: ret allow\n b: ld nr\n ret a", 3},
		{"ja end\n neg\n neg\n end: ret a", 2},
		{"jeq #1, b\n neg\n neg\n ret a\n b: ret a", 4},
	} {
		p, err := Assemble(c.text, AssembleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.LongestPath(); got != c.want {
			t.Errorf("%q: have %d, want %d", c.text, got, c.want)
		}
	}
}
