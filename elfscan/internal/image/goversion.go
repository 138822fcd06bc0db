package image

import (
	"bytes"
	"encoding/binary"
)

var buildInfoMagic = []byte("\xff Go buildinf:")

// buildInfoSize is the size of the header, and before Go 1.18 of the whole.
const buildInfoSize = 32

// GoVersion returns the version that a Go binary records (debug/buildinfo
// describes the format), "" if it has none.
func (f *File) GoVersion() string {
	for _, r := range f.buildInfoRanges() {
		buf := make([]byte, min(r.End-r.Start, 1<<20))
		if f.Read(buf, r.Start) != nil {
			continue
		}
		i := bytes.Index(buf, buildInfoMagic)
		if i < 0 || len(buf) < i+buildInfoSize {
			continue
		}
		b := buf[i:]
		if b[15]&2 != 0 { // since Go 1.18 the string itself follows
			n, k := binary.Uvarint(b[32:])
			if k > 0 && n < 256 && uint64(len(b)) >= 32+uint64(k)+n {
				return Printable(string(b[32+uint64(k) : 32+uint64(k)+n]))
			}
			continue
		}
		ps := f.PtrSize()
		hdr, ok := f.Pointer(r.Start + uint64(i) + 16)
		if !ok {
			continue
		}
		data, ok1 := f.Pointer(hdr)
		n, ok2 := f.Uint(hdr+uint64(ps), ps)
		if s := make([]byte, min(n, 256)); ok1 && ok2 && n < 256 && f.Read(s, data) == nil {
			return Printable(string(s))
		}
	}
	return ""
}

func (f *File) buildInfoRanges() []Range {
	if s := f.Section(".go.buildinfo"); s != nil && s.Addr != 0 {
		return []Range{{s.Addr, s.Addr + s.Size}}
	}
	var out []Range
	for _, r := range f.Data() {
		if p := f.load(r.Start); p != nil && p.Flags&2 != 0 {
			out = append(out, r)
		}
	}
	return out
}
