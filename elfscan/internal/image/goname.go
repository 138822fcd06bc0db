package image

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"unicode"
)

// HasNames reports which of the names belong to a function of the program,
// be it inlined everywhere: the table of names lists those too.
func (t *GoTable) HasNames(names []string) map[string]bool {
	out := map[string]bool{}
	want := map[string]bool{}
	longest := 0
	for _, n := range names {
		want[n] = true
		longest = max(longest, len(n)+2)
	}
	// The name before the first is empty.
	t.f.pieces(Range{t.names, t.cus}, longest, func(_ uint64, b []byte) bool {
		for i := bytes.IndexByte(b, 0); i >= 0; {
			b = b[i+1:]
			if i = bytes.IndexByte(b, 0); i >= 0 && i < longest && want[string(b[:i])] {
				out[string(b[:i])] = true
			}
		}
		return true
	})
	return out
}

// HasMethod reports whether the method table of a type names the i-th
// function (internal/abi/type.go, Method): four offsets, of the name and the
// type from the start of the types, and twice of the code. The method's name
// ends the function's.
func (t *GoTable) HasMethod(i int) bool {
	if t.Types.Start == 0 || t.Starts[i] == t.Text {
		return true // not known
	}
	for range t.methodEntries(i) {
		return true
	}
	return t.mentioned().tooMany
}

// methodEntries are the addresses of what a type's method table has for the
// i-th function, each once or twice.
func (t *GoTable) methodEntries(i int) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		name, m := t.LastName(i), t.mentioned()
		for k := m.last[i]; k != 0; k = m.list[k].before {
			at := t.Types.Start + uint64(m.list[k].at)
			for _, back := range []uint64{8, 12} {
				if t.methodName(at-back) == name && !yield(at-back) {
					return
				}
			}
		}
	}
}

// mentions are the places among the types where the offset of a function is,
// be it by chance.
type mentions struct {
	last    []uint32 // by function: in list, 0 if there is none
	list    []mention
	tooMany bool // for the list
}

type mention struct{ at, before uint32 }

const maxMentions = 1 << 22 // Prometheus, of 187 MB, has 240,358

func (t *GoTable) mentioned() *mentions {
	if t.mentions != nil {
		return t.mentions
	}
	m := &mentions{last: make([]uint32, len(t.Starts)), list: make([]mention, 1)}
	t.mentions = m
	// A bit for every block of code that a function starts in, and for every 64
	// blocks the first function behind their start.
	const block = 16
	size := t.EText - t.Text
	starts := make([]uint64, size/block/64+1)
	first := make([]uint32, len(starts))
	for i, s := range slices.Backward(t.Starts) {
		if s-t.Text < size {
			b := (s - t.Text) / block
			starts[b/64] |= 1 << (b % 64)
			first[b/64] = uint32(i)
		}
	}
	t.offsets(func(at uint32, offs []uint32) {
		for k, off := range offs {
			b := uint64(off) / block
			if off == 0 || uint64(off) >= size || starts[b/64]>>(b%64)&1 == 0 {
				continue // zeros are everywhere
			}
			i := first[b/64]
			for int(i) < len(t.Starts)-1 && t.Starts[i] < t.Text+uint64(off) {
				i++
			}
			if m.tooMany = len(m.list) > maxMentions; t.Starts[i] == t.Text+uint64(off) && !m.tooMany {
				m.list = append(m.list, mention{at + uint32(4*k), m.last[i]})
				m.last[i] = uint32(len(m.list) - 1)
			}
		}
	})
	return m
}

// LastName is what a function's name ends with: a method's own name.
func (t *GoTable) LastName(i int) string {
	name := t.Name(i)
	return name[strings.LastIndexByte(name, '.')+1:]
}

// GoMethods are the methods that some functions are in the method tables of
// types: by name, where entries for them are.
type GoMethods struct {
	t    *GoTable
	keys map[string][]methodKey
	at   map[uint32][]uint64 // where the offset of a name is
	ask  map[string]bool
}

// methodKey is what methods and interfaces are matched by, as offsets from the
// start of the types.
type methodKey struct{ name, typ uint32 }

// Methods looks for functions in the method tables of types
// (internal/abi/type.go, Method).
func (t *GoTable) Methods(funcs []int) *GoMethods {
	g := &GoMethods{t: t, keys: map[string][]methodKey{}, at: map[uint32][]uint64{}, ask: map[string]bool{}}
	for _, i := range funcs {
		name := t.LastName(i)
		for at := range t.methodEntries(i) {
			if key, ok := t.methodKey(at); ok && !slices.Contains(g.keys[name], key) {
				g.keys[name] = append(g.keys[name], key)
				g.at[key.name] = nil
			}
		}
	}
	const bits = 1 << 16
	var maybe [bits / 64]uint64
	for off := range g.at {
		maybe[off%bits/64] |= 1 << (off % 64)
	}
	t.offsets(func(at uint32, offs []uint32) {
		for k, off := range offs {
			if maybe[off%bits/64]>>(off%64)&1 == 0 {
				continue
			}
			if _, ok := g.at[off]; ok {
				g.at[off] = append(g.at[off], t.Types.Start+uint64(at)+uint64(4*k))
			}
		}
	})
	return g
}

func (t *GoTable) methodKey(at uint64) (methodKey, bool) {
	name, ok1 := t.f.Uint(at, 4)
	typ, ok2 := t.f.Uint(at+4, 4)
	return methodKey{uint32(name), uint32(typ)}, ok1 && ok2
}

// Reflected reports whether there are methods of that name, and no interface
// of the program has one of the name and type of one of them: then nothing but
// reflection finds them in the tables.
func (g *GoMethods) Reflected(name string) bool {
	if g.t.mentioned().tooMany {
		return false
	}
	if only, known := g.ask[name]; known {
		return only
	}
	only := len(g.keys[name]) > 0
	for _, key := range g.keys[name] {
		for _, at := range g.at[key.name] {
			k, ok := g.t.methodKey(at)
			only = only && ok && (k.typ != key.typ || g.t.isMethod(at, name))
		}
	}
	g.ask[name] = only
	return only
}

// isMethod reports whether the name at an address is followed by what follows
// it in a type's method table: its type, and twice code of that name, or -1. In
// an interface's list, the next method follows (Imethod).
func (t *GoTable) isMethod(at uint64, name string) bool {
	for _, k := range []uint64{8, 12} {
		off, ok := t.f.Uint(at+k, 4)
		if !ok {
			return false
		}
		if uint32(off) == 1<<32-1 {
			continue
		}
		i, found := slices.BinarySearch(t.Starts, t.Text+off)
		if !found || i >= t.Len() || t.LastName(i) != name {
			return false
		}
	}
	return true
}

// offsets calls yield for every piece of the types, with where it is from their
// start, as if it were all offsets.
func (t *GoTable) offsets(yield func(at uint32, offs []uint32)) {
	var room []uint32
	t.f.pieces(t.Types, 0, func(at uint64, b []byte) bool {
		offs := room[:0]
		if t.f.Order == binary.LittleEndian { // which compiles to plain loads
			for ; len(b) >= 4; b = b[4:] {
				offs = append(offs, binary.LittleEndian.Uint32(b))
			}
		} else {
			for ; len(b) >= 4; b = b[4:] {
				offs = append(offs, binary.BigEndian.Uint32(b))
			}
		}
		room = offs
		yield(uint32(at-t.Types.Start), offs)
		return true
	})
}

// methodName is the name that the offset at addr refers to.
func (t *GoTable) methodName(addr uint64) string {
	off, ok := t.f.Uint(addr, 4)
	if !ok || off >= t.Types.End-t.Types.Start {
		return ""
	}
	return t.typeName(t.Types.Start + off)
}

// pieces reads a range in pieces that overlap by so many bytes, until yield
// returns false.
func (f *File) pieces(r Range, overlap int, yield func(at uint64, b []byte) bool) {
	buf := make([]byte, min(max(r.End, r.Start)-r.Start, 1<<20))
	for at := r.Start; at < r.End; {
		b := buf[:min(uint64(len(buf)), r.End-at)]
		if f.Read(b, at) != nil || !yield(at, b) || len(b) <= overlap || at+uint64(len(b)) >= r.End {
			return
		}
		at += uint64(len(b) - overlap)
	}
}

// Printable is text of a file as it may be shown, or stand in a comment: a
// broken file may have anything in its names.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
