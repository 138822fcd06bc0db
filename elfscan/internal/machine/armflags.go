package machine

import "encoding/binary"

// keepsARM knows the instructions that leave the flags alone.
func keepsARM(code []byte, order binary.ByteOrder) bool {
	w := order.Uint32(code)
	if w>>28 == 15 { // vectors, prefetching, calls, loads and stores of coprocessors
		return bits(w, 27, 25) == 1 || bits(w, 27, 24) == 4 && w>>20&1 == 0 || bits(w, 27, 24) == 5 ||
			bits(w, 27, 24) == 7 || bits(w, 27, 25) == 5 || bits(w, 27, 25) == 6
	}
	sets := w>>20&1 != 0
	miscellaneous := bits(w, 24, 23) == 2 && !sets
	switch bits(w, 27, 25) {
	case 0:
		switch {
		case w&0x90 == 0x90:
			return w&0x60 != 0 || w>>24&1 != 0 || !sets // not multiplications that set them
		case miscellaneous:
			return w&0x0ff000f0 == 0x01200010 || w&0x0ff000f0 == 0x01200030 || w&0x0ff000f0 == 0x01600010 ||
				w&0x0fb000f0 == 0x01000000 // bx, blx, clz, mrs
		}
		return !sets
	case 1:
		if miscellaneous { // movw, movt, hints
			return w>>21&1 == 0 || w&0x0fffff00 == 0x0320f000
		}
		return !sets
	case 2, 4, 5, 6:
		return true
	case 3: // loads, stores, and media instructions, which have flags of their own
		return true
	}
	return bits(w, 27, 24) == 15 || w>>4&1 == 0 || w>>20&1 == 0 || bits(w, 15, 12) != 15
}
