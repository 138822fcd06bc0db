package cbpf

import (
	"fmt"
	"math"
	"strings"

	"golang.org/x/net/bpf"
)

// AssembleOptions say how to read a program's text; the zero value reads what
// [Disassemble] prints.
type AssembleOptions struct {
	BigEndian bool // unless the text says .endian itself
	// Symbol gives the value of a name used as a constant, as in
	// "jeq #openat, L3". Nil, or false, makes the name an error.
	Symbol func(name string) (uint32, bool)
}

// A SyntaxError says what is wrong in the text of a program, and where.
type SyntaxError struct {
	Line   int // from 1
	Column int // in bytes, from 1
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("assembling a BPF program: line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// Assemble reads the text of a program, one instruction a line, as
// [Disassemble] prints it. Errors are of type *[SyntaxError]. The program is
// whatever the text says: [Program.Validate] tells whether the kernel takes it.
//
// Besides what Disassemble prints, it reads the numeric distances that
// instructions of golang.org/x/net/bpf print ("jeq #59,1,2"), labels of any
// name, lines with a label alone, numbers in all of Go's notations and
// negative ones, actions and offsets as numbers, and names of constants that
// o.Symbol knows.
func Assemble(text string, o AssembleOptions) (Program, error) {
	a := assembler{options: o, labels: map[string]int{}}
	for number, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, ";")
		if err := a.line(&scanner{text: line, line: number + 1}); err != nil {
			return nil, err
		}
	}
	for _, j := range a.jumps {
		if err := a.resolve(j); err != nil {
			return nil, err
		}
	}
	return a.program, nil
}

type assembler struct {
	options AssembleOptions
	program Program
	labels  map[string]int // index of the instruction that follows
	jumps   []jump
}

// A jump is an operand that names a label.
type jump struct {
	label        string
	line, column int
	from         int // index of the instruction
	field        field
}

// A field is the part of an instruction that a distance goes to.
type field int

const (
	fieldK field = iota
	fieldJt
	fieldJf
)

// line reads the labels of a line and its instruction.
func (a *assembler) line(s *scanner) error {
	for {
		s.skipSpace()
		if s.done() {
			return nil
		}
		start := s.at
		name := s.name()
		if name == "" {
			return s.errorf(start, "have %q, want an instruction or a label", s.rest())
		}
		s.skipSpace()
		if !s.accept(":") {
			return a.instruction(s, name, start)
		}
		if name == "next" {
			return s.errorf(start, `a label must not be named "next": it stands for the following instruction`)
		}
		if _, twice := a.labels[name]; twice {
			return s.errorf(start, "the label %q is there already", name)
		}
		a.labels[name] = len(a.program)
	}
}

func (a *assembler) instruction(s *scanner, mnemonic string, start int) error {
	switch mnemonic {
	case ".raw":
		return a.raw(s)
	case ".endian":
		return a.endian(s)
	}
	if known := aliases[mnemonic]; known != "" {
		mnemonic = known
	}
	opposite := false
	for base, other := range negated {
		if mnemonic == other {
			mnemonic, opposite = base, true
		}
	}
	if !isMnemonic(mnemonic) {
		return s.errorf(start, "unknown instruction %q%s", mnemonic, suggestMnemonic(mnemonic))
	}
	s.skipSpace()
	if mnemonic == "ja" {
		a.program = append(a.program, bpf.RawInstruction{Op: opJump})
		if err := a.target(s, fieldK); err != nil {
			return err
		}
		return s.end()
	}
	operandAt := s.at
	shape, k, err := a.operand(s, mnemonic)
	if err != nil {
		return err
	}
	for _, form := range syntax {
		if form.mnemonic != mnemonic || form.shape != shape {
			continue
		}
		a.program = append(a.program, bpf.RawInstruction{Op: form.op, K: k})
		if shape == shapeTestK || shape == shapeTestX {
			if err := a.targets(s, opposite); err != nil {
				return err
			}
		}
		return s.end()
	}
	return s.errorf(operandAt, "%s takes %s", mnemonic, operandsOf(mnemonic))
}

// raw reads an instruction field by field.
func (a *assembler) raw(s *scanner) error {
	var v [4]uint32
	for i, limit := range [4]uint32{math.MaxUint16, math.MaxUint8, math.MaxUint8, math.MaxUint32} {
		s.skipSpace()
		start := s.at
		n, err := s.number()
		if err != nil {
			return err
		}
		if n > limit {
			return s.errorf(start, "the %s of an instruction is at most %d", [4]string{"code", "jt", "jf", "k"}[i], limit)
		}
		v[i] = n
	}
	a.program = append(a.program, bpf.RawInstruction{Op: uint16(v[0]), Jt: uint8(v[1]), Jf: uint8(v[2]), K: v[3]})
	return s.end()
}

func (a *assembler) endian(s *scanner) error {
	s.skipSpace()
	start := s.at
	switch s.name() {
	case "big":
		a.options.BigEndian = true
	case "little":
		a.options.BigEndian = false
	default:
		return s.errorf(start, `.endian takes "big" or "little"`)
	}
	return s.end()
}

// targets reads where a test goes; "L" alone stands for "L, next".
func (a *assembler) targets(s *scanner, opposite bool) error {
	holds, fails := fieldJt, fieldJf
	if opposite {
		holds, fails = fails, holds
	}
	if err := s.comma("where to go when the test holds"); err != nil {
		return err
	}
	if err := a.target(s, holds); err != nil {
		return err
	}
	s.skipSpace()
	if s.done() {
		return nil
	}
	if err := s.comma("where to go when the test fails"); err != nil {
		return err
	}
	return a.target(s, fails)
}

// target reads "next", a distance ("+3" or "3") or a label, for a field of the
// newest instruction.
func (a *assembler) target(s *scanner, f field) error {
	s.skipSpace()
	start := s.at
	if s.accept("+") || s.startsNumber() {
		n, err := s.number()
		if err != nil {
			return err
		}
		if !a.set(len(a.program)-1, f, uint64(n)) {
			return s.errorf(start, "the distance %d is above 255, the most a test can skip", n)
		}
		return nil
	}
	name := s.name()
	switch name {
	case "":
		return s.errorf(start, `have %q, want a label, "next" or a distance such as +1`, s.rest())
	case "next":
		return nil
	}
	a.jumps = append(a.jumps, jump{label: name, line: s.line, column: start + 1, from: len(a.program) - 1, field: f})
	return nil
}

// set stores a distance; false means that it does not fit.
func (a *assembler) set(i int, f field, distance uint64) bool {
	in := &a.program[i]
	switch {
	case f == fieldK:
		in.K = uint32(distance)
		return distance <= math.MaxUint32
	case distance > math.MaxUint8:
		return false
	case f == fieldJt:
		in.Jt = uint8(distance)
	default:
		in.Jf = uint8(distance)
	}
	return true
}

// resolve stores the distance to a label.
func (a *assembler) resolve(j jump) error {
	fail := func(format string, args ...any) error {
		return &SyntaxError{j.line, j.column, fmt.Sprintf(format, args...)}
	}
	to, ok := a.labels[j.label]
	if !ok {
		return fail("there is no label %q", j.label)
	}
	distance := to - j.from - 1
	if distance < 0 {
		return fail("%q is %d instructions back: BPF jumps forward only", j.label, -distance)
	}
	if !a.set(j.from, j.field, uint64(distance)) {
		return fail("%q is %d instructions ahead: a test can skip 255, ja more", j.label, distance)
	}
	return nil
}
