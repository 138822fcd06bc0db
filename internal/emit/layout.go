package emit

import "golang.org/x/net/bpf"

// maxJump is how far a conditional jump reaches: its offsets are 8 bits wide.
const maxJump = 255

// layout puts blocks in an order in which every jump goes forward. It works
// from the end: when a block is placed, its successors already have a place,
// so each distance is known and a target out of reach gets a stepping stone
// (a copy of a return, or a long jump) right there.
type layout struct {
	code  *code
	size  []int32              // instructions below a block, counted once a path
	place []int32              // position from the end, plus one; 0 is not placed
	out   []bpf.RawInstruction // reversed
}

func (c *code) layout(root block) []bpf.RawInstruction {
	l := &layout{code: c, size: make([]int32, len(c.insts)), place: make([]int32, len(c.insts)),
		out: make([]bpf.RawInstruction, 0, len(c.insts))}
	l.measure(root)
	l.put(root)
	for i, j := 0, len(l.out)-1; i < j; i, j = i+1, j-1 {
		l.out[i], l.out[j] = l.out[j], l.out[i]
	}
	return l.out
}

// measure estimates subtree sizes; shared blocks count for each path, which
// only makes the estimate prefer them far.
func (l *layout) measure(b block) int32 {
	if l.size[b] != 0 {
		return l.size[b]
	}
	in := &l.code.insts[b]
	n := int32(1)
	if in.yes != none {
		n += l.measure(in.yes)
	}
	if in.no != none {
		n += l.measure(in.no)
	}
	l.size[b] = min(n, 1<<20)
	return l.size[b]
}

// put places a block after its successors, the smaller one nearest.
func (l *layout) put(b block) {
	if l.place[b] != 0 {
		return
	}
	in := l.code.insts[b]
	switch {
	case in.yes == none:
		l.emit(b, bpf.RawInstruction{Op: in.op, K: in.k})
	case !in.jumps():
		l.put(in.yes)
		if l.distance(in.yes) != 0 {
			l.step(in.yes)
		}
		l.emit(b, bpf.RawInstruction{Op: in.op, K: in.k})
	default:
		far, near := in.yes, in.no
		if l.size[far] < l.size[near] {
			far, near = near, far
		}
		l.put(far)
		l.put(near)
		for l.distance(far) > maxJump || l.distance(near) > maxJump {
			if l.distance(far) > maxJump {
				l.step(far)
			}
			if l.distance(near) > maxJump {
				l.step(near)
			}
		}
		l.jump(b)
	}
}

// distance is the jump offset to a placed block from the next instruction.
func (l *layout) distance(b block) int { return len(l.out) - int(l.place[b]) }

// step brings a block into reach: with a copy of its instruction where that
// reaches the successors, else with a long jump. Either is one instruction, but
// a copy spares executing the jump. It takes the block's place, so that others
// use it too.
func (l *layout) step(b block) {
	in := l.code.insts[b]
	switch {
	case in.yes == none:
		l.emit(b, bpf.RawInstruction{Op: in.op, K: in.k})
	case in.jumps() && l.distance(in.yes) <= maxJump && l.distance(in.no) <= maxJump:
		l.jump(b)
	default:
		l.emit(b, bpf.RawInstruction{Op: opJA, K: uint32(l.distance(b))})
	}
}

// jump places a conditional jump whose targets are in reach.
func (l *layout) jump(b block) {
	in := l.code.insts[b]
	l.emit(b, bpf.RawInstruction{Op: in.op, K: in.k, Jt: uint8(l.distance(in.yes)), Jf: uint8(l.distance(in.no))})
}

func (l *layout) emit(b block, in bpf.RawInstruction) {
	l.out = append(l.out, in)
	l.place[b] = int32(len(l.out))
}
