package machine

import (
	"math/rand"
	"regexp"
	"slices"
	"testing"

	"golang.org/x/arch/arm/armasm"
	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/loong64/loong64asm"
	"golang.org/x/arch/ppc64/ppc64asm"
	"golang.org/x/arch/riscv64/riscv64asm"
	"golang.org/x/arch/s390x/s390xasm"
	"golang.org/x/arch/x86/x86asm"
)

// TestResults holds that the general register which a decoder names first is
// written by what an instruction is lifted to, unless it is one of the
// instructions whose first operand is read. (RISC-V's vector instructions are
// written the other way round.)
func TestResults(t *testing.T) {
	for _, c := range []struct {
		m      *Machine
		reads  string // mnemonics
		decode func(code []byte) (name string, first Reg, ok bool)
	}{
		{aarch64, `^(ST|CB|TB|CM[PN]|TST|CCM|MSR|BL?R|RET|PRF|SYS|DC|IC|AT|TLBI|CASP?$|MRS)`, func(code []byte) (string, Reg, bool) {
			in, err := arm64asm.Decode(code)
			if err != nil {
				return "", 0, false
			}
			switch r := in.Args[0].(type) {
			case arm64asm.Reg:
				return in.Op.String(), Reg(r) & 31, r <= arm64asm.X30 && r&31 != 31
			case arm64asm.RegSP:
				return in.Op.String(), Reg(arm64asm.Reg(r)) & 31, true
			}
			return "", 0, false
		}},
		{arm, `^(STR|STM|PUSH|CM[PN]|T(ST|EQ)|MSR|BL?XJ?|VMSR|PL|SVC|V|B$|DBG)`, func(code []byte) (string, Reg, bool) {
			in, err := armasm.Decode(code, armasm.ModeARM)
			r, ok := in.Args[0].(armasm.Reg)
			return in.Op.String(), Reg(r), err == nil && ok && r < armasm.R15 && code[3]>>4 != 15
		}},
		{ppc64, `^(st|cmp|td|tw|mt|dcb|icb|lfd|plf|xs|bc|slb|tlb|rfi|copy|paste|hash|wait|ms|tend|tabort|la)`, func(code []byte) (string, Reg, bool) {
			in, err := ppc64asm.Decode(code, ppc64.Order)
			r, ok := in.Args[0].(ppc64asm.Reg)
			return in.Op.String(), Reg(r - ppc64asm.R0), err == nil && ok && r >= ppc64asm.R0 && r <= ppc64asm.R31 && code[0]>>2 != 1
		}},
		{s390x, `^(c$|ntstg|st|c[^vls]|cl|cs[^ts]|cv[db]|tm|bc|b[^rx]|mvc|tr|ex|l[pc]t|pt|sar|ss|sp|is|iv|tp|lc?tl|vl|ipte|idte|lam|ptlb|sig|sck|t[bdeg]|m[sv]|rp|pf|rr|sf|esta|s$)`, func(code []byte) (string, Reg, bool) {
			n := [4]int{2, 4, 4, 6}[code[0]>>6]
			in, err := s390xasm.Decode(code[:n])
			r, ok := in.Args[0].(s390xasm.Reg)
			return in.Op.String(), Reg(r), err == nil && ok && r < s390xasm.R15
		}},
		{riscv64, `^(S[BHWD]$|B|FS|CSR|V)`, func(code []byte) (string, Reg, bool) {
			in, err := riscv64asm.Decode(code)
			r, ok := in.Args[0].(riscv64asm.Reg)
			return in.Op.String(), Reg(r), err == nil && ok && r > riscv64asm.X0 && r <= riscv64asm.X31 && in.Len == 4
		}},
		{loong64, `^(ST|B|JIRL|FST|INVTLB|PRELD|CACOP|ASRT|MOVGR|LDPTE|LDDIR|IOCSRWR|TLB|SC)`, func(code []byte) (string, Reg, bool) {
			in, err := loong64asm.Decode(code)
			r, ok := in.Args[0].(loong64asm.Reg)
			return in.Op.String(), Reg(r), err == nil && ok && r > loong64asm.R0 && r <= loong64asm.R31
		}},
		{amd64, `^(CMP[SDQBW]*$|TEST|PUSH|CALL|JMP|BT$|MUL|DIV|IDIV|IMUL|NOP|PREF|OUT|VER|LMSW|LLDT|LTR|WR|J|LOOP|INVPCID|UD|XCHG|REP)`, func(code []byte) (string, Reg, bool) {
			in, err := x86asm.Decode(code, 64)
			a, ok := in.Args[0].(x86asm.Reg)
			r, _ := x86Reg(a)
			return in.Op.String(), r, err == nil && ok && r < x86Tmp && code[0] != 0x8f && code[0] != 0x62 && code[0]|1 != 0xc5
		}},
	} {
		reads := regexp.MustCompile(c.reads)
		bad := map[string]bool{}
		r := rand.New(rand.NewSource(2))
		checked := 0
		for range 150_000 {
			code := make([]byte, 16)
			c.m.Order.PutUint32(code, r.Uint32())
			c.m.Order.PutUint32(code[4:], r.Uint32())
			name, reg, ok := c.decode(code)
			if !ok || bad[name] || reads.MatchString(name) {
				continue
			}
			checked++
			ops, _, err := c.m.Lift(nil, code, 0x1000)
			if err != nil || slices.ContainsFunc(ops, func(o Inst) bool { return o.Op == Call || o.Op == Halt || o.Op == Syscall }) {
				continue
			}
			if !slices.ContainsFunc(ops, func(o Inst) bool { return o.Dst == reg && isResult(o) }) {
				bad[name] = true
				t.Errorf("%s %s % x keeps register %d: %+v", c.m.Name, name, code[:6], reg, ops)
			}
		}
		if checked < 1500 {
			t.Errorf("%s: only %d instructions", c.m.Name, checked)
		}
	}
}

// isResult reports whether an operation writes its destination.
func isResult(o Inst) bool {
	switch o.Op {
	case Nop, Store, Fill, Compare, Flags, Syscall, Call, Jump, Branch, Return, Halt:
		return false
	}
	return true
}
