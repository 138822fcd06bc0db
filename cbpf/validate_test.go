package cbpf

import (
	"errors"
	"strings"
	"testing"
)

// What Validate accepts is compared with the kernel elsewhere; here is what it
// says.
func TestInvalidError(t *testing.T) {
	ret := Program{bpfReturn}
	for _, c := range []struct {
		p      Program
		index  int
		reason string
	}{
		{nil, -1, "it has no instructions"},
		{make(Program, 4097), -1, "it has 4097 instructions, the kernel takes at most 4096"},
		{Program{{Op: opLoadAbs, K: 64}}, 0, "the offset 64 is not below 64"},
		{Program{{Op: opLoadAbs, K: 2}}, 0, "the offset 2 is not a multiple of 4"},
		{Program{{Op: opDivK}}, 0, "division by zero"},
		{Program{{Op: opLshK, K: 32}}, 0, "the shift count 32 is not below 32"},
		{Program{{Op: opStore, K: 16}}, 0, "the scratch word 16 is not below 16"},
		{Program{{Op: opLoadMem, K: 2}, bpfReturn}, 0, "the scratch word 2 may be read before it is written"},
		{Program{{Op: opModK, K: 2}, bpfReturn}, 0, "socket filters may use this instruction, seccomp filters may not"},
		{Program{{Op: 0x1234}, bpfReturn}, 0, "unknown instruction code 0x1234"},
		{Program{{Op: opJump, K: 1}, bpfReturn}, 0, "it jumps to instruction 2, past the last (1)"},
		{Program{{Op: opJump, K: 0xffffffff}, bpfReturn}, 0, "it jumps to instruction 4294967296, past the last (1)"},
		{Program{{Op: opJeqK, Jf: 3}, bpfReturn}, 0, "it jumps to instruction 4, past the last (1)"},
		{Program{{Op: opLoadAbs}}, 0, "the last instruction is not a return"},
		{append(ret, Program{{Op: opTAX}, {Op: opTXA}}...), 2, "the last instruction is not a return"},
	} {
		err := c.p.Validate()
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Index != c.index || !strings.Contains(invalid.Reason, c.reason) {
			t.Errorf("%v: have %v, want instruction %d: %s", c.p, err, c.index, c.reason)
			continue
		}
		if c.index >= 0 && invalid.Instruction != c.p[c.index] {
			t.Errorf("%v: the error shows %v", c.p, invalid.Instruction)
		}
	}
	err := Program{{Op: opJeqK, Jf: 3, K: 59}, bpfReturn}.Validate()
	want := "invalid BPF program: instruction 0 (jneq #59, +3): it jumps to instruction 4, past the last (1)"
	if err == nil || err.Error() != want {
		t.Errorf("have %v, want %s", err, want)
	}
}

// Scratch words are followed the way the kernel does it: in one pass, with
// code after a return counted as following it, and code after a jump as
// reached by later jumps to it only.
func TestScratch(t *testing.T) {
	for _, c := range []struct {
		text  string
		valid bool
	}{
		{"st M[1]\n ld M[1]\n ret a", true},
		{"stx M[1]\n ldx M[1]\n ret a", true},
		{"st M[1]\n ld M[2]\n ret a", false},
		{"jeq #1, a, b\n a: st M[0]\n b: ld M[0]\n ret a", false},
		{"jeq #1, a, b\n a: st M[0]\n ja c\n b: stx M[0]\n c: ld M[0]\n ret a", true},
		{"jeq #1, a, b\n a: st M[0]\n ja c\n b: st M[1]\n c: ld M[0]\n ret a", false},
		{"ret a\n ld M[0]\n ret a", false},
		{"st M[0]\n ret a\n ld M[0]\n ret a", true},
		{"ja end\n ld M[0]\n end: ret a", true},
	} {
		p, err := Assemble(c.text, AssembleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Validate(); (err == nil) != c.valid {
			t.Errorf("%q: have %v, want valid: %v", c.text, err, c.valid)
		}
	}
}
