// Package flow follows values forward through one function: constants, what
// registers and stack held on entry, words of globals and fields behind
// pointers, merged where paths meet, until nothing changes.
package flow

import (
	"encoding/binary"
	"slices"
)

// Kind says where a value comes from.
type Kind uint8

// The kinds of values.
const (
	Const    Kind = iota // Add itself
	Entry                // register Reg when the function was entered
	Slot                 // word on the stack, Addr bytes from the SP on entry
	Global               // word of Size bytes at address Addr
	Field                // word of Size bytes at Addr bytes from the pointer Base
	Returned             // what the call at Addr returned
	Table                // some entry of the table at Addr: stride Reg, Size bytes each
	TableRel             // the same, added to Base
	Unknown              // nothing is known; only of the pointer in a Write
)

// Atom is one possibility of a value: what Kind describes, plus Add.
type Atom struct {
	Kind Kind
	Reg  uint8
	Size uint8
	Base int32 // Field: atom of the pointer
	Addr int64
	Add  int64
}

// ID is an interned value: a set of atoms. Equal sets have equal IDs.
type ID uint32

// Top is the value of which nothing is known; None that of no path.
const (
	Top  ID = 0
	None ID = 1
)

// maxAtoms bounds a set; bigger ones are Top.
const maxAtoms = 40

// Values interns the values of one scan.
type Values struct {
	sets    [][]Atom
	index   map[string]ID
	singles map[Atom]ID  // sets of one
	consts  map[int64]ID // of one constant
	entries [maxRegs]ID  // of what one register held on entry; Top if not made yet
	atoms   []Atom
	atom    map[Atom]int32
	joins   map[uint64]ID
	buf     []byte
	set     []Atom // scratch
}

// NewValues returns an empty table.
func NewValues() *Values {
	v := &Values{index: map[string]ID{}, singles: map[Atom]ID{}, consts: map[int64]ID{}, atom: map[Atom]int32{},
		joins: map[uint64]ID{}}
	v.sets = [][]Atom{nil, nil}
	return v
}

// Atoms returns the possibilities of a value; known is false for Top.
func (v *Values) Atoms(id ID) (atoms []Atom, known bool) {
	return v.sets[id], id != Top
}

// Atom returns the atom that a Field's Base names.
func (v *Values) Atom(base int32) Atom { return v.atoms[base] }

func (v *Values) intern(set []Atom) ID {
	if len(set) > maxAtoms {
		return Top
	}
	switch len(set) {
	case 0:
		return None
	case 1:
		return v.one(set[0])
	}
	b := v.buf[:0]
	for _, a := range set {
		b = append(b, byte(a.Kind), a.Reg, a.Size)
		b = binary.LittleEndian.AppendUint32(b, uint32(a.Base))
		b = binary.LittleEndian.AppendUint64(b, uint64(a.Addr))
		b = binary.LittleEndian.AppendUint64(b, uint64(a.Add))
	}
	v.buf = b
	if id, ok := v.index[string(b)]; ok {
		return id
	}
	id := v.add(slices.Clone(set))
	v.index[string(b)] = id
	return id
}

func (v *Values) add(set []Atom) ID {
	v.sets = append(v.sets, set)
	return ID(len(v.sets) - 1)
}

func (v *Values) one(a Atom) ID {
	switch {
	case a.Kind == Const && a == Atom{Add: a.Add}:
		return v.Const(a.Add)
	case a.Kind == Entry && a.Reg < maxRegs && a == Atom{Kind: Entry, Reg: a.Reg}:
		if v.entries[a.Reg] == Top {
			v.entries[a.Reg] = v.add([]Atom{a})
		}
		return v.entries[a.Reg]
	}
	id, ok := v.singles[a]
	if !ok {
		id = v.add([]Atom{a})
		v.singles[a] = id
	}
	return id
}

// Const interns a constant.
func (v *Values) Const(c int64) ID {
	id, ok := v.consts[c]
	if !ok {
		id = v.add([]Atom{{Kind: Const, Add: c}})
		v.consts[c] = id
	}
	return id
}

func (v *Values) internAtom(a Atom) int32 {
	if i, ok := v.atom[a]; ok {
		return i
	}
	i := int32(len(v.atoms))
	v.atoms = append(v.atoms, a)
	v.atom[a] = i
	return i
}

func less(a, b Atom) int {
	switch {
	case a.Kind != b.Kind:
		return int(a.Kind) - int(b.Kind)
	case a.Reg != b.Reg:
		return int(a.Reg) - int(b.Reg)
	case a.Size != b.Size:
		return int(a.Size) - int(b.Size)
	case a.Base != b.Base:
		return int(a.Base - b.Base)
	case a.Addr != b.Addr:
		if a.Addr < b.Addr {
			return -1
		}
		return 1
	case a.Add < b.Add:
		return -1
	case a.Add > b.Add:
		return 1
	}
	return 0
}

// Join returns the value that is one of two.
func (v *Values) Join(a, b ID) ID {
	switch {
	case a == b, b == None:
		return a
	case a == None:
		return b
	case a == Top || b == Top:
		return Top
	}
	if a > b {
		a, b = b, a
	}
	key := uint64(a)<<32 | uint64(b)
	if id, ok := v.joins[key]; ok {
		return id
	}
	id := v.intern(v.union(v.sets[a], v.sets[b]))
	v.joins[key] = id
	return id
}

// union merges two sets, which are sorted.
func (v *Values) union(x, y []Atom) []Atom {
	out := v.set[:0]
	for len(x) > 0 && len(y) > 0 {
		switch c := less(x[0], y[0]); {
		case c < 0:
			out, x = append(out, x[0]), x[1:]
		case c > 0:
			out, y = append(out, y[0]), y[1:]
		default:
			out, x, y = append(out, x[0]), x[1:], y[1:]
		}
	}
	v.set = append(append(out, x...), y...)
	return v.set
}

// each maps every possibility of a value; f reports false for "unknown".
func (v *Values) each(id ID, f func(Atom) (Atom, bool)) ID {
	if id == Top || id == None {
		return id
	}
	if len(v.sets[id]) == 1 {
		a, ok := f(v.sets[id][0])
		if !ok {
			return Top
		}
		return v.one(a)
	}
	set := make([]Atom, 0, len(v.sets[id]))
	for _, a := range v.sets[id] {
		b, ok := f(a)
		if !ok {
			return Top
		}
		set = append(set, b)
	}
	slices.SortFunc(set, less)
	return v.intern(slices.Compact(set))
}

// Add returns a value plus a constant.
func (v *Values) Add(id ID, c int64) ID {
	if c == 0 || id == Top || id == None {
		return id
	}
	if set := v.sets[id]; len(set) == 1 {
		a := set[0]
		a.Add += c
		return v.one(a)
	}
	v.set = append(v.set[:0], v.sets[id]...)
	for i := range v.set {
		v.set[i].Add += c
	}
	if !slices.IsSortedFunc(v.set, less) { // some have wrapped around
		slices.SortFunc(v.set, less)
	}
	return v.intern(v.set)
}

// Consts returns the value's constants if it consists of nothing else.
func (v *Values) Consts(id ID) ([]int64, bool) {
	if id == Top {
		return nil, false
	}
	var out []int64
	for _, a := range v.sets[id] {
		if a.Kind != Const {
			return nil, false
		}
		out = append(out, a.Add)
	}
	return out, len(out) > 0
}

// single returns the only constant of a value.
func (v *Values) single(id ID) (int64, bool) {
	s := v.sets[id]
	if id == Top || len(s) != 1 || s[0].Kind != Const {
		return 0, false
	}
	return s[0].Add, true
}

// Of interns a value that is one atom.
func (v *Values) Of(a Atom) ID { return v.one(a) }
