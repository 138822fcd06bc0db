package cbpf

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
)

// MaxInstructions is the length of the longest program the kernel takes
// (BPF_MAXINSNS).
const MaxInstructions = 4096

// InstructionSize is the length in bytes of one encoded instruction
// (struct sock_filter).
const InstructionSize = 8

// A Program is a classic BPF program, in the order in which it runs.
type Program []bpf.RawInstruction

// Encode returns the program as an array of struct sock_filter in the given
// byte order: 2 bytes of code, one of jt, one of jf, 4 of k.
func (p Program) Encode(order binary.ByteOrder) []byte {
	b := make([]byte, len(p)*InstructionSize)
	for i, in := range p {
		at := b[i*InstructionSize:]
		order.PutUint16(at, in.Op)
		at[2], at[3] = in.Jt, in.Jf
		order.PutUint32(at[4:], in.K)
	}
	return b
}

// Decode reads an array of struct sock_filter. It fails when b is empty or
// not a whole number of instructions; it does not ask whether the program is
// valid, or whether it is too long for the kernel: [Program.Validate] does.
func Decode(b []byte, order binary.ByteOrder) (Program, error) {
	if err := checkSize(b); err != nil {
		return nil, err
	}
	p := make(Program, len(b)/InstructionSize)
	for i := range p {
		at := b[i*InstructionSize:]
		p[i] = bpf.RawInstruction{Op: order.Uint16(at), Jt: at[2], Jf: at[3], K: order.Uint32(at[4:])}
	}
	return p, nil
}

func checkSize(b []byte) error {
	if len(b) == 0 {
		return errors.New("decoding a BPF program: it is empty")
	}
	if extra := len(b) % InstructionSize; extra != 0 {
		return fmt.Errorf("decoding a BPF program: %d bytes are not a whole number of %d-byte instructions (%d too many)",
			len(b), InstructionSize, extra)
	}
	return nil
}

// DetectOrder tells in which byte order b was encoded. A program that the
// kernel takes is valid in one order only, since no code of its last
// instruction, a return, reads as a return with its bytes swapped. For other
// programs the order wins in which more instruction codes exist; when neither
// has more, DetectOrder fails.
func DetectOrder(b []byte) (binary.ByteOrder, error) {
	little, err := Decode(b, binary.LittleEndian)
	if err != nil {
		return nil, err
	}
	big, err := Decode(b, binary.BigEndian)
	if err != nil {
		return nil, err
	}
	if little.Validate() == nil {
		return binary.LittleEndian, nil
	}
	if big.Validate() == nil {
		return binary.BigEndian, nil
	}
	switch l, b := little.plausible(), big.plausible(); {
	case l > b:
		return binary.LittleEndian, nil
	case b > l:
		return binary.BigEndian, nil
	}
	return nil, errors.New("detecting the byte order of a BPF program: it is invalid in both orders and resembles neither; state the byte order")
}

// plausible counts the instructions that classic BPF defines.
func (p Program) plausible() int {
	n := 0
	for _, in := range p {
		if classicOps[in.Op&0xff] && in.Op <= 0xff {
			n++
		}
	}
	return n
}
