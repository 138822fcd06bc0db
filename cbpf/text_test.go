package cbpf

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

// TestSyntax is the specification of the text form: one instruction, and what
// Disassemble prints for it. Instructions after it give jumps their labels.
func TestSyntax(t *testing.T) {
	for _, c := range []struct {
		in   bpf.RawInstruction
		want string
	}{
		{bpf.RawInstruction{Op: 0x20, K: 0}, "ld nr"},
		{bpf.RawInstruction{Op: 0x20, K: 4}, "ld arch"},
		{bpf.RawInstruction{Op: 0x20, K: 8}, "ld ip.lo"},
		{bpf.RawInstruction{Op: 0x20, K: 12}, "ld ip.hi"},
		{bpf.RawInstruction{Op: 0x20, K: 16}, "ld args[0].lo"},
		{bpf.RawInstruction{Op: 0x20, K: 60}, "ld args[5].hi"},
		{bpf.RawInstruction{Op: 0x20, K: 64}, "ld [64]"},
		{bpf.RawInstruction{Op: 0x20, K: 3}, "ld [3]"},
		{bpf.RawInstruction{Op: 0x20, K: 0xfffff000}, "ld [0xfffff000]"},
		{bpf.RawInstruction{Op: 0x28, K: 12}, "ldh [12]"},
		{bpf.RawInstruction{Op: 0x30, K: 12}, "ldb [12]"},
		{bpf.RawInstruction{Op: 0x40, K: 6}, "ld [x + 6]"},
		{bpf.RawInstruction{Op: 0x48, K: 6}, "ldh [x + 6]"},
		{bpf.RawInstruction{Op: 0x50, K: 6}, "ldb [x + 6]"},
		{bpf.RawInstruction{Op: 0x00, K: 1023}, "ld #1023"},
		{bpf.RawInstruction{Op: 0x00, K: 1024}, "ld #0x400"},
		{bpf.RawInstruction{Op: 0x01, K: 7}, "ldx #7"},
		{bpf.RawInstruction{Op: 0x60, K: 15}, "ld M[15]"},
		{bpf.RawInstruction{Op: 0x61, K: 16}, "ldx M[16]"},
		{bpf.RawInstruction{Op: 0x80}, "ld #len"},
		{bpf.RawInstruction{Op: 0x81}, "ldx #len"},
		{bpf.RawInstruction{Op: 0xb1, K: 14}, "ldx 4*([14]&0xf)"},
		{bpf.RawInstruction{Op: 0x02, K: 3}, "st M[3]"},
		{bpf.RawInstruction{Op: 0x03, K: 3}, "stx M[3]"},
		{bpf.RawInstruction{Op: 0x04, K: 0xffffffff}, "add #0xffffffff"},
		{bpf.RawInstruction{Op: 0x0c}, "add x"},
		{bpf.RawInstruction{Op: 0x14, K: 1}, "sub #1"},
		{bpf.RawInstruction{Op: 0x24, K: 1}, "mul #1"},
		{bpf.RawInstruction{Op: 0x34, K: 0}, "div #0"},
		{bpf.RawInstruction{Op: 0x3c}, "div x"},
		{bpf.RawInstruction{Op: 0x44, K: 1}, "or #1"},
		{bpf.RawInstruction{Op: 0x54, K: 0x10000000}, "and #0x10000000"},
		{bpf.RawInstruction{Op: 0x64, K: 31}, "lsh #31"},
		{bpf.RawInstruction{Op: 0x7c}, "rsh x"},
		{bpf.RawInstruction{Op: 0x84}, "neg"},
		{bpf.RawInstruction{Op: 0x94, K: 3}, "mod #3"},
		{bpf.RawInstruction{Op: 0xa4, K: 3}, "xor #3"},
		{bpf.RawInstruction{Op: 0x05, K: 0}, "ja L1"},
		{bpf.RawInstruction{Op: 0x05, K: 2}, "ja L3"},
		{bpf.RawInstruction{Op: 0x05, K: 4}, "ja +4"},
		{bpf.RawInstruction{Op: 0x05, K: 0xffffffff}, "ja +4294967295"},
		{bpf.RawInstruction{Op: 0x15, K: 59}, "jeq #59, next, next"},
		{bpf.RawInstruction{Op: 0x15, Jt: 2, K: 59}, "jeq #59, L3"},
		{bpf.RawInstruction{Op: 0x15, Jf: 2, K: 59}, "jneq #59, L3"},
		{bpf.RawInstruction{Op: 0x15, Jt: 1, Jf: 2, K: 59}, "jeq #59, L2, L3"},
		{bpf.RawInstruction{Op: 0x15, Jt: 255, Jf: 2, K: 59}, "jeq #59, +255, L3"},
		{bpf.RawInstruction{Op: 0x25, Jf: 2, K: 59}, "jle #59, L3"},
		{bpf.RawInstruction{Op: 0x35, Jf: 2, K: 59}, "jlt #59, L3"},
		{bpf.RawInstruction{Op: 0x45, Jf: 2, K: 59}, "jset #59, next, L3"},
		{bpf.RawInstruction{Op: 0x45, Jt: 2, K: 59}, "jset #59, L3"},
		{bpf.RawInstruction{Op: 0x1d, Jt: 2}, "jeq x, L3"},
		{bpf.RawInstruction{Op: 0x3d, Jf: 2}, "jlt x, L3"},
		{bpf.RawInstruction{Op: 0x06, K: 0x80000000}, "ret kill_process"},
		{bpf.RawInstruction{Op: 0x06, K: 0}, "ret kill_thread"},
		{bpf.RawInstruction{Op: 0x06, K: 0x00030000}, "ret trap"},
		{bpf.RawInstruction{Op: 0x06, K: 0x00050001}, "ret errno(1)"},
		{bpf.RawInstruction{Op: 0x06, K: 0x00050000}, "ret errno"},
		{bpf.RawInstruction{Op: 0x06, K: 0x7fc00000}, "ret user_notif"},
		{bpf.RawInstruction{Op: 0x06, K: 0x7ff0ffff}, "ret trace(65535)"},
		{bpf.RawInstruction{Op: 0x06, K: 0x7ffc0000}, "ret log"},
		{bpf.RawInstruction{Op: 0x06, K: 0x7fff0000}, "ret allow"},
		{bpf.RawInstruction{Op: 0x06, K: 0x00060001}, "ret #0x60001"},
		{bpf.RawInstruction{Op: 0x16}, "ret a"},
		{bpf.RawInstruction{Op: 0x07}, "tax"},
		{bpf.RawInstruction{Op: 0x87}, "txa"},
		// Fields that an instruction does not use are not lost.
		{bpf.RawInstruction{Op: 0x07, K: 1}, ".raw 0x0007 0 0 0x1"},
		{bpf.RawInstruction{Op: 0x16, K: 1}, ".raw 0x0016 0 0 0x1"},
		{bpf.RawInstruction{Op: 0x0c, K: 1}, ".raw 0x000c 0 0 0x1"},
		{bpf.RawInstruction{Op: 0x06, Jt: 1}, ".raw 0x0006 1 0 0x0"},
		{bpf.RawInstruction{Op: 0x1d, Jt: 1, K: 9}, ".raw 0x001d 1 0 0x9"},
		{bpf.RawInstruction{Op: 0x80, K: 9}, ".raw 0x0080 0 0 0x9"},
		// Codes that are no instructions.
		{bpf.RawInstruction{Op: 0xff, Jt: 1, Jf: 2, K: 3}, ".raw 0x00ff 1 2 0x3"},
		{bpf.RawInstruction{Op: 0x1520, K: 3}, ".raw 0x1520 0 0 0x3"},
	} {
		p := Program{c.in, bpfReturn, bpfReturn, bpfReturn}
		l := Lines(p, DisassembleOptions{})[0]
		if got := strings.TrimSpace(l.Mnemonic + " " + l.Operands); got != c.want {
			t.Errorf("%+v: have %q, want %q", c.in, got, c.want)
		}
		got, err := Assemble(c.want+"\nL1: ret allow\nL2: ret allow\nL3: ret allow", AssembleOptions{})
		if err != nil || !slices.Equal(got, p) {
			t.Errorf("Assemble(%q): have %v, %v, want %v", c.want, got, err, p)
		}
	}
}

// Other spellings that Assemble reads.
func TestAssembleAlternatives(t *testing.T) {
	for _, c := range []struct {
		text string
		want bpf.RawInstruction
	}{
		{"ld [4]", bpf.RawInstruction{Op: 0x20, K: 4}},
		{"  ld\tarch ; the ABI\r", bpf.RawInstruction{Op: 0x20, K: 4}},
		{"here: there: ld nr", bpf.RawInstruction{Op: 0x20}},
		{"here:\n\n there :\n ld nr", bpf.RawInstruction{Op: 0x20}},
		{"ld [ x + 0x10 ]", bpf.RawInstruction{Op: 0x40, K: 16}},
		{"ldxb 4*([14]&0xf)", bpf.RawInstruction{Op: 0xb1, K: 14}},
		{"ld #-1", bpf.RawInstruction{Op: 0x00, K: 0xffffffff}},
		{"ld #-2147483648", bpf.RawInstruction{Op: 0x00, K: 0x80000000}},
		{"ld #0b101", bpf.RawInstruction{Op: 0x00, K: 5}},
		{"ld #0o17", bpf.RawInstruction{Op: 0x00, K: 15}},
		{"ld #seven", bpf.RawInstruction{Op: 0x00, K: 7}},
		{"jeq #seven,1,2", bpf.RawInstruction{Op: 0x15, Jt: 1, Jf: 2, K: 7}},
		{"jeq #7 , +1 , +2", bpf.RawInstruction{Op: 0x15, Jt: 1, Jf: 2, K: 7}},
		{"jne #7, +1", bpf.RawInstruction{Op: 0x15, Jf: 1, K: 7}},
		{"jneq #7, +1, +2", bpf.RawInstruction{Op: 0x15, Jt: 2, Jf: 1, K: 7}},
		{"jmp 3", bpf.RawInstruction{Op: 0x05, K: 3}},
		{"ja next", bpf.RawInstruction{Op: 0x05}},
		{"ret #0x7fff0000", bpf.RawInstruction{Op: 0x06, K: 0x7fff0000}},
		{"ret errno(0x26)", bpf.RawInstruction{Op: 0x06, K: 0x00050026}},
		{".raw 6 0 0 0", bpf.RawInstruction{Op: 0x06}},
	} {
		got, err := Assemble(c.text, AssembleOptions{Symbol: func(name string) (uint32, bool) { return 7, name == "seven" }})
		if err != nil || !slices.Equal(got, Program{c.want}) {
			t.Errorf("%q: have %+v, %v, want %+v", c.text, got, err, c.want)
		}
	}
}

func TestAssembleErrors(t *testing.T) {
	far := strings.Repeat("neg\n", 256)
	for _, c := range []struct {
		text         string
		line, column int
		reason       string
	}{
		{"ld nr\n  jeqq #1, x", 2, 3, `unknown instruction "jeqq" (did you mean "jeq"?)`},
		{"frobnicate", 1, 1, `unknown instruction "frobnicate"`},
		{"ld", 1, 3, "ld takes [OFFSET] or a name such as nr, arch, args[0].lo or"},
		{"ld args[6].lo", 1, 4, `not "args[6].lo"`},
		{"ld args[0]", 1, 4, `not "args[0]"`},
		{"ld #", 1, 5, `have "", want a number`},
		{"ld #openat", 1, 5, `unknown name "openat"`},
		{"ld #4294967296", 1, 5, "the number 4294967296 does not fit in 32 bits"},
		{"ld #-2147483649", 1, 5, "the number -2147483649 does not fit in 32 bits"},
		{"ld #12x", 1, 5, `"12x" is not a number`},
		{"ld [4", 1, 6, `have "", want "]"`},
		{"ld [x - 4]", 1, 7, `have "- 4]", want "+"`},
		{"ld nr nr", 1, 7, `unexpected "nr"`},
		{"tax x", 1, 5, "tax takes no operand"},
		{"add", 1, 4, "add takes #NUMBER or x"},
		{"add M[1]", 1, 5, "add takes #NUMBER or x"},
		{"ret alow", 1, 5, `unknown action "alow" (known: kill_process`},
		{"ret", 1, 4, `ret takes an action or a`},
		{"ret errno(65536)", 1, 11, "an action's data is at most 65535"},
		{"ret errno(1", 1, 12, `have "", want ")"`},
		{"jeq #1", 1, 7, "want a comma and where to go when the test holds"},
		{"jeq #1,", 1, 8, `want a label, "next" or a distance such as +1`},
		{"jeq #1, a b", 1, 11, "want a comma and where to go when the test fails"},
		{"jeq #1, +256", 1, 9, "the distance 256 is above 255"},
		{"ja", 1, 3, `have "", want a label`},
		{"ja nowhere", 1, 4, `there is no label "nowhere"`},
		{"back: neg\n ja back", 2, 5, `"back" is 2 instructions back: BPF jumps forward only`},
		{"jeq #1, far\n" + far + "far: ret a", 1, 9, `"far" is 256 instructions ahead`},
		{"a: neg\na: neg", 2, 1, `the label "a" is there already`},
		{"next: neg", 1, 1, `must not be named "next"`},
		{"7: neg", 1, 1, `have "7: neg", want an instruction or a label`},
		{".raw 0x10000 0 0 0", 1, 6, "the code of an instruction is at most 65535"},
		{".raw 0 256 0 0", 1, 8, "the jt of an instruction is at most 255"},
		{".raw 0 0 0", 1, 11, `have "", want a number`},
		{".endian middle", 1, 9, `.endian takes "big" or "little"`},
		{"\xff\xfe", 1, 1, "want an instruction or a label"},
	} {
		p, err := Assemble(c.text, AssembleOptions{})
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: have %v, %v, want an error", c.text, p, err)
			continue
		}
		if syntax.Line != c.line || syntax.Column != c.column || !strings.Contains(syntax.Reason, c.reason) {
			t.Errorf("%q: have %v, want line %d, column %d: …%s…", c.text, err, c.line, c.column, c.reason)
		}
	}
}

func TestDisassemble(t *testing.T) {
	p := Program{
		{Op: opLoadAbs, K: 4},
		{Op: opJeqK, Jf: 10, K: 0xc000003e},
		{Op: opLoadAbs, K: 0},
		{Op: opJeqK, Jt: 8, K: 59},
		{Op: opJgeK, Jt: 7, K: 0x40000000},
		{Op: opJeqK, Jf: 5, K: 56},
		{Op: opLoadAbs, K: 16},
		{Op: opJsetK, Jt: 4, K: 0x10000000},
		{Op: opAndK, K: 0xff},
		{Op: opJeqK, Jt: 1, Jf: 2, K: 17},
		{Op: opLoadAbs, K: 20},
		{Op: opRetK, K: RetAllow},
		{Op: opRetK, K: RetErrno | 1},
	}
	symbols := Symbols{
		Arch: func(arch uint32) string { return map[uint32]string{0xc000003e: "x86_64"}[arch] },
		Syscall: func(arch, nr uint32) string {
			if arch != 0xc000003e {
				t.Errorf("asked for names of architecture %#x", arch)
			}
			return map[uint32]string{59: "execve", 56: "clone"}[nr]
		},
		Argument: func(arch, nr uint32, index int) string {
			if nr == 56 && index == 0 {
				return "flags"
			}
			return ""
		},
		Value: func(arch, nr uint32, index int, high bool, value uint32) string {
			return map[uint32]string{0x10000000: "CLONE_NEWUSER", 17: "SIGCHLD"}[value]
		},
		Errno: func(arch uint32, errno uint16) string { return map[uint16]string{1: "EPERM"}[errno] },
	}
	want := `        ld    arch
        jneq  #0xc000003e, L12          ; arch != x86_64
        ld    nr
        jeq   #59, L12                  ; nr == execve
        jge   #0x40000000, L12
        jneq  #56, L11                  ; nr != clone
        ld    args[0].lo                ; flags
        jset  #0x10000000, L12          ; flags & CLONE_NEWUSER
        and   #255
        jeq   #17, L11, L12             ; flags & 0xff == SIGCHLD
        ld    args[0].hi
L11:    ret   allow
L12:    ret   errno(1)                  ; EPERM
`
	got := Disassemble(p, DisassembleOptions{Symbols: symbols})
	if got != want {
		t.Errorf("have\n%swant\n%s", got, want)
	}
	if back, err := Assemble(got, AssembleOptions{}); err != nil || !slices.Equal(back, p) {
		t.Errorf("assembling it: %v, %v", back, err)
	}
}

// On big-endian machines the halves of arguments change places.
func TestDisassembleBigEndian(t *testing.T) {
	p := Program{{Op: opLoadAbs, K: 16}, {Op: opLoadAbs, K: 20}, {Op: opLoadAbs, K: 8}, {Op: opRetA}}
	want := "        .endian big\n        ld    args[0].hi\n        ld    args[0].lo\n        ld    ip.hi\n        ret   a\n"
	got := Disassemble(p, DisassembleOptions{BigEndian: true})
	if got != want {
		t.Errorf("have\n%swant\n%s", got, want)
	}
	if back, err := Assemble(got, AssembleOptions{}); err != nil || !slices.Equal(back, p) {
		t.Errorf("assembling it: %v, %v", back, err)
	}
	if back, err := Assemble("ld args[0].lo", AssembleOptions{BigEndian: true}); err != nil || back[0].K != 20 {
		t.Errorf("assembling for big-endian: %v, %v", back, err)
	}
}

// Any program whatever survives the way through text.
func TestTextRoundTrip(t *testing.T) {
	r := newRand(t)
	check := func(p Program) {
		for _, big := range []bool{false, true} {
			text := Disassemble(p, DisassembleOptions{BigEndian: big})
			if got, err := Assemble(text, AssembleOptions{}); err != nil || !slices.Equal(got, p) {
				t.Fatalf("big endian %v: have %v, %v, want %v from\n%s", big, got, err, p, text)
			}
		}
	}
	random, step := 3000, 1
	if testing.Short() {
		random, step = 200, 61 // for emulated machines: text is the same on all
	}
	for range random {
		p := randomProgram(r)
		if r.IntN(2) == 0 {
			mutate(r, p)
		}
		check(p)
	}
	for op := 0; op < 1<<16; op += step {
		check(Program{{Op: uint16(op), K: uint32(op & 3)}})
	}
	files, _ := filepath.Glob("../../shared/bench/filters/*.bpf")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Decode(b, binary.LittleEndian)
		if err != nil {
			t.Fatal(err)
		}
		check(p)
	}
}

// Instructions as golang.org/x/net/bpf prints them are read to the same bytes.
func TestAssembleReadsXNet(t *testing.T) {
	r := newRand(t)
	n := 0
	for range 2000 {
		for _, in := range randomSound(r, 1+r.IntN(20), acceptedOps) {
			decoded := in.Disassemble()
			text, ok := decoded.(interface{ String() string })
			if raw, err := decoded.Assemble(); !ok || err != nil || raw != in {
				continue // such as ldx #len, which x/net does not know
			}
			got, err := Assemble(text.String(), AssembleOptions{})
			if err != nil || len(got) != 1 || got[0] != in {
				t.Fatalf("%q: have %v, %v, want %v", text, got, err, in)
			}
			n++
		}
	}
	if n < 5000 {
		t.Errorf("%d instructions compared", n)
	}
}
