package image

import (
	"bytes"
	"encoding/binary"
)

// GoStruct is the layout of a Go struct type, from its descriptor.
type GoStruct struct {
	Addr   uint64
	Name   string // "syscall.SysProcAttr"
	Size   uint64
	Fields []GoField
}

// GoField is a field of a struct.
type GoField struct {
	Name   string
	Offset uint64
	Size   uint64
}

// StructAt reads the type descriptor at addr (internal/abi/type.go); ok is
// false if there is none of a struct.
func (t *GoTable) StructAt(addr uint64, want func(name string) bool) (GoStruct, bool) {
	p := uint64(t.ptr)
	kindAt := 2*p + 7
	k, ok := t.f.Uint(addr+kindAt, 1)
	if !ok || k&31 != 25 { // abi.Struct
		return GoStruct{}, false
	}
	str, ok := t.f.Uint(addr+4*p+8, 4)
	if !ok || t.Types.Start == 0 {
		return GoStruct{}, false
	}
	tflag, _ := t.f.Uint(addr+2*p+4, 1)
	name := t.typeName(t.Types.Start + str)
	if tflag&2 != 0 && len(name) > 0 { // TFlagExtraStar
		name = name[1:]
	}
	if !want(name) {
		return GoStruct{}, false
	}
	s := GoStruct{Addr: addr, Name: name}
	s.Size, _ = t.f.Uint(addr, t.ptr)
	head := 4*p + 16
	fields, _ := t.f.Pointer(addr + head + p)
	n, _ := t.f.Uint(addr+head+2*p, t.ptr)
	if n > 256 {
		return GoStruct{}, false
	}
	for i := range n {
		at := fields + i*3*p
		nameAt, ok1 := t.f.Pointer(at)
		typ, ok2 := t.f.Pointer(at + p)
		off, ok3 := t.f.Uint(at+2*p, t.ptr)
		if !ok1 || !ok2 || !ok3 {
			return GoStruct{}, false
		}
		size, _ := t.f.Uint(typ, t.ptr)
		s.Fields = append(s.Fields, GoField{t.typeName(nameAt), off, size})
	}
	t.unshift(&s)
	return s, true
}

// unshift undoes the encoding of offsets before Go 1.19, whose lowest bit
// marked embedded fields.
func (t *GoTable) unshift(s *GoStruct) {
	if n := len(s.Fields); n > 0 && s.Fields[n-1].Offset >= s.Size {
		for i := range s.Fields {
			s.Fields[i].Offset >>= 1
		}
	}
}

func (t *GoTable) typeName(addr uint64) string {
	var h [4]byte
	if t.f.Read(h[:], addr) != nil {
		return ""
	}
	n, k := binary.Uvarint(h[1:])
	if k <= 0 {
		return ""
	}
	if t.version == magic116 && h[1] == 0 { // Go 1.16: two bytes, big-endian
		n, k = uint64(h[1])<<8|uint64(h[2]), 2
	}
	if n > 512 {
		return ""
	}
	b := make([]byte, n)
	if t.f.Read(b, addr+1+uint64(k)) != nil {
		return ""
	}
	return string(b)
}

// TypeUses counts the words in type descriptors that refer to the one at
// addr.
func (t *GoTable) TypeUses(addr uint64) int {
	n := 0
	for _, r := range t.f.RelocsIn(t.Types) {
		if r.Kind == RelRelative && r.Addend == addr {
			n++
		}
	}
	if n > 0 {
		return n
	}
	want := make([]byte, t.ptr)
	if t.ptr == 8 {
		t.f.Order.PutUint64(want, addr)
	} else {
		t.f.Order.PutUint32(want, uint32(addr))
	}
	t.f.pieces(t.Types, t.ptr, func(at uint64, b []byte) bool {
		for k := 0; ; k++ {
			j := bytes.Index(b[k:], want)
			if j < 0 {
				return true
			}
			if k += j; (at+uint64(k))%uint64(t.ptr) == 0 {
				n++
			}
		}
	})
	return n
}
