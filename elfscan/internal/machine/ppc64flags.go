package machine

import "encoding/binary"

// The flags are the first field of the condition register.

// keepsPPC knows the instructions that leave it alone (Power ISA, book I).
func keepsPPC(code []byte, order binary.ByteOrder) bool {
	w := order.Uint32(code)
	switch op := w >> 26; op {
	case 1, 4: // prefixed; vectors, which have a field of their own
		return true
	case 2, 3, 7, 8, 9, 12, 14, 15, 16, 18, 24, 25, 26, 27: // traps, immediates, branches
		return true
	case 10, 11: // comparisons
		return bits(w, 25, 23) != 0
	case 19:
		switch bits(w, 10, 1) {
		case 16, 528, 560, 150: // branches, isync
			return true
		}
		return bits(w, 5, 1) == 2 // addpcis
	case 20, 21, 22, 23, 30:
		return w&1 == 0
	case 31:
		return ppcKeepsExtended(w)
	}
	return w>>26 >= 32 && w>>26 <= 62 && w>>26 != 59 && w>>26 != 60
}

func ppcKeepsExtended(w uint32) bool {
	xo := bits(w, 10, 1)
	if bits(w, 5, 1) == 15 { // isel
		return true
	}
	switch xo {
	case 0, 32, 192, 224: // comparisons, of any field
		return bits(w, 25, 23) != 0
	case 4, 68, 339, 467, 19, 371, 149, 181, 151, 183, 215, 247, 407, 439: // traps, special registers, stores
		return true
	case 727, 663, 983, 231, 487, 199, 167, 135, 396, 972, 908, 940, 1004, 716, 652, 140, 909, 397, 429: // stores of others
		return true
	case 598, 854, 54, 86, 246, 278, 470, 982, 1014: // barriers and the cache
		return true
	}
	if ppcTargetOnly[xo] || ppcLogical[xo] || ppcVectorOnly[xo] {
		return w&1 == 0
	}
	return false
}

// Extended operations that write general registers: the first field's, or the
// second's; and those that write or read vectors alone.
var (
	ppcTargetOnly = ppcSet(21, 23, 87, 279, 343, 341, 20, 84, 52, 116, 534, 532, 790, 19, 371, 128,
		266, 10, 138, 202, 234, 40, 8, 136, 200, 232, 104, 75, 11, 73, 9, 233, 235, 491, 459, 489, 457, 425, 393, 427, 395,
		778, 522, 650, 714, 746, 552, 520, 648, 712, 744, 616, 745, 747, 1003, 971, 1001, 969, 937, 905, 939, 907,
		779, 267, 777, 265, 755, 384, 416, 448, 480)
	ppcLogical = ppcSet(28, 444, 316, 986, 24, 27, 536, 539, 792, 794, 824, 826, 827, 954, 922, 26, 58, 538, 570,
		122, 378, 506, 124, 476, 412, 284, 60, 508, 252, 154, 186, 282, 314, 890, 891, 51, 115, 307, 219, 187, 155, 156, 188, 220)
	ppcVectorOnly = ppcSet(179, 211, 243, 403, 435, 599, 535, 855, 887, 103, 359, 7, 39, 71, 6, 38, 268, 844, 780, 812, 876, 332, 364, 588, 524,
		12, 76, 781, 813, 269, 301, 342, 374)
)

func ppcSet(xos ...uint32) map[uint32]bool {
	out := map[uint32]bool{}
	for _, x := range xos {
		out[x] = true
	}
	return out
}
