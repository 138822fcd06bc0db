package machine

import (
	"debug/elf"
	"encoding/binary"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

// TestX86Classified decodes every opcode of one, two and three bytes: what it
// does to the flags has to be known, and said. An instruction that only a newer
// decoder knows fails here, and is taken to change everything until it is put
// into one of the lists.
func TestX86Classified(t *testing.T) {
	seen := map[x86asm.Op]bool{}
	check := func(code []byte, m *Machine) {
		in, err := x86asm.Decode(code, m.PtrSize*8)
		if err != nil || in.Op == 0 {
			return
		}
		keeps, writes := x86Keeps[in.Op], x86Writes[in.Op]
		if keeps == writes && !seen[in.Op] {
			t.Errorf("%v (% x): keeps the flags %v, writes them %v", in.Op, code[:in.Len], keeps, writes)
		}
		seen[in.Op] = true
		ops, n, err := m.Lift(nil, code, 0x1000)
		if err != nil || n == 0 {
			t.Errorf("%v (% x): %v", in, code[:in.Len], err)
		}
		for _, o := range ops {
			if o.Op == Return || o.Op == Syscall || o.Op == Halt || o.Op == Jump {
				return // what is behind them starts anew
			}
		}
		if writes && !tells(ops) {
			t.Errorf("%v (% x) leaves the flags: %+v", in, code[:in.Len], ops)
		}
	}
	for _, m := range []*Machine{amd64, i386} {
		for _, prefix := range [][]byte{nil, {0x66}, {0xf2}, {0xf3}, {0x48}, {0x66, 0x48}, {0xf3, 0x48}} {
			for _, escape := range [][]byte{nil, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}} {
				for op := range 256 {
					if len(escape) == 0 && (op == 0xc4 || op == 0xc5 || op == 0x62 || op == 0x0f) {
						continue // other encodings
					}
					for modrm := 0; modrm < 256; modrm += 7 {
						code := append(append(append([]byte{}, prefix...), escape...), byte(op), byte(modrm))
						check(append(code, 0x24, 0x11, 0, 0, 0, 0, 0, 0, 0, 0), m)
					}
				}
			}
		}
	}
	if len(seen) < 500 {
		t.Errorf("only %d instructions", len(seen))
	}
	for op := range x86Keeps {
		if x86Writes[op] {
			t.Errorf("%v is in both lists", op)
		}
	}
}

// TestX86Flags holds that what writes the flags is lifted so that a branch
// behind it is not decided by an earlier comparison (Intel's manual, volume 2,
// "Flags Affected").
func TestX86Flags(t *testing.T) {
	m := For(elf.EM_X86_64, elf.ELFCLASS64, binary.LittleEndian, 0)
	if m == nil {
		t.Fatal("no x86_64")
	}
	for name, code := range map[string][]byte{
		"bt r10d, 17":       {0x41, 0x0f, 0xba, 0xe2, 0x11},
		"bt [rdi], 3":       {0x0f, 0xba, 0x27, 0x03},
		"bts eax, 3":        {0x0f, 0xba, 0xe8, 0x03},
		"ucomisd x0, x1":    {0x66, 0x0f, 0x2e, 0xc1},
		"comiss x0, x1":     {0x0f, 0x2f, 0xc1},
		"ptest x0, x1":      {0x66, 0x0f, 0x38, 0x17, 0xc1},
		"inc dword [rdi]":   {0xff, 0x07},
		"dec qword [rdi]":   {0x48, 0xff, 0x0f},
		"neg dword [rdi]":   {0xf7, 0x1f},
		"inc ah":            {0xfe, 0xc4},
		"add ah, 1":         {0x80, 0xc4, 0x01},
		"add [rdi], eax":    {0x01, 0x07},
		"sub rax, rbx":      {0x48, 0x29, 0xd8},
		"and rax, rbx":      {0x48, 0x21, 0xd8},
		"adc eax, 0":        {0x83, 0xd0, 0x00},
		"shl eax, 1":        {0xd1, 0xe0},
		"shr eax, 5":        {0xc1, 0xe8, 0x05},
		"imul eax, ebx":     {0x0f, 0xaf, 0xc3},
		"popcnt eax, ebx":   {0xf3, 0x0f, 0xb8, 0xc3},
		"bsf eax, ebx":      {0x0f, 0xbc, 0xc3},
		"tzcnt eax, ebx":    {0xf3, 0x0f, 0xbc, 0xc3},
		"cmpxchg [rdi],ecx": {0xf0, 0x0f, 0xb1, 0x0f},
		"xadd [rdi], eax":   {0xf0, 0x0f, 0xc1, 0x07},
		"repe cmpsb":        {0xf3, 0xa6},
		"cmp [rdi], [..]":   {0x39, 0x07},
		"andn eax,ebx,ecx":  {0xc4, 0xe2, 0x60, 0xf2, 0xc1},
	} {
		ops, n, err := m.Lift(nil, code, 0x1000)
		if err != nil || n != len(code) {
			t.Errorf("%s: %d bytes of %d, %v", name, n, len(code), err)
			continue
		}
		told := false
		for _, o := range ops {
			told = told || o.Op == Flags || o.Op == Compare
		}
		if !told {
			t.Errorf("%s leaves the flags: %+v", name, ops)
		}
	}
}
