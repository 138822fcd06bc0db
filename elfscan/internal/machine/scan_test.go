package machine

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

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
		b, err := hex.DecodeString(strings.ReplaceAll(c.code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
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

// TestScanSince: where an address starts to be put together is told.
func TestScanSince(t *testing.T) {
	// adrp x0,0x2000; nop; add x1,x0,#8; adr x2,.
	b, err := hex.DecodeString("000000b0" + "1f2003d5" + "01200091" + "02000010")
	if err != nil {
		t.Fatal(err)
	}
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
