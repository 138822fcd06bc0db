package image

import (
	"debug/elf"
	"fmt"
	"io"
	"slices"
	"sort"
)

// Range is a half-open range of addresses.
type Range struct{ Start, End uint64 }

// Contains reports whether addr lies in the range.
func (r Range) Contains(addr uint64) bool { return addr >= r.Start && addr < r.End }

// maxCode bounds the code of one file: no compiler's output is near it.
const maxCode = 1 << 30

// checkLoads lays out the loadable segments. Where some overlap, the one that
// is mapped last hides the others, as with the kernel.
func (f *File) checkLoads() error {
	var total, code uint64
	for _, p := range slices.Backward(f.Progs) {
		if p.Type != elf.PT_LOAD || p.Memsz == 0 {
			continue
		}
		if total += p.Filesz; total > 2*uint64(f.fileSize) { // they share but the pages at their ends
			return fmt.Errorf("%w: its segments map the file more than twice", ErrFormat)
		}
		f.mapBehind(p)
	}
	if len(f.loads) == 0 {
		return fmt.Errorf("%w: no loadable segment", ErrFormat)
	}
	for _, p := range f.loads {
		if p.Flags&elf.PF_X != 0 {
			code += p.Filesz
		}
	}
	if code > maxCode {
		return fmt.Errorf("%w: %d MiB of code", ErrFormat, code>>20)
	}
	return nil
}

// mapBehind adds what of a segment those do not hide that are mapped later.
func (f *File) mapBehind(p Prog) {
	end := p.Vaddr + p.Memsz
	i := sort.Search(len(f.loads), func(i int) bool { return f.loads[i].Vaddr+f.loads[i].Memsz > p.Vaddr })
	var pieces []Prog
	for ; i < len(f.loads) && f.loads[i].Vaddr < end; i++ {
		f.note("segments overlap at %#x", max(p.Vaddr, f.loads[i].Vaddr))
		if q := f.loads[i]; q.Vaddr > p.Vaddr {
			pieces = append(pieces, p.upTo(q.Vaddr))
		}
		p = p.from(min(end, f.loads[i].Vaddr+f.loads[i].Memsz))
	}
	if p.Memsz > 0 {
		pieces = append(pieces, p)
	}
	f.loads = append(f.loads, pieces...)
	sortBy(f.loads, func(p Prog) uint64 { return p.Vaddr })
}

func (p Prog) upTo(addr uint64) Prog {
	p.Memsz = addr - p.Vaddr
	p.Filesz = min(p.Filesz, p.Memsz)
	return p
}

func (p Prog) from(addr uint64) Prog {
	cut := addr - p.Vaddr
	p.Vaddr, p.Memsz = addr, p.Memsz-cut
	p.Off += min(cut, p.Filesz)
	p.Filesz -= min(cut, p.Filesz)
	return p
}

func (f *File) load(addr uint64) *Prog {
	if i := f.lastLoad; i < len(f.loads) && addr-f.loads[i].Vaddr < f.loads[i].Memsz {
		return &f.loads[i]
	}
	i := sort.Search(len(f.loads), func(i int) bool { return f.loads[i].Vaddr > addr }) - 1
	if i < 0 || addr-f.loads[i].Vaddr >= f.loads[i].Memsz {
		return nil
	}
	f.lastLoad = i
	return &f.loads[i]
}

// Mapped reports whether addr is inside a loadable segment.
func (f *File) Mapped(addr uint64) bool { return f.load(addr) != nil }

// Writable reports whether addr is in a segment that the program can write
// after relocation: RELRO is not.
func (f *File) Writable(addr uint64) bool {
	p := f.load(addr)
	return p != nil && p.Flags&elf.PF_W != 0 && !f.relro.Contains(addr)
}

// Executable reports whether addr is in an executable segment.
func (f *File) Executable(addr uint64) bool {
	p := f.load(addr)
	return p != nil && p.Flags&elf.PF_X != 0
}

// Offset turns an address into an offset in the file.
func (f *File) Offset(addr uint64) (off uint64, ok bool) {
	p := f.load(addr)
	if p == nil || addr-p.Vaddr >= p.Filesz {
		return 0, false
	}
	return p.Off + (addr - p.Vaddr), true
}

// Read fills b with the bytes at addr as they are when the file has just been
// mapped; the part of a segment beyond its file contents reads as zero.
func (f *File) Read(b []byte, addr uint64) error {
	for len(b) > 0 {
		p := f.load(addr)
		if p == nil {
			return io.ErrUnexpectedEOF
		}
		at := addr - p.Vaddr
		n := min(uint64(len(b)), p.Memsz-at)
		if at >= p.Filesz {
			clear(b[:n])
		} else {
			n = min(n, p.Filesz-at)
			if err := f.readCached(b[:n], p.Off+at); err != nil {
				return err
			}
		}
		b, addr = b[n:], addr+n
	}
	return nil
}

// peek returns the n bytes at addr where they are cached, nil unless they are all
// in the file and in one page. They are valid until the next read.
func (f *File) peek(addr uint64, n int) []byte {
	off, ok := f.Offset(addr)
	if !ok {
		return nil
	}
	p := f.load(addr)
	if uint64(n) > p.Filesz-(addr-p.Vaddr) {
		return nil
	}
	page, err := f.page(off / pageSize)
	if at := off % pageSize; err == nil && at+uint64(n) <= uint64(len(page)) {
		return page[at : at+uint64(n)]
	}
	return nil
}

func (f *File) readCached(b []byte, off uint64) error {
	if len(b) > pageSize {
		return f.readAt(b, off)
	}
	for len(b) > 0 {
		page, err := f.page(off / pageSize)
		if err != nil {
			return err
		}
		at := off % pageSize
		if at >= uint64(len(page)) {
			return io.ErrUnexpectedEOF
		}
		n := copy(b, page[at:])
		b, off = b[n:], off+uint64(n)
	}
	return nil
}

func (f *File) page(i uint64) ([]byte, error) {
	recent := &f.recent[i%uint64(len(f.recent))]
	if recent.i == i && recent.b != nil {
		return recent.b, nil
	}
	if p, ok := f.pages[i]; ok {
		*recent = foundPage{i, p}
		return p, nil
	}
	start := i * pageSize
	if start >= uint64(f.fileSize) {
		return nil, io.ErrUnexpectedEOF
	}
	var p []byte
	if len(f.order) >= maxPages {
		old := f.order[0]
		f.order = f.order[1:]
		if q := f.pages[old]; len(q) == pageSize {
			p = q
		}
		delete(f.pages, old)
		if r := &f.recent[old%uint64(len(f.recent))]; r.i == old {
			r.b = nil
		}
	}
	n := min(pageSize, uint64(f.fileSize)-start)
	if p == nil {
		p = make([]byte, n)
	}
	p = p[:n]
	if err := f.readAt(p, start); err != nil {
		return nil, err
	}
	f.pages[i] = p
	f.order = append(f.order, i)
	*recent = foundPage{i, p}
	return p, nil
}

// Uint reads an unsigned integer of 1, 2, 4 or 8 bytes at addr.
func (f *File) Uint(addr uint64, size int) (uint64, bool) {
	b := f.peek(addr, size)
	if b == nil {
		b = make([]byte, size)
		if f.Read(b, addr) != nil {
			return 0, false
		}
	}
	switch size {
	case 1:
		return uint64(b[0]), true
	case 2:
		return uint64(f.Order.Uint16(b)), true
	case 4:
		return uint64(f.Order.Uint32(b)), true
	}
	return f.Order.Uint64(b), true
}

// Pointer reads a pointer at addr as it is once relative relocations have
// been applied, with the file mapped at its own addresses.
func (f *File) Pointer(addr uint64) (uint64, bool) {
	if r, ok := f.RelocAt(addr); ok {
		switch r.Kind {
		case RelRelative, RelIRelative:
			return r.Addend, true
		case RelSymbol:
			if s, ok := f.DynSym(r.Sym); ok && s.Defined() {
				return s.Value + r.Addend, true
			}
			return 0, true
		}
	}
	return f.Uint(addr, f.PtrSize())
}

// String reads a zero-terminated string at addr.
func (f *File) String(addr uint64) string {
	var out []byte
	var buf [64]byte
	for len(out) < maxString {
		p := f.load(addr)
		if p == nil {
			break
		}
		n := min(uint64(len(buf)), p.Memsz-(addr-p.Vaddr))
		if f.Read(buf[:n], addr) != nil {
			break
		}
		s := cstring(buf[:n])
		out = append(out, s...)
		if uint64(len(s)) < n {
			break
		}
		addr += n
	}
	return string(out)
}

// Code returns the address ranges that hold instructions: executable
// sections, and whatever part of an executable segment no section describes.
func (f *File) Code() []Range {
	var secs []Section
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC != 0 && s.Type != elf.SHT_NOBITS && s.Size > 0 && s.Addr+s.Size > s.Addr {
			secs = append(secs, s)
		}
	}
	sortBy(secs, func(s Section) uint64 { return s.Addr })
	var out []Range
	for _, p := range f.loads {
		if p.Flags&elf.PF_X == 0 || p.Filesz == 0 {
			continue
		}
		seg := Range{p.Vaddr, p.Vaddr + p.Filesz}
		i := sort.Search(len(secs), func(i int) bool { return secs[i].Addr >= seg.Start })
		j := sort.Search(len(secs), func(i int) bool { return secs[i].Addr >= seg.End })
		out = append(out, codeOf(seg, f.headsEnd(p), secs[i:max(i, j)])...)
	}
	return mergeRanges(out)
}

// headsEnd is where code can start in a segment that begins with the file's
// headers.
func (f *File) headsEnd(p Prog) uint64 {
	if p.Off >= f.heads.End {
		return p.Vaddr
	}
	return p.Vaddr + min(f.heads.End-p.Off, p.Filesz)
}

// codeOf leaves out of a segment what sections say is no code, and the headers
// that may precede them.
func codeOf(seg Range, first uint64, secs []Section) []Range {
	secs = slices.DeleteFunc(slices.Clone(secs), func(s Section) bool { return s.Addr+s.Size > seg.End })
	if len(secs) == 0 {
		return []Range{seg}
	}
	var out []Range
	at := first
	for _, s := range secs {
		if s.Addr >= at+64 { // more than alignment: described by no section
			out = append(out, Range{at, s.Addr})
		}
		if s.Flags&elf.SHF_EXECINSTR != 0 {
			out = append(out, Range{s.Addr, s.Addr + s.Size})
		}
		at = max(at, s.Addr+s.Size)
	}
	if seg.End >= at+64 {
		out = append(out, Range{at, seg.End})
	}
	return out
}

func mergeRanges(in []Range) []Range {
	sortBy(in, func(r Range) uint64 { return r.Start })
	var out []Range
	for _, r := range in {
		if n := len(out); n > 0 && r.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, r.End)
			continue
		}
		out = append(out, r)
	}
	return out
}

// Data returns the initialised, non-executable ranges, read-only ones
// included.
func (f *File) Data() []Range {
	code := f.Code()
	var out []Range
	for _, p := range f.loads {
		at := p.Vaddr
		end := p.Vaddr + p.Filesz
		first := sort.Search(len(code), func(i int) bool { return code[i].End > at })
		for _, c := range code[first:] {
			if c.Start >= end {
				break
			}
			if c.Start > at {
				out = append(out, Range{at, c.Start})
			}
			at = c.End
		}
		if at < end {
			out = append(out, Range{at, end})
		}
	}
	return out
}
