// Package flow follows values forward through one function: constants, what
// registers and stack held on entry, words of globals and fields behind
// pointers, merged where paths meet, until nothing changes.
package flow

import (
	"math/bits"
	"math/rand/v2"
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
	Base int32 // Field: the pointer, see Values.Atom
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
	sets   [][]Atom
	table  []interned // the sets by their hashes
	room   []Atom     // for sets to come
	joined [1 << 14]joined
	seed   [3]uint64
	set    []Atom // scratch
}

// interned is a set in the table; Top if there is none.
type interned struct {
	hash uint32
	id   ID
}

// joined is what two values were joined to.
type joined struct{ a, b, to ID }

// atomRoom is how many atoms are made room for at a time.
const atomRoom = 1024

// NewValues returns an empty table.
func NewValues() *Values {
	v := &Values{sets: make([][]Atom, 2), table: make([]interned, 1<<12)}
	for i := range v.seed { // so that no program can choose what collides
		v.seed[i] = rand.Uint64() | 1
	}
	return v
}

// Atoms returns the possibilities of a value; known is false for Top.
func (v *Values) Atoms(id ID) (atoms []Atom, known bool) {
	return v.sets[id], id != Top
}

// Atom returns the atom that a Field's Base names.
func (v *Values) Atom(base int32) Atom { return v.sets[base][0] }

// base is a pointer as a Field's Base.
func (v *Values) base(a Atom) int32 { return int32(v.one(a)) }

func (v *Values) intern(set []Atom) ID {
	if len(set) > maxAtoms {
		return Top
	}
	if len(set) == 0 {
		return None
	}
	h := v.hash(set)
	mask := uint32(len(v.table) - 1)
	i := h & mask
	for ; v.table[i].id != Top; i = (i + 1) & mask {
		if x := v.table[i]; x.hash == h && slices.Equal(v.sets[x.id], set) {
			return x.id
		}
	}
	if len(v.room)+len(set) > cap(v.room) {
		v.room = make([]Atom, 0, atomRoom)
	}
	n := len(v.room)
	v.room = append(v.room, set...)
	id := ID(len(v.sets))
	v.sets = append(v.sets, v.room[n:len(v.room):len(v.room)])
	v.table[i] = interned{h, id}
	if 2*len(v.sets) > len(v.table) {
		v.grow()
	}
	return id
}

// hash mixes the numbers of a set by multiplication, as wyhash does.
func (v *Values) hash(set []Atom) uint32 {
	mix := func(x, y uint64) uint64 {
		hi, lo := bits.Mul64(x, y)
		return hi ^ lo
	}
	h := v.seed[0]
	for _, a := range set {
		h = mix(h^uint64(a.Kind)^uint64(a.Reg)<<8^uint64(a.Size)<<16^uint64(uint32(a.Base))<<32, v.seed[1]^uint64(a.Addr))
		h = mix(h^uint64(a.Add), v.seed[2])
	}
	return uint32(h)
}

// grow doubles the table.
func (v *Values) grow() {
	old := v.table
	v.table = make([]interned, 2*len(old))
	mask := uint32(len(v.table) - 1)
	for _, x := range old {
		if x.id == Top {
			continue
		}
		i := x.hash & mask
		for v.table[i].id != Top {
			i = (i + 1) & mask
		}
		v.table[i] = x
	}
}

func (v *Values) one(a Atom) ID { return v.intern([]Atom{a}) }

// Const interns a constant.
func (v *Values) Const(c int64) ID { return v.one(Atom{Kind: Const, Add: c}) }

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
	known := &v.joined[(uint32(a)*0x9e3779b1^uint32(b)*0x85ebca77)>>16%uint32(len(v.joined))]
	if known.a != a || known.b != b {
		*known = joined{a, b, v.intern(v.union(v.sets[a], v.sets[b]))}
	}
	return known.to
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
	out := make([]int64, 0, len(v.sets[id]))
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
