package cbpf

import "golang.org/x/net/bpf"

// A value is what is known about a register: a word of struct seccomp_data,
// some of its bits masked.
type value struct {
	word uint32 // offset, or noWord
	mask uint32
}

const noWord = ^uint32(0)

var unknown = value{word: noWord}

// A state is what all ways to an instruction have in common.
type state struct {
	reached            bool
	a                  value
	archKnown, nrKnown bool
	arch, nr           uint32
}

// follow finds what is known before each instruction. Jumps go forward only,
// so that one pass does it; the program need not be valid.
func (p Program) follow() []state {
	states := make([]state, len(p))
	if len(p) > 0 {
		states[0] = state{reached: true, a: unknown}
	}
	flow := func(i int, distance uint32, s state) {
		if to := uint64(i) + 1 + uint64(distance); to < uint64(len(p)) {
			states[to].meet(s)
		}
	}
	for i, in := range p {
		s := states[i]
		if !s.reached {
			states[i].a = unknown
			continue
		}
		switch in.Op {
		case opRetK, opRetA:
		case opJump:
			flow(i, in.K, s)
		case opJeqK:
			flow(i, uint32(in.Jt), s.equal(in.K))
			flow(i, uint32(in.Jf), s)
		case opJeqX, opJgtK, opJgtX, opJgeK, opJgeX, opJsetK, opJsetX:
			flow(i, uint32(in.Jt), s)
			flow(i, uint32(in.Jf), s)
		default:
			s.a = s.a.after(in)
			flow(i, 0, s)
		}
	}
	return states
}

// meet keeps of s what o knows as well.
func (s *state) meet(o state) {
	if !s.reached {
		*s = o
		return
	}
	if s.a != o.a {
		s.a = unknown
	}
	s.archKnown = s.archKnown && o.archKnown && s.arch == o.arch
	s.nrKnown = s.nrKnown && o.nrKnown && s.nr == o.nr
}

// equal is the state where A was found to equal k.
func (s state) equal(k uint32) state {
	switch s.a {
	case value{offsetNR, ^uint32(0)}:
		s.nrKnown, s.nr = true, k
	case value{offsetArch, ^uint32(0)}:
		s.archKnown, s.arch = true, k
	}
	return s
}

// after is what A holds after an instruction that does not jump.
func (v value) after(in bpf.RawInstruction) value {
	switch in.Op {
	case opLoadAbs:
		return value{in.K, ^uint32(0)}
	case opAndK:
		v.mask &= in.K
		return v
	case opLoadXImm, opLoadXMem, opLoadXLen, opStore, opStoreX, opTAX:
		return v
	}
	return unknown
}
