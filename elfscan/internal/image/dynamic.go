package image

import (
	"bytes"
	"debug/elf"
	"encoding/hex"
	"sort"
)

const (
	maxDynamic = 1 << 14
	maxSymbols = 4 << 20
	maxNeeded  = 1024
)

// Dynamic is what ld.so reads of a file.
type Dynamic struct {
	Present   bool
	Interp    string
	Soname    string
	Needed    []string
	Rpath     []string
	Runpath   []string
	NoDefLib  bool
	Init      uint64
	Fini      uint64
	InitArray Range
	FiniArray Range
	PreInit   Range

	symtab, strtab, strsz uint64
	nsyms                 uint64
	tags                  map[elf.DynTag]uint64
}

// Symbol is an entry of a symbol table.
type Symbol struct {
	Name    string
	Value   uint64
	Size    uint64
	Type    elf.SymType
	Bind    elf.SymBind
	Section elf.SectionIndex
}

// Defined reports whether this file defines the symbol.
func (s Symbol) Defined() bool { return s.Section != elf.SHN_UNDEF }

func sortBy[T any](s []T, key func(T) uint64) {
	sort.SliceStable(s, func(i, j int) bool { return key(s[i]) < key(s[j]) })
}

func (f *File) readDynamic() {
	d := &f.Dyn
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_INTERP:
			d.Interp = f.stringAt(p.Off, int(min(p.Filesz, maxString)))
		case elf.PT_DYNAMIC:
			f.readDynTags(p)
		}
	}
	if !d.Present {
		return
	}
	d.symtab, d.strtab, d.strsz = d.tags[elf.DT_SYMTAB], d.tags[elf.DT_STRTAB], d.tags[elf.DT_STRSZ]
	d.Init, d.Fini = d.tags[elf.DT_INIT], d.tags[elf.DT_FINI]
	d.InitArray = f.arrayOf(elf.DT_INIT_ARRAY, elf.DT_INIT_ARRAYSZ)
	d.FiniArray = f.arrayOf(elf.DT_FINI_ARRAY, elf.DT_FINI_ARRAYSZ)
	d.PreInit = f.arrayOf(elf.DT_PREINIT_ARRAY, elf.DT_PREINIT_ARRAYSZ)
	if off, ok := d.tags[elf.DT_SONAME]; ok {
		d.Soname = f.dynString(off)
	}
	d.NoDefLib = d.tags[elf.DT_FLAGS_1]&uint64(elf.DF_1_NODEFLIB) != 0
	d.nsyms = f.countDynSyms()
}

func (f *File) arrayOf(start, size elf.DynTag) Range {
	a, n := f.Dyn.tags[start], f.Dyn.tags[size]
	if a == 0 || a+n < a || n > uint64(f.fileSize) {
		return Range{}
	}
	return Range{a, a + n}
}

func (f *File) readDynTags(p Prog) {
	d := &f.Dyn
	d.Present = true
	d.tags = make(map[elf.DynTag]uint64)
	ps := uint64(f.PtrSize())
	type str struct {
		tag elf.DynTag
		off uint64
	}
	var strs []str
	for i := uint64(0); i < maxDynamic && (i+1)*2*ps <= p.Memsz; i++ {
		tag, ok1 := f.Uint(p.Vaddr+i*2*ps, int(ps))
		val, ok2 := f.Uint(p.Vaddr+i*2*ps+ps, int(ps))
		if !ok1 || !ok2 || tag == 0 {
			break
		}
		t := elf.DynTag(tag)
		switch t {
		case elf.DT_NEEDED, elf.DT_RPATH, elf.DT_RUNPATH:
			strs = append(strs, str{t, val})
		default:
			if _, dup := d.tags[t]; !dup {
				d.tags[t] = val
			}
		}
	}
	d.strtab, d.strsz = d.tags[elf.DT_STRTAB], d.tags[elf.DT_STRSZ]
	for _, s := range strs {
		v := f.dynString(s.off)
		switch s.tag {
		case elf.DT_NEEDED:
			if len(d.Needed) < maxNeeded {
				d.Needed = append(d.Needed, v)
			}
		case elf.DT_RPATH:
			d.Rpath = append(d.Rpath, splitPath(v)...)
		case elf.DT_RUNPATH:
			d.Runpath = append(d.Runpath, splitPath(v)...)
		}
	}
}

func splitPath(s string) []string {
	var out []string
	for _, p := range bytes.Split([]byte(s), []byte(":")) {
		if len(p) > 0 {
			out = append(out, string(p))
		}
	}
	return out
}

func (f *File) dynString(off uint64) string {
	if off >= f.Dyn.strsz {
		return ""
	}
	return f.String(f.Dyn.strtab + off)
}

// countDynSyms finds the length of the dynamic symbol table, which only the
// hash tables (or section headers) give.
func (f *File) countDynSyms() uint64 {
	d := &f.Dyn
	if h, ok := d.tags[elf.DT_HASH]; ok {
		size, at := 4, h+4
		if f.Machine == elf.EM_S390 && f.Class == elf.ELFCLASS64 {
			size, at = 8, h+8 // its DT_HASH has 64-bit words
		}
		if n, ok := f.Uint(at, size); ok {
			return min(n, maxSymbols, uint64(f.fileSize)/16)
		}
	}
	if h, ok := d.tags[elf.DT_GNU_HASH]; ok {
		return min(f.gnuHashCount(h), maxSymbols, uint64(f.fileSize)/16)
	}
	for _, s := range f.Sections {
		if s.Type == elf.SHT_DYNSYM && s.Entsize > 0 {
			return min(s.Size/s.Entsize, maxSymbols)
		}
	}
	return 0
}

func (f *File) gnuHashCount(h uint64) uint64 {
	nb, ok1 := f.Uint(h, 4)
	first, ok2 := f.Uint(h+4, 4)
	bloom, ok3 := f.Uint(h+8, 4)
	if !ok1 || !ok2 || !ok3 || nb > uint64(f.fileSize)/4 || bloom > uint64(f.fileSize)/4 {
		return 0
	}
	buckets := h + 16 + bloom*uint64(f.PtrSize())
	var last uint64
	for i := range nb {
		b, ok := f.Uint(buckets+4*i, 4)
		if !ok {
			return 0
		}
		last = max(last, b)
	}
	if last < first {
		return first
	}
	for chain := buckets + 4*nb; last-first < maxSymbols; last++ {
		c, ok := f.Uint(chain+4*(last-first), 4)
		if !ok || c&1 != 0 {
			break
		}
	}
	return last + 1
}

// countRelocSyms counts the symbols that relocations name: a GNU hash table
// does not tell how many there are when none is exported.
func (f *File) countRelocSyms() {
	size := uint64(16)
	if f.Class == elf.ELFCLASS64 {
		size = 24
	}
	most := min(maxSymbols, uint64(f.fileSize)/size)
	for _, r := range f.relocs {
		if n := uint64(r.Sym) + 1; n > f.Dyn.nsyms && n <= most {
			f.Dyn.nsyms = n
		}
	}
}

// NumDynSyms is the number of entries of the dynamic symbol table.
func (f *File) NumDynSyms() int { return int(f.Dyn.nsyms) }

// DynSym returns the i-th dynamic symbol.
func (f *File) DynSym(i uint32) (Symbol, bool) {
	if uint64(i) >= f.Dyn.nsyms {
		return Symbol{}, false
	}
	size := uint64(16)
	if f.Class == elf.ELFCLASS64 {
		size = 24
	}
	buf := make([]byte, size)
	if f.Read(buf, f.Dyn.symtab+uint64(i)*size) != nil {
		return Symbol{}, false
	}
	s, name := f.symbol(buf)
	s.Name = f.dynString(uint64(name))
	return s, true
}

func (f *File) symbol(b []byte) (Symbol, uint32) {
	if f.Class == elf.ELFCLASS64 {
		return Symbol{Value: f.Order.Uint64(b[8:]), Size: f.Order.Uint64(b[16:]), Type: elf.ST_TYPE(b[4]),
			Bind: elf.ST_BIND(b[4]), Section: elf.SectionIndex(f.Order.Uint16(b[6:]))}, f.Order.Uint32(b)
	}
	return Symbol{Value: uint64(f.Order.Uint32(b[4:])), Size: uint64(f.Order.Uint32(b[8:])), Type: elf.ST_TYPE(b[12]),
		Bind: elf.ST_BIND(b[12]), Section: elf.SectionIndex(f.Order.Uint16(b[14:]))}, f.Order.Uint32(b)
}

// Symbols calls yield for every entry of the static symbol table, in order,
// until it returns false. Names are read only when asked for.
func (f *File) Symbols(yield func(s Symbol, name func() string) bool) {
	for _, sec := range f.Sections {
		if sec.Type != elf.SHT_SYMTAB || int(sec.Link) >= len(f.Sections) {
			continue
		}
		str := f.Sections[sec.Link]
		size := uint64(16)
		if f.Class == elf.ELFCLASS64 {
			size = 24
		}
		n := min(sec.Size/size, maxSymbols)
		const batch = 2048
		buf := make([]byte, batch*size)
		for i := uint64(0); i < n; i += batch {
			k := min(batch, n-i)
			if f.readAt(buf[:k*size], sec.Off+i*size) != nil {
				return
			}
			for j := range k {
				s, off := f.symbol(buf[j*size : (j+1)*size])
				name := func() string {
					if uint64(off) >= str.Size {
						return ""
					}
					return f.stringAt(str.Off+uint64(off), 256)
				}
				if !yield(s, name) {
					return
				}
			}
		}
	}
}

func (f *File) readBuildID() string {
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE {
			continue
		}
		buf := make([]byte, min(p.Filesz, 1<<16))
		if f.readAt(buf, p.Off) != nil {
			continue
		}
		if id := f.noteID(buf); id != "" {
			return id
		}
	}
	return ""
}

func (f *File) noteID(b []byte) string {
	goID := ""
	for len(b) >= 12 {
		ns, ds, typ := f.Order.Uint32(b), f.Order.Uint32(b[4:]), f.Order.Uint32(b[8:])
		b = b[12:]
		na, da := (uint64(ns)+3)&^3, (uint64(ds)+3)&^3
		if na+da > uint64(len(b)) {
			break
		}
		name, desc := string(bytes.TrimRight(b[:ns], "\x00")), b[na:na+uint64(ds)]
		switch {
		case name == "GNU" && typ == 3:
			return hex.EncodeToString(desc)
		case name == "Go" && typ == 4:
			goID = string(desc)
		}
		b = b[na+da:]
	}
	return goID
}

// Tag returns the value of a dynamic tag, 0 if it is absent.
func (d *Dynamic) Tag(t elf.DynTag) uint64 { return d.tags[t] }
