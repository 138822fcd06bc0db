package image

import (
	"debug/elf"
	"sort"
)

// RelKind is what a dynamic relocation puts into its slot.
type RelKind uint8

// The kinds of dynamic relocations that can carry an address.
const (
	RelNone      RelKind = iota
	RelRelative          // load address + addend
	RelSymbol            // address of a symbol + addend
	RelIRelative         // result of calling the resolver at addend
	RelCopy              // contents of another file's object
)

// Reloc is one dynamic relocation.
type Reloc struct {
	Slot   uint64
	Addend uint64
	Sym    uint32
	Kind   RelKind
	Jump   bool // JUMP_SLOT: a slot of the procedure linkage table
	Got    bool // GLOB_DAT: a slot of the global offset table
}

const (
	maxRelocs = 16 << 20
	dtRELRSZ  = elf.DynTag(35)
	dtRELR    = elf.DynTag(36)
)

type relocTable []Reloc

// machineRelocs lists, for each machine, relocation types in the order
// relative, absolute word, GLOB_DAT, JUMP_SLOT, IRELATIVE, COPY (ABI
// supplements; include/elf/*.h of binutils has the same numbers).
var machineRelocs = map[elf.Machine][6]uint32{
	elf.EM_X86_64:    {8, 1, 6, 7, 37, 5},
	elf.EM_386:       {8, 1, 6, 7, 42, 5},
	elf.EM_AARCH64:   {1027, 257, 1025, 1026, 1032, 1024},
	elf.EM_ARM:       {23, 2, 21, 22, 160, 20},
	elf.EM_RISCV:     {3, 2, 2, 5, 58, 4},
	elf.EM_PPC64:     {22, 38, 20, 21, 248, 19},
	elf.EM_S390:      {12, 22, 10, 11, 61, 9},
	elf.EM_LOONGARCH: {3, 2, 2, 5, 12, 4},
}

func (f *File) relKind(typ uint32) RelKind {
	t, ok := machineRelocs[f.Machine]
	if !ok {
		return RelNone
	}
	switch typ {
	case t[0]:
		return RelRelative
	case t[1], t[2], t[3]:
		return RelSymbol
	case t[4]:
		return RelIRelative
	case t[5]:
		return RelCopy
	}
	return RelNone
}

func (f *File) readRelocs() {
	tags := f.Dyn.tags
	f.readRelocTable(tags[elf.DT_RELA], tags[elf.DT_RELASZ], true)
	f.readRelocTable(tags[elf.DT_REL], tags[elf.DT_RELSZ], false)
	f.readRelocTable(tags[elf.DT_JMPREL], tags[elf.DT_PLTRELSZ], elf.DynTag(tags[elf.DT_PLTREL]) == elf.DT_RELA)
	f.readRelr(tags[dtRELR], tags[dtRELRSZ])
	if !f.Dyn.Present {
		f.readStaticIrelative()
	}
	if !sort.SliceIsSorted(f.relocs, func(i, j int) bool { return f.relocs[i].Slot < f.relocs[j].Slot }) {
		sort.SliceStable(f.relocs, func(i, j int) bool { return f.relocs[i].Slot < f.relocs[j].Slot })
	}
}

// readStaticIrelative reads the IRELATIVE relocations of a static executable,
// which only section headers and start-up code know of.
func (f *File) readStaticIrelative() {
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		switch s.Type {
		case elf.SHT_RELA:
			f.readRelocTable(s.Addr, s.Size, true)
		case elf.SHT_REL:
			f.readRelocTable(s.Addr, s.Size, false)
		}
	}
}

func (f *File) readRelocTable(addr, size uint64, rela bool) {
	if addr == 0 || size == 0 {
		return
	}
	ps := uint64(f.PtrSize())
	ent := 2 * ps
	if rela {
		ent = 3 * ps
	}
	if _, ok := f.Offset(addr); !ok || size > uint64(f.fileSize) || f.entries+size/ent > maxRelocs {
		f.note("relocation table at %#x of %d bytes ignored", addr, size)
		return
	}
	f.entries += size / ent
	const batch = 4096
	buf := make([]byte, batch*ent)
	n := size / ent
	if f.relocs == nil {
		f.relocs = make(relocTable, 0, n)
	}
	for i := uint64(0); i < n; i += batch {
		k := min(batch, n-i)
		if f.Read(buf[:k*ent], addr+i*ent) != nil {
			f.note("relocation table at %#x is cut short", addr)
			return
		}
		for j := range k {
			f.addReloc(buf[j*ent:(j+1)*ent], rela)
		}
	}
}

func (f *File) addReloc(b []byte, rela bool) {
	var r Reloc
	var typ uint32
	if f.Class == elf.ELFCLASS64 {
		r.Slot = f.Order.Uint64(b)
		info := f.Order.Uint64(b[8:])
		r.Sym, typ = uint32(info>>32), uint32(info)
		if rela {
			r.Addend = f.Order.Uint64(b[16:])
		}
	} else {
		r.Slot = uint64(f.Order.Uint32(b))
		info := f.Order.Uint32(b[4:])
		r.Sym, typ = info>>8, info&0xff
		if rela {
			r.Addend = uint64(f.Order.Uint32(b[8:]))
		}
	}
	r.Kind = f.relKind(typ)
	t := machineRelocs[f.Machine]
	r.Jump = typ == t[3]
	r.Got = typ == t[2] && t[1] != t[2]
	if r.Kind == RelNone {
		return
	}
	if !rela && r.Kind != RelCopy {
		if typ != t[2] && typ != t[3] { // GLOB_DAT and JUMP_SLOT ignore the slot's contents
			r.Addend, _ = f.Uint(r.Slot, f.PtrSize())
		}
	}
	f.relocs = append(f.relocs, r)
}

func (f *File) readRelr(addr, size uint64) {
	ps := uint64(f.PtrSize())
	if addr == 0 || size == 0 {
		return
	}
	add := func(slot uint64) {
		f.entries++
		if v, ok := f.Uint(slot, int(ps)); ok {
			f.relocs = append(f.relocs, Reloc{Slot: slot, Addend: v, Kind: RelRelative})
		}
	}
	var where uint64
	for i := uint64(0); i+ps <= size; i += ps {
		w, ok := f.Uint(addr+i, int(ps))
		if f.entries++; !ok || f.entries > maxRelocs {
			f.note("relocation table at %#x of %d bytes is cut short", addr, size)
			return
		}
		if w&1 == 0 {
			add(w)
			where = w + ps
			continue
		}
		for bit := uint64(1); bit < 8*ps; bit++ {
			if w>>bit&1 != 0 {
				add(where + (bit-1)*ps)
			}
		}
		where += (8*ps - 1) * ps
	}
}

// Relocs returns the dynamic relocations sorted by slot.
func (f *File) Relocs() []Reloc { return f.relocs }

// RelocAt returns the relocation of the slot at addr.
func (f *File) RelocAt(addr uint64) (Reloc, bool) {
	i := sort.Search(len(f.relocs), func(i int) bool { return f.relocs[i].Slot >= addr })
	if i < len(f.relocs) && f.relocs[i].Slot == addr {
		return f.relocs[i], true
	}
	return Reloc{}, false
}

// RelocsIn returns the relocations whose slots lie in the range.
func (f *File) RelocsIn(r Range) []Reloc {
	i := sort.Search(len(f.relocs), func(i int) bool { return f.relocs[i].Slot >= r.Start })
	j := sort.Search(len(f.relocs), func(i int) bool { return f.relocs[i].Slot >= r.End })
	return f.relocs[i:max(i, j)]
}
