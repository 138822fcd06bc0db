package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// mapped makes a file whose only segment is readable and executable and maps
// everything at address zero: headers of 0x100 bytes, and data behind them.
func mapped(t testing.TB, order binary.ByteOrder, dyn []uint64, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	ident := [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1}
	if order == binary.BigEndian {
		ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	put := func(v any) {
		if err := binary.Write(&b, order, v); err != nil {
			t.Fatal(err)
		}
	}
	size := uint64(0x100 + len(data) + 8*len(dyn))
	phnum := uint16(1)
	if dyn != nil {
		phnum = 2
	}
	put(elf.Header64{Ident: ident, Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: phnum})
	put(elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Filesz: size, Memsz: size})
	if dyn != nil {
		at := uint64(0x100 + len(data))
		put(elf.Prog64{Type: uint32(elf.PT_DYNAMIC), Off: at, Vaddr: at, Filesz: 8 * uint64(len(dyn)), Memsz: 8 * uint64(len(dyn))})
	}
	b.Write(make([]byte, 0x100-b.Len()))
	b.Write(data)
	put(dyn)
	return b.Bytes()
}

func open(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestLandingPads(t *testing.T) {
	// Itanium C++ ABI, exception handling tables: no LPStart, no types, call
	// sites as ULEB128: start, length, landing pad, action.
	lsda := []byte{0xff, 0xff, 0x01, 12, 0, 5, 0x20, 0, 5, 5, 0, 0, 10, 5, 0x30, 1}
	f := open(t, mapped(t, binary.LittleEndian, nil, lsda))
	if got := f.LandingPads(0x100, 0x1000); !slices.Equal(got, []uint64{0x1020, 0x1030}) {
		t.Errorf("pads %#x, want 1020 and 1030", got)
	}
	for _, at := range []uint64{0x10f, 0x1ff, 1 << 40} { // cut short, outside
		if got := f.LandingPads(at, 0); len(got) > 0 {
			t.Errorf("pads %#x from %#x", got, at)
		}
	}
}

func TestUnwind(t *testing.T) {
	// A CIE "zR" with 4-byte addresses relative to themselves, an FDE of 0x10
	// bytes that starts at 0x140, and the terminator.
	frame := []byte{
		0x0c, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 0, 0, 0,
	}
	frame[0] = byte(len(frame) - 4)
	at := uint64(0x100 + len(frame))
	fde := binary.LittleEndian.AppendUint32(nil, 16)
	fde = binary.LittleEndian.AppendUint32(fde, uint32(at+4-0x100))
	fde = binary.LittleEndian.AppendUint32(fde, uint32(0x140-(at+8)))
	fde = binary.LittleEndian.AppendUint32(fde, 0x10)
	fde = append(fde, 0, 0, 0, 0)
	data := append(slices.Concat(frame, fde), make([]byte, 64)...)
	f := open(t, mapped(t, binary.LittleEndian, nil, data))
	got := f.parseEhFrame(0x100, uint64(len(data)))
	if len(got) != 1 || got[0].Range != (Range{0x140, 0x150}) || got[0].LSDA != 0 {
		t.Errorf("unwound %#x, want 140 to 150", got)
	}
}

// TestExidx: the code behind an entry that cannot be unwound is no function.
func TestExidx(t *testing.T) {
	var b bytes.Buffer
	const base, index = 0x10000, 52 + 2*32
	entry := func(i int, to, how uint32) [2]uint32 {
		return [2]uint32{(to - uint32(base+index+8*i)) & 0x7fffffff, how}
	}
	segment := elf.Prog32{Type: uint32(elf.PT_LOAD), Vaddr: base, Filesz: 0x400, Memsz: 0x400, Flags: uint32(elf.PF_R | elf.PF_X)}
	exidx := elf.Prog32{Type: 0x70000001, Off: index, Vaddr: base + index, Filesz: 32, Memsz: 32, Flags: uint32(elf.PF_R)}
	for _, v := range []any{
		elf.Header32{Ident: [16]byte{0x7f, 'E', 'L', 'F', 1, 1, 1}, Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_ARM), Version: 1,
			Entry: base + 0x200, Phoff: 52, Ehsize: 52, Phentsize: 32, Phnum: 2},
		segment, exidx,
		entry(0, base+0x200, 0x80b0b0b0), entry(1, base+0x240, 1), entry(2, base+0x300, 0x80b0b0b0), entry(3, base+0x340, 0x80b0b0b0),
		make([]byte, 0x400),
	} {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	var got []Range
	for _, u := range open(t, b.Bytes()).Unwind() {
		got = append(got, u.Range)
	}
	want := []Range{{base + 0x200, base + 0x240}, {base + 0x300, base + 0x340}, {base + 0x340, base + 0x341}}
	if !slices.Equal(got, want) {
		t.Errorf("functions %#x, want %#x", got, want)
	}
}

func TestRelr(t *testing.T) {
	// gABI, SHT_RELR: an address, then bitmaps of the words behind it.
	data := make([]byte, 0x200)
	binary.LittleEndian.PutUint64(data, 0x180)      // relocates 0x180
	binary.LittleEndian.PutUint64(data[8:], 0b1011) // and 0x188, 0x198
	f := open(t, mapped(t, binary.LittleEndian, []uint64{uint64(dtRELR), 0x100, uint64(dtRELRSZ), 16, 0, 0}, data))
	var got []uint64
	for _, r := range f.Relocs() {
		got = append(got, r.Slot)
	}
	if !slices.Equal(got, []uint64{0x180, 0x188, 0x198}) {
		t.Errorf("slots %#x", got)
	}
}

// TestSymbolsOfRelocations: an executable that exports nothing has a GNU hash
// table that counts no symbol, and still imports some.
func TestSymbolsOfRelocations(t *testing.T) {
	data := make([]byte, 0x200)
	le := binary.LittleEndian
	le.PutUint32(data, 1)     // one bucket, empty
	le.PutUint32(data[4:], 1) // first hashed symbol
	le.PutUint32(data[8:], 1) // words of the Bloom filter
	sym := data[0x40:]
	le.PutUint32(sym[2*24:], 1) // symbol 2: name "f"
	sym[2*24+4] = byte(elf.STB_GLOBAL)<<4 | byte(elf.STT_FUNC)
	copy(data[0xc0:], "\x00f\x00")
	rela := data[0xe0:]
	le.PutUint64(rela, 0x200)
	le.PutUint64(rela[8:], 2<<32|uint64(elf.R_X86_64_JMP_SLOT))
	f := open(t, mapped(t, le, []uint64{
		uint64(elf.DT_GNU_HASH), 0x100, uint64(elf.DT_SYMTAB), 0x140, uint64(elf.DT_STRTAB), 0x1c0, uint64(elf.DT_STRSZ), 3,
		uint64(elf.DT_JMPREL), 0x1e0, uint64(elf.DT_PLTRELSZ), 24, uint64(elf.DT_PLTREL), uint64(elf.DT_RELA), 0, 0,
	}, data))
	r, ok := f.RelocAt(0x200)
	s, found := f.DynSym(r.Sym)
	if !ok || !r.Jump || !found || s.Name != "f" || s.Defined() {
		t.Errorf("relocation %+v %v, symbol %+v %v", r, ok, s, found)
	}
}

// TestVersions: an export of a version that is not the default, one that is,
// and a reference to a version of another file (Linux Standard Base, 10.7).
func TestVersions(t *testing.T) {
	data := make([]byte, 0x200)
	le := binary.LittleEndian
	le.PutUint32(data, 1) // DT_HASH: a bucket and four symbols
	le.PutUint32(data[4:], 4)
	for i := 1; i < 4; i++ {
		sym := data[0x20+24*i:]
		le.PutUint32(sym, 1)
		sym[4] = byte(elf.STB_GLOBAL)<<4 | byte(elf.STT_FUNC)
	}
	copy(data[0xc0:], "\x00f\x00V1\x00V2\x00V3\x00")
	for i, v := range []uint16{0, 2 | 0x8000, 3, 4} {
		le.PutUint16(data[0xe0+2*i:], v)
	}
	define := func(at int, flags, index uint16, name, next uint32) {
		b := data[at:]
		le.PutUint16(b[2:], flags)
		le.PutUint16(b[4:], index)
		le.PutUint32(b[12:], 20)
		le.PutUint32(b[16:], next)
		le.PutUint32(b[20:], name)
	}
	define(0x100, 1, 1, 0, 0x20)
	define(0x120, 0, 2, 3, 0x20)
	define(0x140, 0, 3, 6, 0)
	need := data[0x160:]
	le.PutUint16(need[2:], 1) // one version
	le.PutUint32(need[8:], 16)
	le.PutUint16(need[16+6:], 4)
	le.PutUint32(need[16+8:], 9)
	f := open(t, mapped(t, le, []uint64{
		uint64(elf.DT_HASH), 0x100, uint64(elf.DT_SYMTAB), 0x120, uint64(elf.DT_STRTAB), 0x1c0, uint64(elf.DT_STRSZ), 12,
		uint64(elf.DT_VERSYM), 0x1e0, uint64(elf.DT_VERDEF), 0x200, uint64(elf.DT_VERDEFNUM), 3,
		uint64(elf.DT_VERNEED), 0x260, uint64(elf.DT_VERNEEDNUM), 1, 0, 0,
	}, data))
	for i, want := range []Symbol{1: {Version: "V1", Hidden: true, Base: true}, 2: {Version: "V2"}, 3: {Version: "V3"}} {
		s, ok := f.DynSym(uint32(i))
		if i > 0 && (!ok || s.Name != "f" || s.Version != want.Version || s.Hidden != want.Hidden || s.Base != want.Base) {
			t.Errorf("symbol %d: %+v %v, want %+v", i, s, ok, want)
		}
	}
}

func TestRead(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		data := make([]byte, 16)
		order.PutUint32(data[4:], 0x12345678)
		f := open(t, mapped(t, order, nil, data))
		if v, ok := f.Uint(0x104, 4); !ok || v != 0x12345678 {
			t.Errorf("%v: %#x %v", order, v, ok)
		}
		if _, ok := f.Uint(0x10e, 4); ok {
			t.Error("read beyond the end of the segment")
		}
		if f.Writable(0x104) || !f.Executable(0x104) || f.Mapped(0x110) {
			t.Error("wrong protection")
		}
	}
}

func TestHostileHeaders(t *testing.T) {
	good := mapped(t, binary.LittleEndian, nil, make([]byte, 64))
	for _, c := range []struct {
		name string
		at   int
		to   []byte
		open bool
	}{
		{"65535 program headers", 56, []byte{0xff, 0xff}, false},
		{"program headers at the end of the address space", 32, bytes.Repeat([]byte{0xff}, 8), false},
		{"section headers beyond the end", 40, []byte{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 9, 0}, true},
		{"a segment of 2^63 bytes", 64 + 40, bytes.Repeat([]byte{0xff}, 8), false},
		{"a segment longer than the file", 64 + 32, []byte{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, true},
	} {
		b := slices.Clone(good)
		copy(b[c.at:], c.to)
		f, err := Open(bytes.NewReader(b), int64(len(b)))
		switch {
		case !c.open && !errors.Is(err, ErrFormat):
			t.Errorf("%s: error %v, want ErrFormat", c.name, err)
		case c.open && (err != nil || len(f.Notes) == 0):
			t.Errorf("%s: error %v, want a note in %+v", c.name, err, f)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(mapped(f, binary.LittleEndian, []uint64{uint64(dtRELR), 0x100, uint64(dtRELRSZ), 16, 0, 0}, make([]byte, 64)))
	f.Add(mapped(f, binary.BigEndian, []uint64{uint64(elf.DT_RELA), 0x100, uint64(elf.DT_RELASZ), 48, 0, 0}, make([]byte, 64)))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error %v is not about the format", err)
			}
			return
		}
		for _, u := range file.Unwind() {
			if u.LSDA != 0 {
				file.LandingPads(u.LSDA, u.Start)
			}
		}
		for _, r := range file.Code() {
			if r.Start >= r.End {
				t.Fatalf("range %#x", r)
			}
		}
		for i := range min(file.NumDynSyms(), 1000) {
			file.DynSym(uint32(i))
		}
	})
}

// TestNoMethods: a table that names nothing has no methods that reflection alone
// finds, and none that is known to be in no type.
func TestNoMethods(t *testing.T) {
	f := open(t, mapped(t, binary.LittleEndian, nil, make([]byte, 64)))
	table := &GoTable{f: f, Starts: []uint64{0x100, 0x110}, Text: 0x100, EText: 0x110}
	if table.Methods(nil).Reflected("Chdir") {
		t.Error("reflected")
	}
	if !table.HasMethod(0) {
		t.Error("known without types")
	}
}

// TestBuildIDPrintable: an id with the end of a line in it could end a comment
// of generated code.
func TestBuildIDPrintable(t *testing.T) {
	f := open(t, mapped(t, binary.LittleEndian, nil, make([]byte, 64)))
	note := []byte{4, 0, 0, 0, 8, 0, 0, 0, 4, 0, 0, 0, 'G', 'o', 0, 0, 'a', '\n', 'b', 0xff, 0, 'c', 'd', 'e'}
	if got, want := f.noteID(note), "a\ufffdb\ufffd\ufffdcde"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
