package image

import (
	"bytes"
	"strings"
)

// HasNames reports which of the names belong to a function of the program,
// be it inlined everywhere: the table of names lists those too.
func (t *GoTable) HasNames(names []string) map[string]bool {
	out := map[string]bool{}
	want := make([][]byte, len(names))
	longest := 0
	for i, n := range names {
		want[i] = []byte("\x00" + n + "\x00")
		longest = max(longest, len(want[i]))
	}
	// The name before the first is empty.
	t.f.pieces(Range{t.names, t.cus}, longest, func(_ uint64, b []byte) bool {
		for i, w := range want {
			if !out[names[i]] && bytes.Contains(b, w) {
				out[names[i]] = true
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
	if t.Types.Start == 0 {
		return true
	}
	name := t.Name(i)
	name = name[strings.LastIndexByte(name, '.')+1:]
	want := make([]byte, 4)
	t.f.Order.PutUint32(want, uint32(t.Starts[i]-t.Text))
	found := false
	t.f.pieces(t.Types, 4, func(at uint64, b []byte) bool {
		for k := 0; !found; k++ {
			j := bytes.Index(b[k:], want)
			if j < 0 {
				break
			}
			k += j
			a := at + uint64(k)
			found = a&3 == 0 && (t.methodName(a-8) == name || t.methodName(a-12) == name)
		}
		return !found
	})
	return found
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
