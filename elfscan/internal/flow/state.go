package flow

import (
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

const maxRegs = 80

type slot struct {
	off  int32
	size uint8
	v    ID
}

// State is what is known at one point: registers, and stack words by their
// offset from the SP on entry.
type State struct {
	Regs  [maxRegs]ID
	slots []slot
	mixed [2]uint64 // unknown registers that may hold the watched value

	comparison
	chosen [4]choice
}

// choice says what a register holds if the flags, as they are, fulfil a
// condition.
type choice struct {
	reg  machine.Reg
	cond machine.Cond // Maybe: nothing is known
	v    ID
}

// choose notes what a register holds under a condition, while there is room.
func (s *State) choose(c choice) {
	for i := range s.chosen {
		if s.chosen[i].cond == machine.Maybe {
			s.chosen[i] = c
			return
		}
	}
}

// unchoose forgets what is known of a register under conditions.
func (s *State) unchoose(r machine.Reg) {
	for i := range s.chosen {
		if s.chosen[i].reg == r {
			s.chosen[i] = choice{}
		}
	}
}

// choice is what a register holds under a condition, None if that is not known.
func (s *State) choice(r machine.Reg, cond machine.Cond) ID {
	for _, c := range s.chosen {
		if c.reg == r && c.cond == cond && cond != machine.Maybe {
			return c.v
		}
	}
	return None
}

// mergeChoices keeps what both of two states know.
func (s *State) mergeChoices(t *State) (changed bool) {
	for i, c := range s.chosen {
		if c.cond != machine.Maybe && t.choice(c.reg, c.cond) != c.v {
			s.chosen[i] = choice{}
			changed = true
		}
	}
	return changed
}

// comparison is what the flags tell.
type comparison struct {
	cmpA, cmpB ID
	cmpReg     machine.Reg // that still holds cmpA, None if none does
	cmpSize    uint8
	cmpKind    machine.Cond // the conditions that are known: see machine.Cond.Tells
	cmpOK      bool
}

// forgetFlags makes the flags unknown.
func (s *State) forgetFlags() {
	s.cmpOK = false
	s.chosen = [4]choice{}
}

func (s *State) clone() *State {
	c := *s
	c.slots = slices.Clone(s.slots)
	return &c
}

func (s *State) find(off int32) int {
	i, _ := slices.BinarySearchFunc(s.slots, off, func(a slot, o int32) int { return int(a.off) - int(o) })
	return i
}

// kill forgets the stack words that overlap [off, off+n).
func (s *State) kill(off int32, n int32) {
	i := s.find(off - 15)
	for i < len(s.slots) && s.slots[i].off < off+n {
		if s.slots[i].off+int32(s.slots[i].size) > off {
			s.slots = slices.Delete(s.slots, i, i+1)
			continue
		}
		i++
	}
}

func (s *State) set(off int32, size uint8, v ID) {
	s.kill(off, int32(size))
	if v == Top && off < 0 {
		return
	}
	if len(s.slots) >= 4096 {
		return
	}
	s.slots = slices.Insert(s.slots, s.find(off), slot{off, size, v})
}

// merge joins t into s and reports whether s changed. What only one of the
// two knows of the stack is its value on entry in the other, or unknown.
func (s *State) merge(a *analysis, t *State) bool {
	changed := false
	for i, x := range t.mixed {
		if s.mixed[i]|x != s.mixed[i] {
			s.mixed[i] |= x
			changed = true
		}
	}
	for i := range a.m.Regs {
		if s.Regs[i] == t.Regs[i] {
			continue
		}
		if j := a.v.Join(s.Regs[i], t.Regs[i]); j != s.Regs[i] {
			if j == Top && (a.watched(s.Regs[i]) || a.watched(t.Regs[i])) {
				s.mixed[i>>6] |= 1 << (i & 63)
			}
			s.Regs[i] = j
			changed = true
		}
	}
	if s.cmpOK && (!t.cmpOK || s.cmpA != t.cmpA || s.cmpB != t.cmpB || s.cmpSize != t.cmpSize || s.cmpKind != t.cmpKind) {
		s.cmpOK = false
		changed = true
	}
	if s.cmpOK && s.cmpReg != t.cmpReg && s.cmpReg != machine.None {
		s.cmpReg = machine.None
		changed = true
	}
	changed = s.mergeChoices(t) || changed
	return s.mergeSlots(a, t) || changed
}

func (s *State) mergeSlots(a *analysis, t *State) bool {
	if slices.Equal(s.slots, t.slots) {
		return false
	}
	if s.sameSlots(t) {
		return s.joinSlots(a, t)
	}
	changed := false
	var out []slot
	i, j := 0, 0
	for i < len(s.slots) || j < len(t.slots) {
		switch {
		case j >= len(t.slots) || i < len(s.slots) && s.slots[i].off < t.slots[j].off:
			changed = a.onlyOne(&out, s.slots[i], true) || changed
			i++
		case i >= len(s.slots) || t.slots[j].off < s.slots[i].off:
			changed = a.onlyOne(&out, t.slots[j], false) || changed
			j++
		default:
			p, q := s.slots[i], t.slots[j]
			v := Top
			if p.size == q.size {
				v = a.v.Join(p.v, q.v)
			}
			changed = changed || v != p.v
			if v != Top || p.off >= 0 {
				out = append(out, slot{p.off, p.size, v})
			}
			i, j = i+1, j+1
		}
	}
	s.slots = out
	return changed
}

// sameSlots reports whether both know the same words of the stack, whatever
// is in them.
func (s *State) sameSlots(t *State) bool {
	return slices.EqualFunc(s.slots, t.slots, func(p, q slot) bool { return p.off == q.off && p.size == q.size })
}

// joinSlots is mergeSlots for the same words.
func (s *State) joinSlots(a *analysis, t *State) (changed bool) {
	out := s.slots[:0]
	for i, p := range s.slots {
		v := a.v.Join(p.v, t.slots[i].v)
		changed = changed || v != p.v
		if v != Top || p.off >= 0 {
			out = append(out, slot{p.off, p.size, v})
		}
	}
	s.slots = out
	return changed
}

// onlyOne merges a stack word that just one side knows.
func (a *analysis) onlyOne(out *[]slot, p slot, ours bool) bool {
	if p.off < 0 {
		return ours
	}
	v := a.v.Join(p.v, a.v.one(Atom{Kind: Slot, Addr: int64(p.off), Size: p.size}))
	*out = append(*out, slot{p.off, p.size, v})
	return !ours || v != p.v
}
