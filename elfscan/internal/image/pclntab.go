package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Magic numbers of the tables of Go 1.2, 1.16, 1.18 and 1.20
// (internal/abi/symtab.go and its predecessors).
const (
	magic12  = 0xfffffffb
	magic116 = 0xfffffffa
	magic118 = 0xfffffff0
	magic120 = 0xfffffff1
)

const maxFuncs = 8 << 20

// ErrOldGo reports a binary that was built with a Go older than 1.16.
var ErrOldGo = errors.New("built with a Go older than 1.16")

// GoTable is the table of functions that every Go binary carries for its own
// tracebacks, stripped or not.
type GoTable struct {
	Addr    uint64
	Text    uint64 // runtime.text
	EText   uint64
	Types   Range // type descriptors
	Starts  []uint64
	version uint32
	offs    []uint32
	f       *File
	ptr     int
	quantum uint64

	names, cus, files, pcs, funcs uint64 // addresses of the parts
	moduledata                    uint64
	mentions                      *mentions // nil until asked for
}

// GoTable finds and reads the function table; nil without an error means that
// this is not a Go binary.
func (f *File) GoTable() (*GoTable, error) {
	var old bool
	for _, addr := range f.pclntabCandidates() {
		t, err := f.readGoTable(addr)
		if err == nil {
			return t, nil
		}
		old = old || errors.Is(err, ErrOldGo)
		if f.goSection() != nil && !old {
			f.note("%v", err)
		}
	}
	if old {
		return nil, ErrOldGo
	}
	return nil, nil
}

// goSection is the section of the function table, nil if none has its name.
func (f *File) goSection() *Section {
	for _, name := range []string{".gopclntab", ".data.rel.ro.gopclntab"} {
		if s := f.Section(name); s != nil && s.Addr != 0 {
			return s
		}
	}
	return nil
}

func (f *File) pclntabCandidates() []uint64 {
	if s := f.goSection(); s != nil {
		return []uint64{s.Addr}
	}
	if len(f.Sections) > 0 && f.Section(".go.buildinfo") == nil && f.Section(".note.go.buildid") == nil {
		return nil
	}
	var out []uint64
	for _, r := range f.Data() {
		out = append(out, f.searchMagic(r)...)
	}
	return out
}

// searchMagic looks for table headers in a range, streaming.
func (f *File) searchMagic(r Range) []uint64 {
	var out []uint64
	buf := make([]byte, 1<<20)
	for at := r.Start &^ 7; at < r.End; at += uint64(len(buf)) - 16 {
		n := min(uint64(len(buf)), r.End-at)
		if f.Read(buf[:n], at) != nil {
			break
		}
		for i := 0; i+8 <= int(n); i += 8 {
			b := buf[i : i+8]
			if b[4] != 0 || b[5] != 0 || b[6] != 1 && b[6] != 2 && b[6] != 4 || int(b[7]) != f.PtrSize() {
				continue
			}
			switch f.Order.Uint32(b) {
			case magic12, magic116, magic118, magic120:
				if len(out) < 16 {
					out = append(out, at+uint64(i))
				}
			}
		}
		if n < uint64(len(buf)) {
			break
		}
	}
	return out
}

func (f *File) readGoTable(addr uint64) (*GoTable, error) {
	var h [8]byte
	if err := f.Read(h[:], addr); err != nil {
		return nil, err
	}
	t := &GoTable{Addr: addr, f: f, ptr: int(h[7]), quantum: uint64(h[6]), version: f.Order.Uint32(h[:])}
	if t.ptr != f.PtrSize() || h[4] != 0 || h[5] != 0 {
		return nil, fmt.Errorf("%w: function table at %#x", ErrFormat, addr)
	}
	word := func(i int) uint64 {
		v, _ := f.Pointer(addr + 8 + uint64(i*t.ptr))
		return v
	}
	n := word(0)
	base := 2
	switch t.version {
	case magic12:
		return nil, ErrOldGo
	case magic116:
	case magic118, magic120:
		t.Text = word(2)
		base = 3
	default:
		return nil, fmt.Errorf("%w: function table at %#x", ErrFormat, addr)
	}
	parts := []*uint64{&t.names, &t.cus, &t.files, &t.pcs, &t.funcs}
	for i, p := range parts {
		off := word(base + i)
		if off > uint64(f.fileSize) {
			return nil, fmt.Errorf("%w: function table at %#x", ErrFormat, addr)
		}
		*p = addr + off
	}
	if n == 0 || n > maxFuncs || n > uint64(f.fileSize)/8 {
		return nil, fmt.Errorf("%w: function table at %#x has %d functions", ErrFormat, addr, n)
	}
	t.findModuledata()
	return t, t.readFtab(int(n))
}

// readFtab reads the entries: address and offset of each function, and at the
// end the address where the last one ends.
func (t *GoTable) readFtab(n int) error {
	size := 4
	if t.version == magic116 {
		size = t.ptr
	}
	if _, ok := t.f.Offset(t.funcs + uint64(2*n*size)); !ok {
		return fmt.Errorf("%w: function table at %#x is cut short", ErrFormat, t.Addr)
	}
	buf := make([]byte, (2*n+1)*size)
	if err := t.f.Read(buf, t.funcs); err != nil {
		return fmt.Errorf("%w: function table at %#x is cut short", ErrFormat, t.Addr)
	}
	t.Starts = make([]uint64, n+1)
	t.offs = make([]uint32, n)
	for i := range n + 1 {
		t.Starts[i] = t.word(buf[2*i*size:], size)
		if size == 4 && t.version != magic116 {
			t.Starts[i] += t.Text
		}
		if i < n {
			t.offs[i] = uint32(t.word(buf[(2*i+1)*size:], size))
		}
	}
	if t.version == magic116 {
		t.relocate(n)
	}
	if !sort.SliceIsSorted(t.Starts, func(i, j int) bool { return t.Starts[i] < t.Starts[j] }) ||
		!t.f.Executable(t.Starts[0]) || !t.f.Executable(t.Starts[n]-1) {
		return fmt.Errorf("%w: function table at %#x is not in order", ErrFormat, t.Addr)
	}
	if t.EText == 0 {
		t.Text, t.EText = t.Starts[0], t.Starts[n]
	}
	return nil
}

// relocate reads the addresses of Go 1.16 and 1.17, which are pointers.
func (t *GoTable) relocate(n int) {
	r := Range{t.funcs, t.funcs + uint64((2*n+1)*t.ptr)}
	for _, rel := range t.f.RelocsIn(r) {
		i := (rel.Slot - r.Start) / uint64(t.ptr)
		if rel.Kind == RelRelative && i%2 == 0 {
			t.Starts[i/2] = rel.Addend
		}
	}
}

func (t *GoTable) word(b []byte, size int) uint64 {
	if size == 4 {
		return uint64(t.f.Order.Uint32(b))
	}
	return t.f.Order.Uint64(b)
}

// findModuledata finds runtime.firstmoduledata, whose first word points to
// the table, and takes the text range from it: since Go 1.26 the table's own
// textStart is zero.
func (t *GoTable) findModuledata() {
	for _, r := range t.f.relocs {
		if r.Kind == RelRelative && r.Addend == t.Addr && t.tryModuledata(r.Slot) {
			return
		}
	}
	want := make([]byte, t.ptr)
	if t.ptr == 8 {
		t.f.Order.PutUint64(want, t.Addr)
	} else {
		t.f.Order.PutUint32(want, uint32(t.Addr))
	}
	for _, r := range t.moduledataRanges() {
		if t.searchModuledata(r, want) {
			return
		}
	}
}

func (t *GoTable) moduledataRanges() []Range {
	var out []Range
	for _, name := range []string{".go.module", ".noptrdata", ".data"} {
		if s := t.f.Section(name); s != nil && s.Type != elf.SHT_NOBITS {
			out = append(out, Range{s.Addr, s.Addr + s.Size})
		}
	}
	return append(out, t.f.Data()...)
}

func (t *GoTable) searchModuledata(r Range, want []byte) bool {
	buf := make([]byte, 1<<20)
	for at := r.Start &^ 7; at < r.End; at += uint64(len(buf)) - 8 {
		n := min(uint64(len(buf)), r.End-at)
		if t.f.Read(buf[:n], at) != nil {
			return false
		}
		b := buf[:n]
		for i := 0; ; i++ {
			j := bytes.Index(b[i:], want)
			if j < 0 {
				break
			}
			i += j
			if (at+uint64(i))%uint64(t.ptr) == 0 && t.tryModuledata(at+uint64(i)) {
				return true
			}
		}
		if n < uint64(len(buf)) {
			return false
		}
	}
	return false
}

// InModuledata reports whether a word at addr is one of runtime.moduledata's
// that say where sections start and end.
func (t *GoTable) InModuledata(addr uint64) bool {
	return t.moduledata != 0 && addr >= t.moduledata && addr-t.moduledata < moduledataWords*uint64(t.ptr)
}

// moduledataWords are about as many words as runtime.moduledata has.
const moduledataWords = 64

// Words of runtime.moduledata that have not moved since Go 1.16
// (runtime/symtab.go).
const (
	mdFtab  = 16
	mdMinPC = 20
	mdText  = 22
	mdEText = 23
	mdTypes = 34 // before Go 1.20; later two words on
)

func (t *GoTable) tryModuledata(addr uint64) bool {
	word := func(i int) uint64 {
		v, _ := t.f.Pointer(addr + uint64(i*t.ptr))
		return v
	}
	text, etext := word(mdText), word(mdEText)
	if etext <= text || !t.f.Executable(text) || !t.f.Executable(etext-1) || word(mdMinPC) < text || word(mdMinPC) >= etext {
		return false
	}
	if t.Text != 0 && t.Text != text {
		return false
	}
	t.Text, t.EText, t.moduledata = text, etext, addr
	for i := mdTypes; i < mdTypes+4; i++ {
		// types and etypes follow end, gcdata and gcbss; all are addresses,
		// and types are the first range that is neither code nor writable data.
		lo, hi := word(i), word(i+1)
		if lo < hi && t.f.Mapped(lo) && t.f.Mapped(hi-1) && hi-lo < 1<<30 && hi-lo > 256 && lo%uint64(t.ptr) == 0 && !t.f.Executable(lo) {
			t.Types = Range{lo, hi}
		}
	}
	return true
}

// Len is the number of functions.
func (t *GoTable) Len() int { return len(t.offs) }

func (t *GoTable) field(i int, word int) (uint32, bool) {
	at := t.funcs + uint64(t.offs[i])
	if t.version == magic116 {
		at += uint64(t.ptr) - 4 // entry is a pointer, not an offset
	}
	v, ok := t.f.Uint(at+uint64(4*word), 4)
	return uint32(v), ok
}

// Name returns the name of the i-th function.
func (t *GoTable) Name(i int) string {
	off, ok := t.field(i, 1)
	if !ok {
		return ""
	}
	return t.f.String(t.names + uint64(off))
}

// ArgBytes returns the size of the i-th function's arguments and results on
// the stack, spill space included.
func (t *GoTable) ArgBytes(i int) int {
	n, ok := t.field(i, 2)
	if !ok || int32(n) < 0 {
		return 0
	}
	return int(n)
}

// FileLine returns the source position of an address in the i-th function.
func (t *GoTable) FileLine(i int, pc uint64) (string, int) {
	pcfile, ok1 := t.field(i, 5)
	pcln, ok2 := t.field(i, 6)
	cu, ok3 := t.field(i, 8)
	if !ok1 || !ok2 || !ok3 {
		return "", 0
	}
	fileno, ok1 := t.pcValue(pcfile, t.Starts[i], pc)
	line, ok2 := t.pcValue(pcln, t.Starts[i], pc)
	if !ok1 || !ok2 || fileno < 0 || line < 0 {
		return "", 0
	}
	off, ok := t.f.Uint(t.cus+(uint64(cu)+uint64(fileno))*4, 4)
	if !ok || uint32(off) == ^uint32(0) {
		return "", 0
	}
	return Printable(t.f.String(t.files + off)), int(line)
}

// pcValue decodes one of the tables of runtime/symtab.go: pairs of varints,
// value difference and address difference.
func (t *GoTable) pcValue(off uint32, pc, target uint64) (int32, bool) {
	at, val := t.pcs+uint64(off), int32(-1)
	buf := make([]byte, 20)
	for step := 0; step < 1<<16; step++ {
		if t.f.Read(buf, at) != nil {
			return 0, false
		}
		dv, n := binary.Uvarint(buf)
		if n <= 0 || dv == 0 && step > 0 {
			return 0, false
		}
		dp, m := binary.Uvarint(buf[n:])
		if m <= 0 {
			return 0, false
		}
		at += uint64(n + m)
		val += int32(uint32(dv)>>1) ^ -int32(dv&1)
		pc += dp * t.quantum
		if target < pc {
			return val, true
		}
	}
	return 0, false
}

// Find calls yield for every function whose name starts with one of the
// prefixes.
func (t *GoTable) Find(prefixes []string, yield func(i int, name string)) {
	const enough = 24 // to tell most names from all prefixes
	var byFirst [256][]string
	for _, p := range prefixes {
		byFirst[p[0]] = append(byFirst[p[0]], p)
	}
	for i := range t.offs {
		off, ok := t.field(i, 1)
		if !ok {
			continue
		}
		head := t.f.peek(t.names+uint64(off), enough)
		if head != nil && !slices.ContainsFunc(byFirst[head[0]], func(p string) bool {
			n := min(len(p), enough)
			return string(head[:n]) == p[:n]
		}) {
			continue
		}
		name := t.Name(i)
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			yield(i, name)
		}
	}
}
