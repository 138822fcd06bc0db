package image

import (
	"debug/elf"
)

const maxFDEs = 1 << 21

// Unwound is a range of code that unwind information describes, and where the
// table of its exception handlers is, 0 if it has none.
type Unwound struct {
	Range
	LSDA uint64
}

// Unwind returns the address ranges that unwind information describes: the
// functions of C, C++ and Rust, stripped or not.
func (f *File) Unwind() []Unwound {
	var out []Unwound
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

// cie is what a common information entry says about the FDEs that share it.
type cie struct {
	pointer byte // encoding of addresses, 0xff if it cannot be read
	lsda    byte // encoding of the LSDA's address, 0xff if there is none
	sized   bool // the augmentation data has a length
}

func (f *File) parseEhFrame(addr, size uint64) []Unwound {
	var out []Unwound
	enc := map[uint64]cie{} // by address of the CIE
	end := addr + min(size, uint64(f.fileSize))
	left := 4 * maxFDEs // entries, terminators included
	for at := addr; at+4 <= end; left-- {
		if left == 0 || len(out) == maxFDEs {
			f.note(".eh_frame has too many entries: the rest is ignored")
			break
		}
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
			enc[at] = f.readCIE(r.at, next)
		} else if e, ok := enc[body-id]; ok && e.pointer != 0xff {
			lo := r.encoded(e.pointer, 0)
			n := r.encoded(e.pointer&0x0f, 0)
			if r.err == nil && n > 0 && lo+n > lo && f.Executable(lo) && f.Executable(lo+n-1) {
				out = append(out, Unwound{Range{lo, lo + n}, r.lsda(e)})
			}
		}
		at = next
	}
	return out
}

// lsda reads the address of a function's handlers from the augmentation data
// that follows its range.
func (r *ehReader) lsda(c cie) uint64 {
	if !c.sized || c.lsda == 0xff {
		return 0
	}
	if r.uleb() == 0 || r.err != nil {
		return 0
	}
	start := r.at
	v := r.encoded(c.lsda&^0x80, 0)
	// A null pointer is not relative to anything.
	if raw, ok := r.f.Uint(start, min(4, int(r.at-start))); r.err != nil || ok && raw == 0 && c.lsda&0x0f != 0 {
		return 0
	}
	if c.lsda&0x80 != 0 {
		v, _ = r.f.Pointer(v)
	}
	return v
}

// maxAugmentation is more than the letters that there are.
const maxAugmentation = 16

// readCIE reads a CIE from behind its id.
func (f *File) readCIE(at, end uint64) cie {
	bad := cie{pointer: 0xff, lsda: 0xff}
	r := ehReader{f: f, at: at}
	ver := r.uint(1)
	var aug string
	for b := r.uint(1); b != 0 && r.err == nil; b = r.uint(1) {
		if len(aug) == maxAugmentation {
			return bad
		}
		aug += string(rune(b))
	}
	if len(aug) >= 2 && aug[:2] == "eh" {
		return bad
	}
	r.uleb()
	r.uleb()
	if ver == 1 {
		r.uint(1)
	} else {
		r.uleb()
	}
	c := cie{lsda: 0xff}
	if len(aug) == 0 || aug[0] != 'z' {
		return c
	}
	c.sized = true
	r.uleb()
	for _, k := range aug[1:] {
		if r.err != nil || r.at >= end {
			return bad
		}
		switch k {
		case 'R':
			c.pointer = byte(r.uint(1))
		case 'P':
			e := byte(r.uint(1))
			r.encoded(e&0x7f, 0)
		case 'L':
			c.lsda = byte(r.uint(1))
		case 'S', 'B', 'G':
		default:
			return bad
		}
	}
	return c
}

const maxPads = 1 << 14

// LandingPads returns the addresses at which the function at start is entered
// when an exception passes through it: the call-site table of its LSDA.
func (f *File) LandingPads(lsda, start uint64) []uint64 {
	r := ehReader{f: f, at: lsda}
	base := start
	if e := byte(r.uint(1)); e != 0xff {
		base = r.encoded(e&^0x80, 0)
	}
	if e := byte(r.uint(1)); e != 0xff {
		r.uleb() // offset of the type table
	}
	e := byte(r.uint(1))
	end := r.at
	if n := r.uleb(); r.err == nil && n < uint64(f.fileSize) {
		end = r.at + n
	}
	var out []uint64
	for r.err == nil && r.at < end && len(out) < maxPads {
		r.encoded(e&0x0f, 0)
		r.encoded(e&0x0f, 0)
		pad := r.encoded(e&0x0f, 0)
		r.uleb()
		if r.err == nil && pad != 0 {
			out = append(out, base+pad)
		}
	}
	return out
}

// parseExidx reads the function starts of 32-bit ARM's unwind index
// (EHABI, section 6): pairs of words, the first a 31-bit relative address. An
// entry reaches to the next one. One that cannot be unwound stands for all the
// code without unwind information that follows.
func (f *File) parseExidx() []Unwound {
	const cantUnwind = 1
	if f.Machine != elf.EM_ARM {
		return nil
	}
	var out []Unwound
	for _, p := range f.Progs {
		if p.Type != elf.ProgType(0x70000001) { // PT_ARM_EXIDX
			continue
		}
		open := false // the last function's end is not known yet
		for at := p.Vaddr; at+8 <= p.Vaddr+p.Filesz && len(out) < maxFDEs; at += 8 {
			w, ok1 := f.Uint(at, 4)
			how, ok2 := f.Uint(at+4, 4)
			if !ok1 || !ok2 {
				break
			}
			lo := uint64(uint32(at) + uint32(int32(uint32(w)<<1)>>1))
			if !f.Executable(lo) {
				continue
			}
			if open && out[len(out)-1].Start < lo {
				out[len(out)-1].End = lo
			}
			if open = how != cantUnwind; open {
				out = append(out, Unwound{Range: Range{lo, lo + 1}})
			}
		}
	}
	return out
}
