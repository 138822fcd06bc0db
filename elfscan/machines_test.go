package elfscan_test

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
	"github.com/elastic/go-seccomp-bpf/internal/tinyelf"
)

// machines gives, for each machine, code that calls getpid and then stops,
// code that calls a function with getpid's number which makes the call, and
// code that makes a call with a number that it was not given.
var machines = []struct {
	name    string
	machine elf.Machine
	class   elf.Class
	order   binary.ByteOrder

	direct, wrapped, unknown string
}{
	{"x86_64", elf.EM_X86_64, elf.ELFCLASS64, binary.LittleEndian,
		"b827000000 0f05 0f0b",                    // mov eax,39; syscall; ud2
		"bf27000000 e802000000 0f0b 89f8 0f05 c3", // mov edi,39; call f; ud2; f: mov eax,edi; syscall; ret
		"0fc8 0f05 0f0b"},                         // bswap eax; syscall; ud2
	{"i386", elf.EM_386, elf.ELFCLASS32, binary.LittleEndian,
		"b814000000 cd80 0f0b",
		"6a14 e802000000 0f0b 8b442404 cd80 c3", // push 20; call f; ud2; f: mov eax,[esp+4]; int 0x80; ret
		"0fc8 cd80 0f0b"},
	{"aarch64", elf.EM_AARCH64, elf.ELFCLASS64, binary.LittleEndian,
		"881580d2 010000d4 200020d4",                            // mov x8,172; svc 0; brk 1
		"801580d2 02000094 200020d4 e80300aa 010000d4 c0035fd6", // mov x0,172; bl f; brk 1; f: mov x8,x0; svc 0; ret
		"080040f9 010000d4 200020d4"},                           // ldr x8,[x0]; svc 0; brk 1
	{"arm", elf.EM_ARM, elf.ELFCLASS32, binary.LittleEndian,
		"1470a0e3 000000ef feffffea",                            // mov r7,20; svc 0; b .
		"1400a0e3 000000eb feffffea 0070a0e1 000000ef 1eff2fe1", // mov r0,20; bl f; b .; f: mov r7,r0; svc 0; bx lr
		"007090e5 000000ef feffffea"},                           // ldr r7,[r0]; svc 0; b .
	{"riscv64", elf.EM_RISCV, elf.ELFCLASS64, binary.LittleEndian,
		"9308c00a 73000000 0000",                    // li a7,172; ecall; c.unimp
		"1305c00a ef006000 0000 aa88 73000000 8280", // li a0,172; jal ra,f; c.unimp; f: c.mv a7,a0; ecall; c.ret
		"83380500 73000000 0000"},                   // ld a7,0(a0); ecall; c.unimp
	{"ppc64le", elf.EM_PPC64, elf.ELFCLASS64, binary.LittleEndian,
		"14000038 02000044 0800e07f",                            // li r0,20; sc; trap
		"14006038 09000048 0800e07f 781b607c 02000044 2000804e", // li r3,20; bl f; trap; f: mr r0,r3; sc; blr
		"000003e8 02000044 0800e07f"},                           // ld r0,0(r3); sc; trap
	{"ppc64", elf.EM_PPC64, elf.ELFCLASS64, binary.BigEndian,
		"38000014 44000002 7fe00008",
		"38600014 48000009 7fe00008 7c601b78 44000002 4e800020",
		"e8030000 44000002 7fe00008"},
	{"s390x", elf.EM_S390, elf.ELFCLASS64, binary.BigEndian,
		"0a14 0000", // svc 20
		"a7290014 c0e500000004 0000 b9040012 0a00 07fe", // lghi r2,20; brasl r14,f; stop; f: lgr r1,r2; svc 0; br r14
		"e31020000004 0a00 0000"},                       // lg r1,0(r2); svc 0
	{"loongarch64", elf.EM_LOONGARCH, elf.ELFCLASS64, binary.LittleEndian,
		"0bb08203 00002b00 00002a00",                            // ori a7,zero,172; syscall 0; break 0
		"04b08203 00080054 00002a00 8b001500 00002b00 2000004c", // ori a0,zero,172; bl f; break; f: or a7,a0,zero; syscall; jr ra
		"8b00c028 00002b00 00002a00"},                           // ld.d a7,a0,0; syscall; break
}

func scanCode(t *testing.T, i int, code string) *elfscan.Result {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(code, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	m := machines[i]
	file := tinyelf.Make(m.machine, m.class, m.order, b)
	res, err := elfscan.Scan(context.Background(), bytes.NewReader(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func names(r *elfscan.Result) []string {
	var out []string
	for _, c := range r.Calls {
		if c.Grade == elfscan.Reachable {
			out = append(out, c.Name)
		}
	}
	return out
}

func TestMachines(t *testing.T) {
	for i, m := range machines {
		t.Run(m.name, func(t *testing.T) {
			for _, code := range []string{m.direct, m.wrapped} {
				res := scanCode(t, i, code)
				if res.ABI != m.name {
					t.Errorf("ABI %s", res.ABI)
				}
				if got := names(res); !slices.Equal(got, []string{"getpid"}) || len(res.Unresolved) != 0 {
					t.Errorf("% s: calls %v, unresolved %v", code, got, res.Unresolved)
				}
			}
			res := scanCode(t, i, m.unknown)
			if len(names(res)) != 0 || len(res.Unresolved) != 1 {
				t.Errorf("unknown number: calls %v, unresolved %v", names(res), res.Unresolved)
			}
		})
	}
}

// A bit test sets the flags: what it guards is not decided by an older
// comparison.
func TestBitTest(t *testing.T) {
	// xor eax,eax; bt edi,17; jae 1f; mov eax,39; syscall; 1: ud2
	res := scanCode(t, 0, "31c0 0fbae711 7307 b827000000 0f05 0f0b")
	if got := names(res); !slices.Equal(got, []string{"getpid"}) {
		t.Errorf("an unknown bit: calls %v", got)
	}
	// mov edi,0x20000 (or 0); …
	for code, want := range map[string][]string{
		"bf00000200 0fbae711 7307 b827000000 0f05 0f0b": {"getpid"},
		"bf00000100 0fbae711 7307 b827000000 0f05 0f0b": nil,
	} {
		if got := names(scanCode(t, 0, code)); !slices.Equal(got, want) {
			t.Errorf("%s: calls %v, want %v", code, got, want)
		}
	}
}

func TestNoDecoder(t *testing.T) {
	file := tinyelf.Make(elf.EM_MIPS, elf.ELFCLASS32, binary.BigEndian, make([]byte, 16))
	_, err := elfscan.Scan(context.Background(), bytes.NewReader(file), &elfscan.Options{Path: "router"})
	if !errors.Is(err, elfscan.ErrUnsupported) || !strings.Contains(err.Error(), "no decoder for mips") {
		t.Fatal(err)
	}
}

func TestNotELF(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("x"), []byte("MZ is another format, of some other system"), make([]byte, 4096)} {
		_, err := elfscan.Scan(context.Background(), bytes.NewReader(b), nil)
		if !errors.Is(err, elfscan.ErrFormat) {
			t.Errorf("%.10q: %v", b, err)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, m := range machines {
		b, err := hex.DecodeString(strings.ReplaceAll(m.wrapped, " ", ""))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(tinyelf.Make(m.machine, m.class, m.order, b))
	}
	for _, c := range hostileFiles {
		h := newHostile()
		if c.make(h); len(h.data) < 1<<16 && len(h.sects) < 2000 {
			f.Add(h.bytes())
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		// Libraries are looked for below an empty directory.
		res, err := elfscan.Scan(context.Background(), bytes.NewReader(b), &elfscan.Options{Sysroot: dir})
		if (res == nil) == (err == nil) {
			t.Fatalf("result %v, error %v", res, err)
		}
	})
}
