package machine

import (
	"encoding/binary"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"golang.org/x/arch/arm/armasm"
	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/ppc64/ppc64asm"
	"golang.org/x/arch/s390x/s390xasm"
)

// words calls f with pseudorandom instructions.
func words(n int, order binary.ByteOrder, f func(code []byte)) {
	r := rand.New(rand.NewSource(1))
	for range n {
		code := make([]byte, 8)
		order.PutUint32(code, r.Uint32())
		order.PutUint32(code[4:], r.Uint32())
		f(code)
	}
}

// mustTell fails unless what an instruction does to the flags is lifted.
func mustTell(t *testing.T, m *Machine, code []byte, name string, seen map[string]bool) {
	t.Helper()
	ops, _, err := m.Lift(nil, code, 0x1000)
	if err == nil && !tells(ops) && !slices.ContainsFunc(ops, func(o Inst) bool { return o.Op == Halt || o.Op == Return }) && !seen["bad "+name] {
		seen["bad "+name] = true
		t.Errorf("%s %x leaves the flags: %+v", name, code[:4], ops)
	}
	seen[name] = true
}

// The tests below ask a decoder for the names of instructions, of which the
// manuals say that they set flags.

func TestARM64Flags(t *testing.T) {
	seen := map[string]bool{}
	rare := strings.Fields("CMP CMN TST NEGS NGCS FCMPE") // aliases, and one that random words miss
	writes := strings.Fields("ADDS SUBS ANDS BICS ADCS SBCS CMP CMN TST NEGS NGCS CCMP CCMN FCMP FCMPE FCCMP FCCMPE")
	words(600_000, binary.LittleEndian, func(code []byte) {
		in, err := arm64asm.Decode(code)
		if err == nil && slices.Contains(writes, in.Op.String()) {
			mustTell(t, aarch64, code, in.Op.String(), seen)
		}
	})
	for _, n := range writes {
		if !seen[n] && !slices.Contains(rare, n) {
			t.Errorf("no %s", n)
		}
	}
}

func TestARMFlags(t *testing.T) {
	seen := map[string]bool{}
	words(600_000, binary.LittleEndian, func(code []byte) {
		in, err := armasm.Decode(code, armasm.ModeARM)
		if err != nil || code[3]>>4 == 15 {
			return
		}
		name, _, _ := strings.Cut(in.Op.String(), ".")
		sets := strings.Contains(in.Op.String(), ".S.") || strings.HasSuffix(in.Op.String(), ".S")
		if sets && !strings.HasPrefix(name, "V") || slices.Contains([]string{"CMP", "CMN", "TST", "TEQ", "MSR"}, name) {
			mustTell(t, arm, code, name, seen)
		}
	})
	for _, n := range strings.Fields("AND EOR SUB RSB ADD ADC SBC RSC ORR MOV BIC MVN CMP CMN TST TEQ MUL") {
		if !seen[n] {
			t.Errorf("no %s", n)
		}
	}
}

func TestPPC64Flags(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range []*Machine{ppc64, ppc64le} {
		words(600_000, m.Order, func(code []byte) {
			in, err := ppc64asm.Decode(code, m.Order)
			if err != nil {
				return
			}
			name := in.Op.String()
			record := strings.HasSuffix(name, ".") && !strings.ContainsAny(name[:1], "vxfb") && !strings.HasPrefix(name, "d") || name == "divd." || name == "divw."
			field := strings.HasPrefix(name, "cmp") || strings.HasPrefix(name, "fcmp") || strings.HasPrefix(name, "xscmp")
			if cr, ok := in.Args[0].(ppc64asm.CondReg); record || field && name != "cmpb" && (!ok || cr == ppc64asm.CR0) {
				mustTell(t, m, code, name, seen)
			}
		})
	}
	for _, n := range strings.Fields("add. subf. neg. and. or. extsw. addic. andi. andis. rlwinm. rldicl. stwcx. stdcx. cmpd cmpld cmpwi") {
		if !seen[n] {
			t.Errorf("no %s", n)
		}
	}
}

func TestS390XFlags(t *testing.T) {
	seen := map[string]bool{}
	writes := strings.Fields("ar agr agfr a ag agf ahi aghi afi agfi ark agrk ahik aghik alr algr alfi algfi sr sgr srk sgrk slr slgr slfi slgfi " +
		"nr ngr n ng nrk ngrk nilf nihf nill nilh or ogr o og ork ogrk oilf oihf oill oilh xr xgr x xg xilf xihf ltr ltgr ltgfr lt ltg lcr lcgr lpr lpgr lnr lngr " +
		"cr cgr cgfr c cg chi cghi cfi cgfi clr clgr clgfr clfi clgfi cl clg cli cliy clc tm tmy tmll tmlh tmhl tmhh ni oi xi niy oiy xiy nc oc xc " +
		"risbg rosbg rnsbg rxsbg srag srak sra slag sla cs csg cds cdsg asi agsi laa laag lao laog flogr icm cebr cdbr adbr aebr sdbr ltdbr")
	words(700_000, binary.BigEndian, func(code []byte) {
		n := [4]int{2, 4, 4, 6}[code[0]>>6]
		in, err := s390xasm.Decode(code[:n])
		if name := in.Op.String(); err == nil && slices.Contains(writes, name) {
			mustTell(t, s390x, code[:n], name, seen)
		}
	})
	for _, n := range strings.Fields("ar sr nr or xr ahi aghi afi agfi nill oill nilf oilf xilf cr cli tm clc nc xc cs icm a") {
		if !seen[n] {
			t.Errorf("no %s", n)
		}
	}
}

// TestLifts gives instructions whose effects are easily forgotten.
func TestLifts(t *testing.T) {
	for _, c := range []struct {
		m          *Machine
		name, code string
		ok         func(ops []Inst) bool
	}{
		{amd64, "loop counts", "e2fe", writes(x86CX)},
		{amd64, "rep stosq fills", "f348ab", fills},
		{amd64, "push rsp", "54", func(o []Inst) bool { return o[0].Op == Move && o[0].A.Reg == x86SP }},
		{amd64, "enter", "c8100000", writes(x86SP)},
		{amd64, "pcmpistri", "660f3a63c100", writes(x86CX)},
		{amd64, "vmovdqu to memory", "c5fe7f442440", fills},
		{amd64, "vpsrldq writes its second register", "c5f173d908", writes(x86Vec + 2)},
		{amd64, "rdsspq", "f3480f1ec8", writes(x86AX)},
		{amd64, "shift by cl may leave the flags", "d3e0", kind(Maybe, false)},
		{amd64, "bt tells the carry alone", "0fbae003", kind(ULT, true)},
		{amd64, "cmp ah, [rdi]", "3a27", kind(Maybe, false)},
		{aarch64, "tst tells no carry", "1f0001ea", kind(LT, true)},
		{aarch64, "cbz keeps the flags", "400000b4", func(o []Inst) bool { return !tells(o) && len(o) == 1 && o[0].Size == 8 }},
		{aarch64, "fcmpe", "1020611e", kind(Maybe, false)},
		{aarch64, "fccmp", "0004611e", kind(Maybe, false)},
		{aarch64, "ld1 with writeback", "20a0df4c", writes(1)},
		{aarch64, "st1", "e0a3004c", fills},
		{aarch64, "fcvtzs to fixed point", "00fc589e", writes(0)},
		{aarch64, "casp", "027c2048", writes(1)},
		{arm, "vpush", "028b2ded", writes(armSP)},
		{arm, "vmov r0, r1, d0", "100b51ec", writes(0)},
		{arm, "umaal", "921341e0", writes(1)},
		{arm, "conditional call", "0000001b", branches},
		{arm, "conditional return", "1eff2f11", func(o []Inst) bool { return branches(o) && o[len(o)-1].Op == Return }},
		{ppc64, "stdux r1", "7c21016a", writes(1)},
		{ppc64, "stwcx.", "7c60212d", kind(Maybe, false)},
		{ppc64, "fcmpu", "fc011000", kind(Maybe, false)},
		{ppc64, "bdnz", "4200fffc", writes(ppcCTR)},
		{ppc64, "blrl calls", "4e800021", func(o []Inst) bool { return o[len(o)-1].Op == Call }},
		{ppc64, "beqctr", "4d820420", branches},
		{ppc64, "stfd", "d8010010", fills},
		{s390x, "lm", "98260000", writes(4)},
		{s390x, "std", "6000f0a0", fills},
		{s390x, "flogr", "b9830024", writes(3)},
		{s390x, "lgdr", "b3cd0020", writes(2)},
		{s390x, "cgib", "ec2840000afc", branches},
		{riscv64, "sext.b is no shift", "13154560", func(o []Inst) bool { return o[0].Op == Unknown && o[0].Dst == 10 }},
		{riscv64, "vmv.x.s", "57250042", writes(10)},
		{riscv64, "vsetvli", "5775050d", writes(10)},
		{riscv64, "fsd", "2734a100", fills},
		{loong64, "rdtime.d", "a4680000", writes(5)},
		{loong64, "fst.d", "6120c02b", fills},
	} {
		code := codeBytes(t, c.code)
		ops, n, err := c.m.Lift(nil, code, 0x1000)
		if err != nil || n != len(code) || !c.ok(ops) {
			t.Errorf("%s %s: %d bytes, %v, %+v", c.m.Name, c.name, n, err, ops)
		}
	}
}

func writes(r Reg) func([]Inst) bool {
	return func(ops []Inst) bool {
		return slices.ContainsFunc(ops, func(o Inst) bool {
			return o.Dst == r && (o.Op >= Address && o.Op <= Unknown || o.Op == Move || o.Op == Load)
		})
	}
}

func fills(ops []Inst) bool {
	return slices.ContainsFunc(ops, func(o Inst) bool { return o.Op == Fill || o.Op == Store })
}

func branches(ops []Inst) bool {
	return slices.ContainsFunc(ops, func(o Inst) bool { return o.Op == Branch })
}

// kind holds that the flags are a comparison of a kind, or unknown, at last.
func kind(c Cond, known bool) func([]Inst) bool {
	return func(ops []Inst) bool {
		is := false
		told := false
		for _, o := range ops {
			if o.Op == Compare || o.Op == Flags {
				told, is = true, o.Op == Compare && o.Cond == c
			}
		}
		return told && is == known
	}
}
