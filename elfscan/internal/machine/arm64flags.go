package machine

import "encoding/binary"

// keepsARM64 knows the instructions that leave the flags alone.
func keepsARM64(code []byte, order binary.ByteOrder) bool {
	w := order.Uint32(code)
	switch w >> 25 & 15 {
	case 8, 9: // immediates: only additions, subtractions and logical ones can set them
		sets := w>>29&1 != 0 && w&0x1f800000 == 0x11000000 || w&0x7f800000 == 0x72000000
		known := w&0x1f000000 == 0x10000000 || w&0x1f800000 == 0x11000000 || w&0x1f000000 == 0x12000000 || w&0x1f000000 == 0x13000000
		return known && !sets
	case 10, 11:
		switch {
		case w>>24 == 0xd5: // hints and barriers, and reading system registers, but not the random ones
			return w&0xfffff000 == 0xd5032000 || w&0xfffff000 == 0xd5033000 || w&0xfff00000 == 0xd5300000 && w&0xffffff00 != 0xd53b2400
		}
		return true // branches; what an exception does is for system calls
	case 4, 6, 12, 14: // all but copies of memory
		return w&0x3b200c00 != 0x19000400
	case 5, 13:
		switch {
		case w&0x1f000000 == 0x0a000000:
			return w>>29&3 != 3
		case w&0x1f000000 == 0x0b000000:
			return w>>29&1 == 0
		case w&0x3fe00000 == 0x1a800000: // selections
			return true
		case w&0x3fe00000 == 0x1ac00000: // two sources, or one
			return true
		case w&0x7f000000 == 0x1b000000:
			return true
		}
	case 7, 15:
		if w&0x5f000000 != 0x1e000000 {
			return w&0x5f000000 == 0x1f000000 || w&0x10000000 == 0 || w&0xdf000000 == 0x5e000000 || w&0xdf000000 == 0x5f000000 || w&0xff000000 == 0xce000000
		}
		switch {
		case w>>21&1 == 0: // fixed point
			return true
		case w>>10&3 == 2, w>>10&3 == 3: // two sources, selections
			return true
		case w>>10&63 == 0: // to and from integers
			return w&0xfffffc00 != 0x1e7e0000
		case w>>10&31 == 16, w>>10&7 == 4: // one source, constants
			return true
		}
	}
	return false
}
