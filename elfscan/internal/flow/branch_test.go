package flow

import (
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

var machines = map[string]*machine.Machine{
	"amd64": machine.For(elf.EM_X86_64, elf.ELFCLASS64, binary.LittleEndian, 0),
	"arm64": machine.For(elf.EM_AARCH64, elf.ELFCLASS64, binary.LittleEndian, 0),
	"arm":   machine.For(elf.EM_ARM, elf.ELFCLASS32, binary.LittleEndian, 0),
	"ppc64": machine.For(elf.EM_PPC64, elf.ELFCLASS64, binary.BigEndian, 0),
	"s390x": machine.For(elf.EM_S390, elf.ELFCLASS64, binary.BigEndian, 0),
	"riscv": machine.For(elf.EM_RISCV, elf.ELFCLASS64, binary.LittleEndian, 0),

	"386":     machine.For(elf.EM_386, elf.ELFCLASS32, binary.LittleEndian, 0),
	"loong64": machine.For(elf.EM_LOONGARCH, elf.ELFCLASS64, binary.LittleEndian, 0),
	"ppc64le": machine.For(elf.EM_PPC64, elf.ELFCLASS64, binary.LittleEndian, 0),
}

// TestBranches runs code whose last branch may really go both ways, or only
// one, and asks for which of its ways are followed. The branch is the last
// but one instruction of a function; both ways return.
func TestBranches(t *testing.T) {
	for _, c := range []struct {
		m, name, code string
		next, taken   int // offsets of the two ways
		wantN, wantT  bool
	}{
		// xor eax,eax; (set the flags by what is not known); je +1; ret; ret
		{"amd64", "known", "31c0 85c0 7401 c3 c3", 6, 7, false, true},
		{"amd64", "cmp unknown", "31c0 39f7 7401 c3 c3", 6, 7, true, true},
		{"amd64", "bt leaves zero", "31c0 39f7 0fbae003 7401 c3 c3", 10, 11, true, true},
		{"amd64", "shift by cl", "31c0 39f7 d3e0 7401 c3 c3", 8, 9, true, true},
		{"amd64", "inc keeps the carry", "31c0 39f7 ffc0 7201 c3 c3", 8, 9, true, true},
		{"amd64", "sub tells no order", "31c0 83e801 7c01 c3 c3", 7, 8, true, true},
		{"amd64", "sub tells equality", "31c0 83e801 7401 c3 c3", 7, 8, true, false},
		{"amd64", "loop", "31c0 85c0 e201 c3 c3", 6, 7, true, true},
		// mov eax,edi; test rax,rax; jne +6; test rdi,rdi; je +1; ret; ret: the upper half may differ
		{"amd64", "half a register", "89f8 4885c0 7506 4885ff 7401 c3 c3", 12, 13, true, true},
		{"amd64", "whole register", "4889f8 4885c0 7506 4885ff 7401 c3 c3", 13, 14, false, true},
		// mov w0,0; cmp w0,0; cbz x1,+8; nop; b.eq +8: cbz compares, but leaves the flags
		{"arm64", "cbz", "00008052 1f000071 410000b4 1f2003d5 40000054 c0035fd6 c0035fd6", 20, 24, false, true},
		// mov w0,0; tst w0,w0; b.cs: a test clears the carry
		{"arm64", "tst and carry", "00008052 1f00006a 42000054 c0035fd6 c0035fd6", 12, 16, true, true},
		// mov w0,0; cmp w0,0; ccmp w1,w2,0,ne; b.eq
		{"arm64", "ccmp", "00008052 1f000071 2010427a 40000054 c0035fd6 c0035fd6", 16, 20, true, true},
		// mov r0,0; cmp r0,0; cmpne r1,r2; beq
		{"arm", "conditional compare", "0000a0e3 000050e3 02005111 0000000a 1eff2fe1 1eff2fe1", 16, 20, true, true},
		// mov r0,0; cmp r0,0; muls r1,r2,r3; beq
		{"arm", "muls", "0000a0e3 000050e3 920311e0 0000000a 1eff2fe1 1eff2fe1", 16, 20, true, true},
		// li r3,0; cmpwi r3,0; (stwcx. | neg.) ; beq +8; blr; blr
		{"ppc64", "known", "38600000 2c030000 41820008 4e800020 4e800020", 12, 16, false, true},
		{"ppc64", "stwcx.", "38600000 2c030000 7c80292d 41820008 4e800020 4e800020", 16, 20, true, true},
		{"ppc64", "neg.", "38600000 2c030000 7ca400d1 41820008 4e800020 4e800020", 16, 20, true, true},
		{"ppc64", "other field", "38600000 2c830000 41820008 4e800020 4e800020", 12, 16, true, true},
		// lhi r2,0; chi r2,0; (agr r3,r4 | risbg | ngr); je +6 (bytes); br r14; br r14
		{"s390x", "known", "a7280000 a72e0000 a7840003 07fe 07fe", 12, 14, false, true},
		{"s390x", "agr", "a7280000 a72e0000 b9080034 a7840003 07fe 07fe", 16, 18, true, true},
		{"s390x", "risbg", "a7280000 a72e0000 ec34003f0055 a7840003 07fe 07fe", 18, 20, true, true},
		{"s390x", "bc to a register", "a7280000 b9080034 0784 07fe", 10, -1, true, true},
		// li a0,0; sext.w a1,a2; bnez a1,+8; beqz a2,+8: only the lower half of a2 is zero
		{"riscv", "sext.w", "13050000 9b050600 63940500 63040600 67800000 67800000", 16, 20, true, true},
	} {
		code, err := hex.DecodeString(strings.ReplaceAll(c.code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		env := &Env{Machine: machines[c.m], Memory: image{}, Values: NewValues()}
		res := env.Analyze(&Func{Start: 0x1000, Code: code})
		if res.Partial != "" || res.Visited(uint64(c.next)) != c.wantN || c.taken >= 0 && res.Visited(uint64(c.taken)) != c.wantT {
			t.Errorf("%s %s: goes on %v, want %v, jumps %v, want %v %s", c.m, c.name,
				res.Visited(uint64(c.next)), c.wantN, res.Visited(uint64(c.taken)), c.wantT, res.Partial)
		}
	}
}

// TestStringsForgetLocals: what rep stosq overwrites is not what it was.
func TestStringsForgetLocals(t *testing.T) {
	// sub rsp,24; mov qword [rsp+16],39; mov rdi,rsp; mov ecx,3; xor eax,eax; rep stosq; mov rax,[rsp+16]; syscall
	env := &Env{Machine: machines["amd64"], Memory: image{}, Values: NewValues()}
	res := env.Analyze(code(t, "4883ec18 48c744241027000000 4889e7 b903000000 31c0 f348ab 488b442410 0f05 c3"))
	for _, p := range res.Points {
		if c, ok := env.Values.Consts(p.State.Regs[env.Machine.NR]); p.Op == machine.Syscall && ok {
			t.Errorf("number %v", c)
		}
	}
}
