package decision

// masked returns the predicate word & mask == value.
func (s *Space) masked(w Word, mask, value uint32) Node {
	if value&^mask != 0 {
		return s.Const(falseValue)
	}
	no := s.Const(falseValue)
	n := s.Const(trueValue)
	for bit := uint32(0); bit < 32; bit++ {
		if mask>>bit&1 == 0 {
			continue
		}
		level := uint32(w)*32 + 31 - bit
		if value>>bit&1 != 0 {
			n = s.mk(level, no, n)
		} else {
			n = s.mk(level, n, no)
		}
	}
	return n
}

// atLeast returns yes where the word is at least k, else no. Both depend only
// on words below w.
func (s *Space) atLeast(w Word, k uint32, yes, no Node) Node {
	n := yes
	for bit := uint32(0); bit < 32; bit++ {
		level := uint32(w)*32 + 31 - bit
		if k>>bit&1 != 0 {
			n = s.mk(level, no, n)
		} else {
			n = s.mk(level, n, yes)
		}
	}
	return n
}

// A span gives the word's values up to hi, from where the span before it
// ends, to one function.
type span struct {
	hi uint32
	to Node
}

// spans returns the function that sends each value of the word to its span's
// function. The last span ends at the word's last value; the functions depend
// only on words below w.
func (s *Space) spans(w Word, list []span) Node {
	return s.spanTree(uint32(w)*32, 0, ^uint32(0), list)
}

// spanTree covers the values lo to hi, which share all bits above level.
func (s *Space) spanTree(level, lo, hi uint32, list []span) Node {
	if list[0].hi >= hi {
		return list[0].to
	}
	mid := lo + (hi-lo)/2
	cut := 0
	for list[cut].hi < mid {
		cut++
	}
	left := s.spanTree(level+1, lo, mid, list)
	if list[cut].hi == mid {
		cut++
	}
	return s.mk(level, left, s.spanTree(level+1, mid+1, hi, list[cut:]))
}

// within returns the predicate that the 64-bit argument, masked, lies between
// lo and hi. With bits == 32 only the low half is looked at.
func (s *Space) within(arg int, bits uint8, mask uint64, iv Interval) Node {
	if iv.Lo > iv.Hi {
		return s.Const(falseValue)
	}
	if bits == 32 && iv.Lo > 1<<32-1 {
		return s.Const(falseValue)
	}
	if bits == 32 {
		mask &= 1<<32 - 1
		iv.Hi = min(iv.Hi, 1<<32-1)
	}
	if iv.Lo == iv.Hi {
		v := iv.Lo
		lo := s.masked(ArgWord(arg, false), uint32(mask), uint32(v))
		if bits == 32 {
			return lo
		}
		return s.And(s.masked(ArgWord(arg, true), uint32(mask>>32), uint32(v>>32)), lo)
	}
	return s.And(s.bound(arg, mask, iv.Lo, true), s.bound(arg, mask, iv.Hi, false))
}

// bound returns the predicate arg & mask >= k, or <= k when atLeast is false.
// It compares from the least significant bit up; a masked-out bit is zero.
func (s *Space) bound(arg int, mask, k uint64, atLeast bool) Node {
	no, yes := s.Const(falseValue), s.Const(trueValue)
	n := yes
	for bit := uint32(0); bit < 64; bit++ {
		level := uint32(ArgWord(arg, true))*32 + 63 - bit
		set := k>>bit&1 != 0
		greater, less := yes, no
		if !atLeast {
			greater, less = no, yes
		}
		switch {
		case mask>>bit&1 == 0: // the register's bit counts as zero
			if set {
				n = less
			}
		case set:
			n = s.mk(level, less, n)
		default:
			n = s.mk(level, n, greater)
		}
	}
	return n
}

// Cond returns the predicate of one condition.
func (s *Space) Cond(c *Cond) Node {
	n := s.Const(falseValue)
	for i := range c.Set {
		n = s.Or(s.within(int(c.Arg), c.Bits, c.Mask, c.Set[i]), n)
	}
	if c.Not {
		n = s.Not(n)
	}
	return n
}

// Rules returns what a call's rules decide: the first rule that matches.
func (s *Space) Rules(rules []Rule, otherwise uint32) Node {
	n := s.Const(otherwise)
	for i := len(rules) - 1; i >= 0; i-- {
		match := s.Const(trueValue)
		for j := range rules[i].Conds {
			match = s.And(s.Cond(&rules[i].Conds[j]), match)
		}
		n = s.ITE(match, s.Const(rules[i].Action), n)
	}
	return n
}

// An Outcome is the function that decides the numbers Lo to Hi of an ABI.
type Outcome struct {
	Lo, Hi uint32
	To     Node
}

// Outcomes returns the ABI as adjacent number ranges that cover every number,
// neighbours always differing.
func (s *Space) Outcomes(a *ABI) []Outcome {
	out := make([]Outcome, 0, 2*len(a.Calls)+2*len(a.Ranges)+1)
	next, whole := uint32(0), false
	add := func(lo, hi uint32, to Node) {
		if n := len(out); n > 0 && out[n-1].To == to {
			out[n-1].Hi = hi
		} else {
			out = append(out, Outcome{lo, hi, to})
		}
		next, whole = hi+1, hi == ^uint32(0)
	}
	otherwise := s.Const(a.Default)
	calls, ranges := a.Calls, a.Ranges
	for len(calls) > 0 || len(ranges) > 0 {
		if len(ranges) == 0 || len(calls) > 0 && calls[0].NR < ranges[0].Lo {
			c := &calls[0]
			calls = calls[1:]
			if c.NR > next {
				add(next, c.NR-1, otherwise)
			}
			add(c.NR, c.NR, s.Rules(c.Rules, c.Else))
			continue
		}
		r := ranges[0]
		ranges = ranges[1:]
		if r.Lo > next {
			add(next, r.Lo-1, otherwise)
		}
		add(r.Lo, r.Hi, s.Const(r.Action))
	}
	if !whole {
		add(next, ^uint32(0), otherwise)
	}
	return out
}

// Numbers returns the function over number and arguments that outcomes say.
func (s *Space) Numbers(outcomes []Outcome) Node {
	list := make([]span, len(outcomes))
	for i, o := range outcomes {
		list[i] = span{o.Hi, o.To}
	}
	return s.spans(WordNR, list)
}

// FromSpec returns the function a Spec describes.
func (s *Space) FromSpec(spec *Spec) (Node, error) {
	parts, err := s.Parts(spec)
	if err != nil {
		return 0, err
	}
	return s.Whole(spec, parts), s.Err()
}

// Parts returns the Outcomes of each of the Spec's ABIs.
func (s *Space) Parts(spec *Spec) ([][]Outcome, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	parts := make([][]Outcome, len(spec.ABIs))
	for i := range spec.ABIs {
		parts[i] = s.Outcomes(&spec.ABIs[i])
	}
	return parts, s.Err()
}

// Whole returns the function that a Spec's Parts make.
func (s *Space) Whole(spec *Spec, parts [][]Outcome) Node {
	n := s.Const(spec.BadArch)
	for i, outcomes := range parts {
		n = s.Arch(spec.ABIs[i].Arch, s.Numbers(outcomes), n)
	}
	return n
}

// Arch returns the function that is yes for calls of the audit architecture
// and no for others.
func (s *Space) Arch(arch uint32, yes, no Node) Node {
	return s.ITE(s.masked(WordArch, ^uint32(0), arch), yes, no)
}
