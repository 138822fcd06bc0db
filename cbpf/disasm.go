package cbpf

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/bpf"
)

// DisassembleOptions say how to print a program; the zero value prints one for
// a little-endian machine without names of system calls.
type DisassembleOptions struct {
	BigEndian bool // args[0].lo is the word at offset 20, not 16
	Symbols   Symbols
}

// Symbols are names for the comments of a disassembly. Each function may be
// nil, or return "" for what has no name.
type Symbols struct {
	Arch     func(arch uint32) string
	Syscall  func(arch, nr uint32) string
	Argument func(arch, nr uint32, index int) string // name of a parameter
	// Value names a value that half of an argument is compared with, or
	// masked by, e.g. "AF_UNIX".
	Value func(arch, nr uint32, index int, high bool, value uint32) string
	Errno func(arch uint32, errno uint16) string // arch is 0 where it is unknown
	// AssumeArch is the architecture where the program does not check it;
	// zero assumes none.
	AssumeArch uint32
}

// A Line is the text of one instruction.
type Line struct {
	Label    string // "L7" when an instruction jumps here, else empty
	Mnemonic string // "jeq"
	Operands string // "#59, L7, L8"
	Comment  string // "nr == execve", without a semicolon; may be empty
}

// Disassemble prints a program, one instruction a line:
//
//	        ld    arch
//	        jneq  #0xc000003e, L5         ; arch != x86_64
//	        ld    nr
//	        jeq   #59, L5                 ; nr == execve
//	        ret   allow
//	L5:     ret   kill_process
//
// Labels bear the index of their instruction, which counts from 0. A test
// with one target falls through otherwise; with two, the first is where it
// goes when it holds, and "next" is the following instruction. The words of
// struct seccomp_data, and the actions, have names. Everything after a
// semicolon is a comment, made with o.Symbols.
//
// [Assemble] makes the same instructions from the text, whether the program is
// valid or not; those that have no text of their own print as ".raw" with
// code, jt, jf and k. Text for big-endian machines says so in its first line.
func Disassemble(p Program, o DisassembleOptions) string {
	var b strings.Builder
	if o.BigEndian {
		b.WriteString("        .endian big\n")
	}
	for _, l := range Lines(p, o) {
		label := l.Label
		if label != "" {
			label += ":"
		}
		text := pad(pad(label, 8)+l.Mnemonic, 14) + l.Operands
		if l.Operands == "" {
			text = pad(label, 8) + l.Mnemonic
		}
		if l.Comment != "" {
			text = pad(text, 40) + "; " + l.Comment
		}
		b.WriteString(text)
		b.WriteByte('\n')
	}
	return b.String()
}

// pad widens text to a column, and sets off what reaches it already.
func pad(text string, column int) string {
	const spaces = "                                        "
	return text + spaces[:max(column-len(text), min(len(text), 1))]
}

// Lines is Disassemble for callers that do their own layout: line i is the
// text of instruction i.
func Lines(p Program, o DisassembleOptions) []Line {
	lines := make([]Line, len(p))
	printer := printer{
		bigEndian: o.BigEndian,
		target: func(i int, distance uint32) string {
			target := uint64(i) + 1 + uint64(distance)
			if target >= uint64(len(p)) {
				return fmt.Sprintf("+%d", distance)
			}
			label := "L" + strconv.FormatUint(target, 10)
			lines[target].Label = label
			return label
		},
	}
	known := p.follow()
	for i, in := range p {
		lines[i].Mnemonic, lines[i].Operands = printer.instruction(i, in, known[i].a.word == offsetNR)
		lines[i].Comment = o.comment(in, known[i])
	}
	return lines
}

// text prints an instruction by itself, with distances for jumps.
func text(in bpf.RawInstruction) string {
	p := printer{target: func(_ int, distance uint32) string { return fmt.Sprintf("+%d", distance) }}
	mnemonic, operands := p.instruction(0, in, false)
	return strings.TrimSpace(mnemonic + " " + operands)
}

type printer struct {
	bigEndian bool
	target    func(i int, distance uint32) string // operand of a jump over some
}

// instruction gives the text of instruction i. Its constant is decimal when it
// is a system call number.
func (p printer) instruction(i int, in bpf.RawInstruction, number bool) (mnemonic, operands string) {
	if form := syntaxOf(in.Op); form != nil {
		if operands, ok := p.operands(i, in, form.shape, number); ok {
			mnemonic := form.mnemonic
			if opposite := negated[mnemonic]; opposite != "" && in.Jt == 0 && in.Jf != 0 {
				mnemonic = opposite
			}
			return mnemonic, operands
		}
	}
	return ".raw", fmt.Sprintf("%#04x %d %d %#x", in.Op, in.Jt, in.Jf, in.K)
}

// operands gives the text of an instruction's operands; ok is false when the
// text would lose a field that the instruction does not use.
func (p printer) operands(i int, in bpf.RawInstruction, s shape, number bool) (text string, ok bool) {
	test := s == shapeTestK || s == shapeTestX
	if !test && (in.Jt != 0 || in.Jf != 0) {
		return "", false
	}
	switch s {
	case shapeNone, shapeLen, shapeX, shapeA, shapeTestX:
		if in.K != 0 {
			return "", false
		}
	}
	switch s {
	case shapeAbs:
		if name, ok := wordName(in.K, p.bigEndian); ok && in.Op == opLoadAbs {
			return name, true
		}
		return "[" + constant(in.K) + "]", true
	case shapeInd:
		return "[x + " + constant(in.K) + "]", true
	case shapeImm:
		return "#" + constant(in.K), true
	case shapeLen:
		return "#len", true
	case shapeMem:
		return "M[" + constant(in.K) + "]", true
	case shapeMSH:
		return "4*([" + constant(in.K) + "]&0xf)", true
	case shapeX:
		return "x", true
	case shapeA:
		return "a", true
	case shapeReturn:
		if _, named := ActionName(in.K); !named {
			return fmt.Sprintf("#%#x", in.K), true
		}
		return ReturnString(in.K), true
	case shapeTarget:
		return p.target(i, in.K), true
	case shapeTestK:
		k := constant(in.K)
		if number && in.K < 0x40000000 {
			k = strconv.FormatUint(uint64(in.K), 10)
		}
		return "#" + k + p.targets(i, in), true
	case shapeTestX:
		return "x" + p.targets(i, in), true
	}
	return "", true
}

// targets gives the operands of a test that say where it goes.
func (p printer) targets(i int, in bpf.RawInstruction) string {
	switch negatable := in.Op != opJsetK && in.Op != opJsetX; {
	case in.Jt == 0 && in.Jf == 0:
		return ", next, next"
	case in.Jf == 0:
		return ", " + p.target(i, uint32(in.Jt))
	case in.Jt == 0 && negatable:
		return ", " + p.target(i, uint32(in.Jf))
	case in.Jt == 0:
		return ", next, " + p.target(i, uint32(in.Jf))
	}
	return ", " + p.target(i, uint32(in.Jt)) + ", " + p.target(i, uint32(in.Jf))
}

// constant prints small numbers in decimal, since they are counts, and others
// in hexadecimal.
func constant(k uint32) string {
	if k < 1024 {
		return strconv.FormatUint(uint64(k), 10)
	}
	return "0x" + strconv.FormatUint(uint64(k), 16)
}
