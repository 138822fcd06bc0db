// Package image reads ELF files the way the kernel and ld.so map them: by
// program headers, with section headers only as a hint. Every count and size
// is checked against the file before anything is allocated for it, and bytes
// are read in pages as they are asked for.
package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	pageSize  = 1 << 16
	maxPages  = 256 // 16 MiB of cached pages
	maxProgs  = 4096
	maxShnum  = 1 << 16
	maxString = 4096
)

// ErrFormat is wrapped by every error about a file that is not a usable ELF
// executable or library.
var ErrFormat = errors.New("not a usable ELF file")

// Prog is one program header.
type Prog struct {
	Type   elf.ProgType
	Flags  elf.ProgFlag
	Off    uint64
	Vaddr  uint64
	Filesz uint64 // clipped to the file
	Memsz  uint64
}

// Section is one section header, name resolved.
type Section struct {
	Name    string
	Type    elf.SectionType
	Flags   elf.SectionFlag
	Addr    uint64
	Off     uint64
	Size    uint64
	Link    uint32
	Entsize uint64
}

// File is an ELF file open for reading.
type File struct {
	r        io.ReaderAt
	fileSize int64

	Class    elf.Class
	Order    binary.ByteOrder
	Machine  elf.Machine
	Type     elf.Type
	Flags    uint32
	Entry    uint64
	Progs    []Prog
	Sections []Section
	Notes    []string // what was broken and therefore ignored

	Dyn     Dynamic
	BuildID string // GNU or Go build id, "" if none
	relocs  relocTable
	entries uint64 // of relocation tables, read so far
	loads   []Prog // PT_LOAD, disjoint and sorted by address
	relro   Range
	heads   Range // file offsets of the ELF and program headers
	pages   map[uint64][]byte
	order   []uint64 // pages, oldest first

	lastLoad int          // index of what load returned last
	recent   [8]foundPage // what page returned, by the last bits of its number
}

// Mapped reports whether a section has a place of its own when the program runs:
// that of a thread's variables which are zero at first has none.
func (s *Section) Mapped() bool {
	return s.Flags&elf.SHF_ALLOC != 0 && (s.Flags&elf.SHF_TLS == 0 || s.Type != elf.SHT_NOBITS)
}

// foundPage is a page that is still cached; no bytes if it is not.
type foundPage struct {
	i uint64
	b []byte
}

// PtrSize is the width of a pointer in bytes.
func (f *File) PtrSize() int {
	if f.Class == elf.ELFCLASS64 {
		return 8
	}
	return 4
}

// Open reads the headers of an ELF file of the given size.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, fileSize: size, pages: make(map[uint64][]byte)}
	if err := f.readHeader(); err != nil {
		return nil, err
	}
	if err := f.checkLoads(); err != nil {
		return nil, err
	}
	f.readDynamic()
	f.readRelocs()
	f.countRelocSyms()
	f.BuildID = f.readBuildID()
	return f, nil
}

// Note adds a note about what was broken and therefore ignored.
func (f *File) Note(format string, args ...any) { f.note(format, args...) }

func (f *File) note(format string, args ...any) {
	if len(f.Notes) < 64 {
		f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
	}
}

func (f *File) readHeader() error {
	var ident [16]byte
	if err := f.readAt(ident[:], 0); err != nil {
		return fmt.Errorf("%w: %v", ErrFormat, err)
	}
	if string(ident[:4]) != elf.ELFMAG {
		return fmt.Errorf("%w: no ELF magic number", ErrFormat)
	}
	f.Class = elf.Class(ident[elf.EI_CLASS])
	switch elf.Data(ident[elf.EI_DATA]) {
	case elf.ELFDATA2LSB:
		f.Order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		f.Order = binary.BigEndian
	default:
		return fmt.Errorf("%w: unknown byte order %d", ErrFormat, ident[elf.EI_DATA])
	}
	var h elf.Header64
	switch f.Class {
	case elf.ELFCLASS64:
		if err := f.readStruct(0, 64, &h); err != nil {
			return err
		}
	case elf.ELFCLASS32:
		var h32 elf.Header32
		if err := f.readStruct(0, 52, &h32); err != nil {
			return err
		}
		h = elf.Header64{Type: h32.Type, Machine: h32.Machine, Entry: uint64(h32.Entry),
			Phoff: uint64(h32.Phoff), Shoff: uint64(h32.Shoff), Flags: h32.Flags,
			Phentsize: h32.Phentsize, Phnum: h32.Phnum, Shentsize: h32.Shentsize,
			Shnum: h32.Shnum, Shstrndx: h32.Shstrndx}
	default:
		return fmt.Errorf("%w: unknown class %d", ErrFormat, ident[elf.EI_CLASS])
	}
	f.Machine, f.Type, f.Flags, f.Entry = elf.Machine(h.Machine), elf.Type(h.Type), h.Flags, h.Entry
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return fmt.Errorf("%w: type %v, want an executable or a shared object", ErrFormat, f.Type)
	}
	if err := f.readProgs(h.Phoff, int(h.Phnum), int(h.Phentsize)); err != nil {
		return err
	}
	f.readSections(h.Shoff, int(h.Shnum), int(h.Shentsize), int(h.Shstrndx))
	return nil
}

func (f *File) readProgs(off uint64, n, entsize int) error {
	want := 56
	if f.Class == elf.ELFCLASS32 {
		want = 32
	}
	if n == 0 || n > maxProgs || entsize != want {
		return fmt.Errorf("%w: %d program headers of %d bytes", ErrFormat, n, entsize)
	}
	for i := range n {
		var p elf.Prog64
		at := off + uint64(i*entsize)
		if f.Class == elf.ELFCLASS64 {
			if err := f.readStruct(at, want, &p); err != nil {
				return fmt.Errorf("program header %d: %w", i, err)
			}
		} else {
			var q elf.Prog32
			if err := f.readStruct(at, want, &q); err != nil {
				return fmt.Errorf("program header %d: %w", i, err)
			}
			p = elf.Prog64{Type: q.Type, Flags: q.Flags, Off: uint64(q.Off), Vaddr: uint64(q.Vaddr),
				Filesz: uint64(q.Filesz), Memsz: uint64(q.Memsz)}
		}
		f.addProg(i, Prog{elf.ProgType(p.Type), elf.ProgFlag(p.Flags), p.Off, p.Vaddr, p.Filesz, p.Memsz})
	}
	f.heads = Range{0, off + uint64(n*entsize)}
	return nil
}

func (f *File) addProg(i int, p Prog) {
	size := uint64(f.fileSize)
	if p.Off > size {
		f.note("program header %d starts beyond the end of the file", i)
		p.Off, p.Filesz = size, 0
	} else if p.Filesz > size-p.Off {
		f.note("program header %d reaches beyond the end of the file", i)
		p.Filesz = size - p.Off
	}
	if p.Vaddr > 1<<62 || p.Memsz > 1<<62 { // no user space is that big
		f.note("program header %d is outside of the address space", i)
		return
	}
	if p.Filesz > p.Memsz {
		p.Filesz = p.Memsz
	}
	f.Progs = append(f.Progs, p)
	if p.Type == elf.PT_GNU_RELRO { // ld.so takes the last
		f.relro = Range{p.Vaddr, p.Vaddr + p.Memsz}
	}
}

func (f *File) readSections(off uint64, n, entsize, strndx int) {
	want := 64
	if f.Class == elf.ELFCLASS32 {
		want = 40
	}
	if off == 0 || n == 0 && off >= uint64(f.fileSize) {
		return
	}
	if n == 0 && entsize == want { // too many for the header: the first one says how many
		n, strndx = f.extended(off, strndx)
	}
	if n == 0 || n > maxShnum || entsize != want {
		f.note("section headers ignored: %d of %d bytes", n, entsize)
		return
	}
	if off > uint64(f.fileSize) || uint64(n*entsize) > uint64(f.fileSize)-off {
		f.note("section headers reach beyond the end of the file")
		return
	}
	raw := make([]elf.Section64, n)
	for i := range raw {
		if f.readSection(off+uint64(i*entsize), &raw[i]) != nil {
			return
		}
	}
	var names elf.Section64
	if strndx < n {
		names = raw[strndx]
	}
	for _, s := range raw {
		sec := Section{Type: elf.SectionType(s.Type), Flags: elf.SectionFlag(s.Flags), Addr: s.Addr,
			Off: s.Off, Size: s.Size, Link: s.Link, Entsize: s.Entsize}
		if sec.Type != elf.SHT_NOBITS && (s.Off > uint64(f.fileSize) || s.Size > uint64(f.fileSize)-s.Off) {
			sec.Size = 0
			f.note("a section reaches beyond the end of the file")
		}
		if uint64(s.Name) < names.Size {
			sec.Name = f.stringAt(names.Off+uint64(s.Name), 64)
		}
		f.Sections = append(f.Sections, sec)
	}
}

func (f *File) readSection(at uint64, s *elf.Section64) error {
	if f.Class == elf.ELFCLASS64 {
		return f.readStruct(at, 64, s)
	}
	var t elf.Section32
	if err := f.readStruct(at, 40, &t); err != nil {
		return err
	}
	*s = elf.Section64{Name: t.Name, Type: t.Type, Flags: uint64(t.Flags), Addr: uint64(t.Addr),
		Off: uint64(t.Off), Size: uint64(t.Size), Link: t.Link, Entsize: uint64(t.Entsize)}
	return nil
}

// extended reads the number of sections, and which has their names, from the
// first section header (gABI, e_shnum and e_shstrndx).
func (f *File) extended(off uint64, strndx int) (n, names int) {
	var first elf.Section64
	if f.readSection(off, &first) != nil {
		return 0, 0
	}
	if strndx == int(elf.SHN_XINDEX) {
		strndx = int(first.Link)
	}
	return int(min(first.Size, maxShnum+1)), strndx
}

// Section returns the section of that name, nil if there is none.
func (f *File) Section(name string) *Section {
	for i := range f.Sections {
		if f.Sections[i].Name == name {
			return &f.Sections[i]
		}
	}
	return nil
}

func (f *File) readStruct(off uint64, size int, v any) error {
	buf := make([]byte, size)
	if err := f.readAt(buf, off); err != nil {
		return fmt.Errorf("%w: headers: %v", ErrFormat, err)
	}
	_, err := binary.Decode(buf, f.Order, v)
	return err
}

func (f *File) readAt(b []byte, off uint64) error {
	if off > uint64(f.fileSize) || uint64(len(b)) > uint64(f.fileSize)-off {
		return io.ErrUnexpectedEOF
	}
	n, err := f.r.ReadAt(b, int64(off))
	if n == len(b) {
		return nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// ReadFile fills b from a file offset, bypassing the page cache.
func (f *File) ReadFile(b []byte, off uint64) error { return f.readAt(b, off) }

func (f *File) stringAt(off uint64, limit int) string {
	if off >= uint64(f.fileSize) {
		return ""
	}
	buf := make([]byte, min(uint64(limit), uint64(f.fileSize)-off))
	if f.readCached(buf, off) != nil {
		return ""
	}
	return cstring(buf)
}

func cstring(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
