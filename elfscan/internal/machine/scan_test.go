package machine

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// codeBytes reads code as hexadecimal digits and spaces.
func codeBytes(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestScanRelative gives, for position independent code at 0x1000 of a module
// up to 0x8000 whose global offset table is at 0x6000, what it refers to.
func TestScanRelative(t *testing.T) {
	for _, c := range []struct {
		m          *Machine
		name, code string
		want       []string
	}{
		{arm, "pc-relative", // ldr r3,[pc]; add r3,pc,r3; b .; .word 0x2000
			"04309fe5 03308fe0 feffffea 00200000", []string{"ref 300c"}},
		{arm, "added to pc", // ldr r3,[pc]; add r3,r3,pc
			"04309fe5 0f3083e0 feffffea 00200000", []string{"ref 300c"}},
		{arm, "loaded pc-relative", // ldr r3,[pc]; ldr r2,[pc,r3]
			"04309fe5 03209fe7 feffffea 00200000", []string{"data 300c"}},
		{arm, "address of the table", // 0x6000-0x100c
			"04309fe5 03308fe0 feffffea f44f0000", nil},
		{arm, "slot of the table", // ldr r0,[pc]; ldr r0,[sl,r0]; .word 0x1ac
			"04009fe5 00009ae7 feffffea ac010000", []string{"data 100c", "data 61ac"}},
		{arm, "near", // add r3,pc,#24; sub r3,pc,#4
			"18308fe2 04304fe2", []string{"ref 1020", "ref 1008"}},
		{arm, "halves", // movw r3,#0x2000; movt r3,#0; add r3,pc,r3
			"003002e3 003040e3 03308fe0", []string{"ref 3010"}},
		{riscv64, "relative to gp", // lw a0,-4(gp); addi a0,gp,8; sw a0,16(gp); addi gp,gp,8
			"03a5c1ff 13858100 23a8a100 93818100", []string{"data 5ffc", "ref 6008", "data 6010"}},
		{i386, "function", "8d83 00d0ffff 90", []string{"ref 3000"}},               // lea -0x3000(%ebx),%eax
		{i386, "element", "8b8483 00d0ffff 90", []string{"ref 3000", "data 3000"}}, // mov -0x3000(%ebx,%eax,4),%eax; its second byte may be test
		{i386, "called element", "ff9483 00d0ffff 90", []string{"ref 3000"}},       // call *-0x3000(%ebx,%eax,4)
		{i386, "sum", "81c3 00d0ffff 90", []string{"ref 3000"}},                    // add $-0x3000,%ebx
		{i386, "sum in eax", "9005 00d0ffff 90", []string{"ref 3000"}},             // add $-0x3000,%eax
		{i386, "local variable", "8b8424 00100000 90", nil},                        // mov 0x1000(%esp),%eax
		{i386, "number", "b8 00300000 90", nil},                                    // mov $0x3000,%eax
		{i386, "slot", "ff93 0c000000 90", []string{"slot 600c"}},                  // call *12(%ebx)
		{i386, "small sum", "81c3 00010000 90", nil},                               // add $256,%ebx
		{i386, "byte of an object", "0fb68403 00e0ffff 90", []string{"ref 4000"}},  // movzbl -0x2000(%ebx,%eax),%eax
	} {
		b := codeBytes(t, c.code)
		var got []string
		names := map[EdgeKind]string{EdgeCall: "call", EdgeJump: "jump", EdgeRef: "ref", EdgeData: "data", EdgeSlot: "slot"}
		s := &Scan{Code: b, PC: 0x1000, Lo: 0, Hi: 0x8000, Base: 0x6000, Order: c.m.Order, Site: func(uint64) {}}
		s.Edge = func(kind EdgeKind, _, target uint64) {
			if kind != EdgeJump {
				got = append(got, fmt.Sprintf("%s %x", names[kind], target))
			}
		}
		c.m.Scan(s, 0, len(b))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s, %s: %v, want %v", c.m.Name, c.name, got, c.want)
		}
	}
}

// TestScanNear: what is counted from an address that a register holds, in code
// at 0x1000 of a module up to 0x8000 whose TOC is at 0x6000.
func TestScanNear(t *testing.T) {
	for _, c := range []struct {
		m    *Machine
		code string
		want string
	}{
		// adr x19,.+0x1000; ldr x0,[x19,#16]!; bl .; add x1,x19,#8; add x2,x19,x0,lsl #3;
		// ldr x3,[x2,#16]; ldp x4,x5,[x19,#32]; mov x20,x19; ldr x6,[x20],#8; str x6,[x20];
		// madd x2,x1,x0,x19; ldr x3,[x2,#24]; smaddl x2,w1,w0,x19; ldr x3,[x2,#40]
		{aarch64, "13800010 600e41f8 00000094 61220091 620e008b 430840f9 641642a9 f40313aa 868640f8 860200f9 224c009b 430c40f9 224c209b 431440f9",
			"ref 2000, near 2010, call 1008, near 2018, near 2020, data 2030, data 2038, data 2010, near 2018, data 2018, near 2028, near 2038"},
		// add r4,pc,#0x400; ldr r3,[r4,#16]!; add r1,r4,#8; add r2,r4,r0,lsl #2; ldr r0,[r2,#4];
		// ldrd r0,r1,[r4,#24]; mov r5,r4; ldm r5!,{r0,r1}; mla r2,r1,r2,r4; ldr r2,[r2,#16]
		{arm, "014b8fe2 1030b4e5 081084e2 002184e0 040092e5 d801c4e1 0450a0e1 0300b5e8 914222e0 102092e5",
			"ref 1408, data 1418, near 1418, near 1420, near 141c, data 1430, data 1434, data 1418, data 141c, data 1420, near 1420, near 1428"},
		// auipc s0,1; addi s0,s0,16; ld a0,16(s0); addi a1,s0,8; add a2,s0,a0; ld a3,24(a2);
		// c.mv s1,s0; c.ld a5,32(s1); c.addi s1,8
		{riscv64, "17140000 13040401 03350401 93058400 3306a400 83368601 a284 9c70 a104",
			"ref 2010, data 2020, data 2010, near 2018, ref 2008, near 2028, data 2030, near 2018"},
		// addi 9,2,64; ldu 3,16(9); addi 4,9,8; add 5,9,3; ld 6,16(5); mr 31,9; bl .; ld 3,24(31); ld 3,24(9)
		{ppc64le, "40002239 110069e8 08008938 141aa97c 1000c5e8 784b3f7d 01000048 18007fe8 180069e8",
			"ref 6040, data 6050, near 6050, near 6058, near 6060, call 1018, data 6068"},
		// larl %r11,.+0x1000; lg %r1,16(%r11); la %r2,8(%r11); la %r3,16(%r1,%r11); lg %r4,24(%r3);
		// lgr %r10,%r11; aghi %r10,32; lmg %r0,%r1,0(%r10); lg %r5,40(%r6,%r11)
		{s390x, "c0b000000800 e310b0100004 4120b008 4131b010 e34030180004 b90400ab a7ab0020 eb01a0000004 e356b0280004",
			"ref 2000, data 2010, near 2008, near 2010, near 2028, near 2020, data 2020, data 2028, near 2028"},
		// pcaddi $t0,1024; addi.d $a0,$t0,8; ld.d $a1,$t0,16; add.d $a2,$t0,$a0; ld.d $a3,$a2,24;
		// move $s0,$t0; bl .; ld.d $a0,$s0,32; alsl.d $a2,$a0,$s0,3; ld.d $a3,$a2,40
		{loong64, "0c800018 8421c002 8541c028 86911000 c760c028 97011500 00000054 e482c028 865c2d00 c7a0c028",
			"ref 2000, near 2008, data 2010, near 2018, call 1018, data 2020, near 2028"},
	} {
		b := codeBytes(t, c.code)
		var got []string
		names := map[EdgeKind]string{EdgeCall: "call", EdgeRef: "ref", EdgeData: "data", EdgeNear: "near", EdgeNearData: "data"}
		s := &Scan{Code: b, PC: 0x1000, Lo: 0, Hi: 0x8000, Base: 0x6000, Order: c.m.Order, Site: func(uint64) {}}
		s.Edge = func(kind EdgeKind, _, target uint64) { got = append(got, fmt.Sprintf("%s %x", names[kind], target)) }
		c.m.Scan(s, 0, len(b))
		if got := strings.Join(got, ", "); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.m.Name, got, c.want)
		}
	}
}

// TestScanSince: where an address starts to be put together is told.
func TestScanSince(t *testing.T) {
	// adrp x0,0x2000; nop; add x1,x0,#8; adr x2,.
	b := codeBytes(t, "000000b0 1f2003d5 01200091 02000010")
	var got []string
	s := &Scan{Code: b, PC: 0x1000, Lo: 0, Hi: 0x8000, Order: aarch64.Order, Site: func(uint64) {}}
	s.Edge = func(_ EdgeKind, from, target uint64) {
		got = append(got, fmt.Sprintf("%x: %x since %x", from, target, s.Since))
	}
	aarch64.Scan(s, 0, len(b))
	if want := []string{"1008: 2008 since 1000", "100c: 100c since 100c"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
