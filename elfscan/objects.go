package elfscan

import (
	"cmp"
	"debug/elf"
	"slices"
	"sort"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// dropBounds forgets, once, where functions of the program that are not reachable
// take objects to start, if what is there goes on: a loop over a table that nobody
// runs may start at the second entry. Not so in libraries, of which programs use
// little, and whose neighbours may look alike. It reports whether that makes a
// difference.
func (p *program) dropBounds(r *reach) bool {
	m := p.mods[0]
	all := m.bounds
	if p.dropped || all == nil {
		return false
	}
	p.dropped, m.bounds = true, nil
	m.buildBounds(func(i uint32) bool { return r.has(node(m.base + i)) })
	return m.keepBounds(all)
}

// keepBounds adds what of other bounds does not look like the middle of a table.
// It reports whether anything does.
func (mod *module) keepBounds(all []uint64) (dropped bool) {
	var kept []uint64
	for i, b := range all {
		if _, is := slices.BinarySearch(mod.bounds, b); is {
			continue
		}
		if i > 0 && mod.goesOn(all[i-1], b) {
			dropped = true
			continue
		}
		kept = append(kept, b)
	}
	mod.bounds = append(mod.bounds, kept...)
	slices.Sort(mod.bounds)
	return dropped
}

// maxEntry is how far behind the start of a table references to its middle are
// looked at.
const maxEntry = 256

// goesOn reports whether an object may go on at an address: pointers precede it
// and follow, or what follows has pointers where what precedes it has.
func (mod *module) goesOn(start, at uint64) bool {
	ps, size := uint64(mod.m.PtrSize), at-start
	if at%ps != 0 || size < ps || size > maxEntry {
		return false
	}
	if mod.isPointer(at-ps) && mod.isPointer(at) {
		return true
	}
	any := false
	for off := uint64(0); off < size; off += ps {
		is := mod.isPointer(start + off)
		if any = any || is; is != mod.isPointer(at+off) {
			return false
		}
	}
	return any
}

// isPointer reports whether a word in data is an address when the program runs.
func (mod *module) isPointer(at uint64) bool {
	if r, ok := mod.f.RelocAt(at); ok || mod.f.Type != elf.ET_EXEC {
		return ok && !r.Got && !r.Jump && !mod.inGOT(at)
	}
	v, ok := mod.f.Uint(at, mod.m.PtrSize)
	return ok && v >= mod.lo && v < mod.hi
}

// buildBounds collects the addresses at which objects in data start, as far
// as references of the functions that tell, relocations and symbols do.
func (mod *module) buildBounds(tells func(from uint32) bool) {
	if mod.bounds != nil {
		return
	}
	var b []uint64
	for _, e := range mod.edges {
		if e.kind == machine.EdgeRef && tells(e.from) {
			if to := mod.lo + uint64(e.to); !mod.inCode(to) {
				b = append(b, to)
			}
		}
	}
	for _, r := range mod.f.Relocs() {
		if r.Kind == image.RelRelative && !mod.inCode(r.Addend) {
			b = append(b, r.Addend)
		}
	}
	for _, o := range mod.symbolObjects() {
		b = append(b, o.Start)
	}
	for _, s := range mod.f.Sections {
		if s.Mapped() {
			b = append(b, s.Addr, s.Addr+s.Size)
		}
	}
	for _, r := range mod.f.Data() {
		b = append(b, r.Start, r.End)
	}
	slices.Sort(b)
	mod.bounds = slices.Compact(b)
}

// symbolObjects are the variables that symbols describe, by where they start.
func (mod *module) symbolObjects() []image.Range {
	if mod.objects != nil {
		return mod.objects
	}
	mod.objects = []image.Range{}
	for _, s := range mod.syms {
		if s.Type == elf.STT_OBJECT {
			mod.objects = append(mod.objects, image.Range{Start: s.Value, End: s.Value + s.Size})
		}
	}
	mod.f.Symbols(func(s image.Symbol, _ func() string) bool {
		if s.Type == elf.STT_OBJECT && s.Size > 0 {
			mod.objects = append(mod.objects, image.Range{Start: s.Value, End: s.Value + s.Size})
		}
		return true
	})
	slices.SortFunc(mod.objects, func(a, b image.Range) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	mod.objects = slices.Compact(mod.objects)
	return mod.objects
}

const (
	maxObject = 1 << 20
	maxInside = 16 // symbols of objects that start in another's
)

// objectEnd is where the object at addr ends.
func (mod *module) objectEnd(addr uint64) uint64 {
	end := addr + maxObject
	if e, own := mod.own[addr]; own {
		return min(end, e)
	}
	mod.buildBounds(func(uint32) bool { return true })
	i, _ := slices.BinarySearch(mod.bounds, addr+1)
	if i < len(mod.bounds) {
		end = min(end, mod.bounds[i])
	}
	objects := mod.symbolObjects()
	i = sort.Search(len(objects), func(i int) bool { return objects[i].Start > addr })
	for _, o := range slices.Backward(objects[max(0, i-maxInside):i]) {
		if o.End > addr && o.End-o.Start < maxObject {
			end = o.End
			break
		}
	}
	return mod.slotsEnd(addr, end)
}

// ownSections are the ends of the program's own sections by their starts: linkers
// make symbols of where one with the name of a C identifier starts and ends,
// between which the program looks through it. glibc only compares addresses with
// those of its __libc_IO_vtables.
func ownSections(f *image.File) map[uint64]uint64 {
	own := map[uint64]uint64{}
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC != 0 && s.Type == elf.SHT_PROGBITS && s.Name != "" && s.Name[0] != '.' && s.Name != "__libc_IO_vtables" {
			own[s.Addr] = max(own[s.Addr], s.Addr+s.Size)
		}
	}
	return own
}

// startsBSS reports whether .bss starts at addr, usually with a flag of GCC's
// startup code, which takes the address of the end of .data.
func (mod *module) startsBSS(addr uint64) bool {
	return slices.ContainsFunc(mod.f.Sections, func(s image.Section) bool { return s.Addr == addr && s.Type == elf.SHT_NOBITS })
}

// slotsEnd cuts an object where a slot of the global offset table starts: code
// refers to each by itself, and to those of thread-local variables, which hold
// no addresses, by taking theirs. The table's start is what large code counts
// from.
func (mod *module) slotsEnd(addr, end uint64) uint64 {
	if !mod.inGOT(addr) || addr == mod.got.Addr || addr == mod.f.Dyn.Tag(3) { // DT_PLTGOT
		return end
	}
	for _, r := range mod.f.RelocsIn(image.Range{Start: addr, End: end}) {
		switch {
		case !r.Got && !r.Jump:
		case r.Slot == addr:
			return addr + uint64(mod.m.PtrSize)
		default:
			return r.Slot
		}
	}
	return end
}
