package image

import (
	"bytes"
	"debug/elf"
	"encoding/hex"
	"sort"
	"strings"
)

const (
	maxDynamic = 1 << 14
	maxSymbols = 4 << 20
	maxNeeded  = 1024
)

// Dynamic is what ld.so reads of a file.
type Dynamic struct {
	Present              bool
	Interp               string
	Soname               string
	Needed               []string
	Rpath                []string
	Runpath              []string
	HasRpath, HasRunpath bool // they are there, if empty
	NoDefLib             bool
	Init                 uint64
	Fini                 uint64
	InitArray            Range
	FiniArray            Range
	PreInit              Range

	symtab, strtab, strsz uint64
	nsyms                 uint64
	tags                  map[elf.DynTag]uint64
	versions              map[uint16]string
}

// Symbol is an entry of a symbol table.
type Symbol struct {
	Name    string
	Value   uint64
	Size    uint64
	Type    elf.SymType
	Bind    elf.SymBind
	Section elf.SectionIndex

	Version string // "" if it has none
	Hidden  bool   // only references to this very version find it
	Base    bool   // references without a version find it rather than others
}

// Defined reports whether this file defines the symbol.
func (s Symbol) Defined() bool { return s.Section != elf.SHN_UNDEF }

func sortBy[T any](s []T, key func(T) uint64) {
	sort.SliceStable(s, func(i, j int) bool { return key(s[i]) < key(s[j]) })
}

func (f *File) readDynamic() {
	d := &f.Dyn
	var dyn *Prog // ld.so takes the last
	for i, p := range f.Progs {
		switch {
		case p.Type == elf.PT_INTERP && d.Interp == "": // the kernel takes the first
			d.Interp = f.stringAt(p.Off, int(min(p.Filesz, maxString)))
		case p.Type == elf.PT_DYNAMIC:
			dyn = &f.Progs[i]
		}
	}
	if dyn == nil {
		return
	}
	f.readDynTags(*dyn)
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
	f.readVersions()
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
	var needed []uint64
	for i := uint64(0); (i+1)*2*ps <= p.Memsz; i++ {
		if i == maxDynamic {
			f.note("dynamic section of more than %d entries is cut short", maxDynamic)
			break
		}
		tag, ok1 := f.Uint(p.Vaddr+i*2*ps, int(ps))
		val, ok2 := f.Uint(p.Vaddr+i*2*ps+ps, int(ps))
		if !ok1 || !ok2 || tag == 0 {
			break
		}
		switch t := elf.DynTag(tag); t {
		case elf.DT_NEEDED:
			needed = append(needed, val)
		default:
			d.tags[t] = val // ld.so takes the last
		}
	}
	d.strtab, d.strsz = d.tags[elf.DT_STRTAB], d.tags[elf.DT_STRSZ]
	if len(needed) > maxNeeded {
		f.note("needs %d libraries; only the first %d are read", len(needed), maxNeeded)
		needed = needed[:maxNeeded]
	}
	for _, off := range needed {
		d.Needed = append(d.Needed, f.dynString(off))
	}
	d.Rpath, d.HasRpath = f.dynPath(elf.DT_RPATH)
	d.Runpath, d.HasRunpath = f.dynPath(elf.DT_RUNPATH)
	for tag, name := range unfollowed {
		if off, ok := d.tags[tag]; ok {
			f.note("%s %s is not followed", name, f.dynString(off))
		}
	}
}

// unfollowed are tags that make ld.so load a library, but not as needed ones
// are: before the one with the tag, or into another namespace.
var unfollowed = map[elf.DynTag]string{
	elf.DT_AUXILIARY: "DT_AUXILIARY", elf.DT_FILTER: "DT_FILTER", elf.DT_AUDIT: "DT_AUDIT", elf.DT_DEPAUDIT: "DT_DEPAUDIT",
}

// dynPath reads a list of directories; an empty one is the working directory.
func (f *File) dynPath(tag elf.DynTag) (dirs []string, ok bool) {
	off, ok := f.Dyn.tags[tag]
	if s := f.dynString(off); ok && s != "" {
		dirs = strings.Split(s, ":")
	}
	return dirs, ok
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
			return f.atMost(n)
		}
	}
	if h, ok := d.tags[elf.DT_GNU_HASH]; ok {
		return f.atMost(f.gnuHashCount(h))
	}
	for _, s := range f.Sections {
		if s.Type == elf.SHT_DYNSYM && s.Entsize > 0 {
			return f.atMost(s.Size / s.Entsize)
		}
	}
	return 0
}

// atMost is a number of symbols that the file has room for.
func (f *File) atMost(n uint64) uint64 {
	if most := min(maxSymbols, uint64(f.fileSize)/16); n > most {
		f.note("dynamic symbol table of %d entries is cut short", n)
		return most
	}
	return n
}

func (f *File) gnuHashCount(h uint64) uint64 {
	nb, ok1 := f.Uint(h, 4)
	first, ok2 := f.Uint(h+4, 4)
	bloom, ok3 := f.Uint(h+8, 4)
	if !ok1 || !ok2 || !ok3 || nb > min(maxSymbols, uint64(f.fileSize)/4) || bloom > uint64(f.fileSize)/4 {
		f.note("hash table at %#x ignored: its symbols are not known", h)
		return 0
	}
	buckets := h + 16 + bloom*uint64(f.PtrSize())
	var last uint64
	for i := range nb {
		b, ok := f.Uint(buckets+4*i, 4)
		if !ok {
			f.note("hash table at %#x is cut short: its symbols are not known", h)
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

// DynSymTable is where the dynamic symbol table is.
func (f *File) DynSymTable() Range {
	return Range{f.Dyn.symtab, f.Dyn.symtab + f.Dyn.nsyms*f.symSize()}
}

func (f *File) symSize() uint64 {
	if f.Class == elf.ELFCLASS64 {
		return 24
	}
	return 16
}

// DynSym returns the i-th dynamic symbol.
func (f *File) DynSym(i uint32) (Symbol, bool) {
	if uint64(i) >= f.Dyn.nsyms {
		return Symbol{}, false
	}
	size := f.symSize()
	buf := make([]byte, size)
	if f.Read(buf, f.Dyn.symtab+uint64(i)*size) != nil {
		return Symbol{}, false
	}
	s, name := f.symbol(buf)
	s.Name = f.dynString(uint64(name))
	f.setVersion(&s, i)
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
// until it returns false. Names are read only when yield asks for them. A file has one
// such table at most (gABI, SHT_SYMTAB).
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
		var off uint32
		name := func() string {
			if uint64(off) >= str.Size {
				return ""
			}
			return f.stringAt(str.Off+uint64(off), 256)
		}
		for i := uint64(0); i < n; i += batch {
			k := min(batch, n-i)
			if f.readAt(buf[:k*size], sec.Off+i*size) != nil {
				return
			}
			for j := range k {
				var s Symbol
				if s, off = f.symbol(buf[j*size : (j+1)*size]); !yield(s, name) {
					return
				}
			}
		}
		return
	}
}

func (f *File) readBuildID() string {
	room := make([]byte, 1<<16)
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE {
			continue
		}
		buf := room[:min(p.Filesz, uint64(len(room)))]
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
			goID = Printable(string(desc))
		}
		b = b[na+da:]
	}
	return goID
}

// Tag returns the value of a dynamic tag, 0 if it is absent.
func (d *Dynamic) Tag(t elf.DynTag) uint64 { return d.tags[t] }
