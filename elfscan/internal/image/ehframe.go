package image

import (
	"debug/elf"
)

const maxFDEs = 1 << 21

// Unwind returns the address ranges that unwind information describes: the
// functions of C, C++ and Rust, stripped or not.
func (f *File) Unwind() []Range {
	var out []Range
	addr, size := f.ehFrame()
	if addr != 0 {
		out = f.parseEhFrame(addr, size)
	}
	return append(out, f.parseExidx()...)
}

func (f *File) ehFrame() (addr, size uint64) {
	if s := f.Section(".eh_frame"); s != nil && s.Addr != 0 {
		return s.Addr, s.Size
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_GNU_EH_FRAME {
			continue
		}
		var h [4]byte
		if f.Read(h[:], p.Vaddr) != nil || h[0] != 1 {
			continue
		}
		r := ehReader{f: f, at: p.Vaddr + 4}
		addr = r.encoded(h[1], p.Vaddr)
		if l := f.load(addr); r.err == nil && l != nil {
			return addr, l.Vaddr + l.Filesz - addr
		}
	}
	return 0, 0
}

type ehReader struct {
	f   *File
	at  uint64
	err error
}

func (r *ehReader) uint(n int) uint64 {
	v, ok := r.f.Uint(r.at, n)
	if !ok {
		r.err = ErrFormat
	}
	r.at += uint64(n)
	return v
}

func (r *ehReader) uleb() (v uint64) {
	for shift := uint(0); shift < 64; shift += 7 {
		b := r.uint(1)
		v |= b & 0x7f << shift
		if b&0x80 == 0 || r.err != nil {
			return v
		}
	}
	r.err = ErrFormat
	return v
}

// encoded reads a DW_EH_PE_* pointer (Linux Standard Base, 10.5).
func (r *ehReader) encoded(enc byte, datarel uint64) uint64 {
	start := r.at
	var v uint64
	switch enc & 0x0f {
	case 0x00:
		if rel, ok := r.f.RelocAt(r.at); ok && rel.Kind == RelRelative {
			r.at += uint64(r.f.PtrSize())
			return rel.Addend
		}
		v = r.uint(r.f.PtrSize())
	case 0x01:
		v = r.uleb()
	case 0x02:
		v = r.uint(2)
	case 0x03:
		v = r.uint(4)
	case 0x04, 0x0c:
		v = r.uint(8)
	case 0x0a:
		v = uint64(int64(int16(r.uint(2))))
	case 0x0b:
		v = uint64(int64(int32(r.uint(4))))
	default:
		r.err = ErrFormat
	}
	switch enc & 0x70 {
	case 0x10:
		v += start
	case 0x30:
		v += datarel
	}
	if r.f.PtrSize() == 4 {
		v = uint64(uint32(v))
	}
	return v
}

func (f *File) parseEhFrame(addr, size uint64) []Range {
	var out []Range
	enc := map[uint64]byte{} // by address of the CIE
	end := addr + min(size, uint64(f.fileSize))
	for at := addr; at+4 <= end && len(out) < maxFDEs; {
		r := ehReader{f: f, at: at}
		n := r.uint(4)
		if r.err != nil {
			break
		}
		if n == 0 { // a terminator; a linker may have left more behind it
			at += 4
			continue
		}
		if n == 0xffffffff {
			n = r.uint(8)
		}
		body := r.at
		next := body + n
		if n < 4 || next > end || next < body {
			break
		}
		id := r.uint(4)
		if id == 0 {
			enc[at] = f.cieEncoding(r.at, next)
		} else if e, ok := enc[body-id]; ok && e != 0xff {
			lo := r.encoded(e, 0)
			n := r.encoded(e&0x0f, 0)
			if r.err == nil && n > 0 && lo+n > lo && f.Executable(lo) && f.Executable(lo+n-1) {
				out = append(out, Range{lo, lo + n})
			}
		}
		at = next
	}
	return out
}

// cieEncoding returns the pointer encoding that a CIE prescribes, 0xff if it
// cannot be read.
func (f *File) cieEncoding(at, end uint64) byte {
	r := ehReader{f: f, at: at}
	ver := r.uint(1)
	aug := f.String(r.at)
	r.at += uint64(len(aug)) + 1
	if len(aug) >= 2 && aug[:2] == "eh" {
		return 0xff
	}
	r.uleb()
	r.uleb()
	if ver == 1 {
		r.uint(1)
	} else {
		r.uleb()
	}
	if len(aug) == 0 || aug[0] != 'z' {
		return 0
	}
	r.uleb()
	for _, c := range aug[1:] {
		if r.err != nil || r.at >= end {
			return 0xff
		}
		switch c {
		case 'R':
			return byte(r.uint(1))
		case 'P':
			e := byte(r.uint(1))
			r.encoded(e&0x7f, 0)
		case 'L':
			r.uint(1)
		case 'S', 'B', 'G':
		default:
			return 0xff
		}
	}
	return 0
}

// parseExidx reads the function starts of 32-bit ARM's unwind index
// (EHABI, section 6): pairs of words, the first a 31-bit relative address.
func (f *File) parseExidx() []Range {
	if f.Machine != elf.EM_ARM {
		return nil
	}
	var out []Range
	for _, p := range f.Progs {
		if p.Type != elf.ProgType(0x70000001) { // PT_ARM_EXIDX
			continue
		}
		for at := p.Vaddr; at+8 <= p.Vaddr+p.Filesz && len(out) < maxFDEs; at += 8 {
			w, ok := f.Uint(at, 4)
			if !ok {
				break
			}
			lo := uint64(uint32(at) + uint32(int32(uint32(w)<<1)>>1))
			if !f.Executable(lo) {
				continue
			}
			if n := len(out); n > 0 && out[n-1].Start < lo {
				out[n-1].End = lo
			}
			out = append(out, Range{lo, lo + 1})
		}
	}
	return out
}
