package seccomp

import (
	"fmt"
	"math"
	mathbits "math/bits"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// conditions turns an entry's conditions into sets of register values on one
// ABI. Conditions that always hold are left out; never says that one cannot hold.
func (r *resolver) conditions(abi *arch.Info, e *entry) (conds []decision.Cond, never bool, err error) {
	for i := range e.conds {
		c := &e.conds[i]
		cond, err := r.condition(abi, e, c)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %s: on %s: %w", e.name, c.argument(), abi.Name, err)
		}
		switch {
		case cond.never():
			r.note(NoteNever, e, abi, "%s: no value of %d bits is %s; the entry never matches", c.argument(), cond.width, c.comparison())
			never = true
		case cond.always():
			r.note(NoteAlways, e, abi, "%s: every value of %d bits is %s", c.argument(), cond.width, c.comparison())
		default:
			conds = append(conds, cond.Cond)
		}
	}
	return conds, never, nil
}

// A valueSet is a decision.Cond whose set is normal: ascending, disjoint, not
// touching, within the mask.
type valueSet struct {
	decision.Cond
	width uint8 // how many bits are compared
}

func (s valueSet) full() bool {
	return s.Mask == 0 && len(s.Set) > 0 || len(s.Set) == 1 && s.Set[0] == decision.Interval{Lo: 0, Hi: widthMax(s.width)}
}
func (s valueSet) never() bool  { return len(s.Set) == 0 && !s.Not || s.full() && s.Not }
func (s valueSet) always() bool { return len(s.Set) == 0 && s.Not || s.full() && !s.Not }

func widthMax(bits uint8) uint64 { return math.MaxUint64 >> (64 - bits) }

func (r *resolver) condition(abi *arch.Info, e *entry, c *Condition) (valueSet, error) {
	op, err := ParseOperation(string(c.Operation))
	if err != nil {
		return valueSet{}, err
	}
	index, bits, err := r.register(abi, e, c)
	if err != nil {
		return valueSet{}, err
	}
	values, err := c.operands(abi, op, bits)
	if err != nil {
		return valueSet{}, err
	}
	set := valueSet{Cond: decision.Cond{Arg: index, Bits: max(bits, 32), Mask: widthMax(bits)}, width: bits}
	switch {
	case op.set() || op == Equal || op == NotEqual:
		for _, v := range values {
			set.include(v, v)
		}
		set.Not = op == NotEqual || op == NotIn
	case op.masked():
		mask, err := c.mask(abi, bits)
		if err != nil {
			return valueSet{}, err
		}
		set.masked(mask, values[0]&mask)
		set.Not = op == MaskedNotEqual
	case op == BitsSet || op == BitsNotSet:
		set.masked(values[0]&set.Mask, 0)
		set.Not = op == BitsSet
	case op.signed():
		set.signedRange(op, int64(values[0]))
	default:
		set.unsignedRange(op, values[0])
	}
	return set, nil
}

// register finds which argument a condition is about and how many of its bits
// are compared: 16, 32 or 64.
func (r *resolver) register(abi *arch.Info, e *entry, c *Condition) (index, bits uint8, err error) {
	name, known := e.name, true
	if e.isNumber {
		name, known = abi.SyscallName(e.number)
	}
	var params []arch.Param
	if known {
		params, known = abi.Params(name)
	}
	index = uint8(c.Argument)
	if c.Name != "" {
		i, err := paramIndex(params, known, c.Name)
		if err != nil {
			return 0, 0, err
		}
		index = i
	}
	switch {
	case c.Width != 0:
		return index, uint8(min(int(c.Width), abi.WordBits)), nil
	case int(index) < len(params):
		// Of an umode_t the kernel keeps 16 bits, else 32 or 64.
		return index, uint8(mathbits.Len64(params[index].Mask())), nil
	case abi.WordBits == 32:
		return index, 32, nil
	case known:
		r.note(NoteWidth, e, abi, "has %d arguments: argument %d is whatever the register holds, all 64 bits", len(params), index)
	default:
		r.note(NoteWidth, e, abi, "no prototype is known: argument %d is compared in all 64 bits", index)
	}
	return index, 64, nil
}

// manualNames has what the kernel's prototypes call the arguments that the
// manual pages call otherwise.
var manualNames = map[string][]string{
	"addrlen":  {"upeer_addrlen", "usockaddr_len"},
	"dirfd":    {"dfd"},
	"domain":   {"family"},
	"flags":    {"clone_flags", "unshare_flags", "flag"},
	"length":   {"len"},
	"newdirfd": {"newdfd"},
	"nstype":   {"flags"},
	"olddirfd": {"olddfd"},
	"op":       {"cmd", "request", "option"},
	"pathname": {"filename", "path"},
	"request":  {"cmd"},
	"signum":   {"sig"},
	"sockfd":   {"fd"},
}

func paramIndex(params []arch.Param, known bool, name string) (uint8, error) {
	if !known {
		return 0, fmt.Errorf("no prototype is known to find an argument of that name; give its position")
	}
	for _, candidate := range append([]string{name}, manualNames[name]...) {
		for i, p := range params {
			if p.Name == candidate && i < 6 {
				return uint8(i), nil
			}
		}
	}
	var names []string
	for _, p := range params {
		names = append(names, p.Name)
	}
	return 0, fmt.Errorf("no argument has that name (%s)", strings.Join(names, ", "))
}

// include adds the values lo to hi that the compared width can hold.
func (s *valueSet) include(lo, hi uint64) {
	top := widthMax(s.width)
	if lo > top || lo > hi {
		return
	}
	s.Set = normalSet(append(s.Set, decision.Interval{Lo: lo, Hi: min(hi, top)}))
}

// masked makes s the values v with v&mask == want.
func (s *valueSet) masked(mask, want uint64) {
	top := widthMax(s.width)
	s.Mask = mask & top
	if want <= top {
		s.Set = []decision.Interval{{Lo: want, Hi: want}}
	}
}

func (s *valueSet) unsignedRange(op Operation, v uint64) {
	switch {
	case op == GreaterThan && v < math.MaxUint64:
		s.include(v+1, math.MaxUint64)
	case op == GreaterOrEqual:
		s.include(v, math.MaxUint64)
	case op == LessThan && v > 0:
		s.include(0, v-1)
	case op == LessOrEqual:
		s.include(0, v)
	}
}

// signedRange makes s the registers that, read as a signed number of the
// compared width, are what op says to v.
func (s *valueSet) signedRange(op Operation, v int64) {
	lo := int64(-1) << (s.width - 1)
	hi := ^lo
	switch op {
	case SignedGreaterThan:
		if v == math.MaxInt64 {
			return
		}
		lo = max(lo, v+1)
	case SignedGreaterOrEqual:
		lo = max(lo, v)
	case SignedLessThan:
		if v == math.MinInt64 {
			return
		}
		hi = min(hi, v-1)
	case SignedLessOrEqual:
		hi = min(hi, v)
	}
	if lo > hi {
		return
	}
	top := widthMax(s.width)
	if lo < 0 {
		s.include(uint64(lo)&top, uint64(min(hi, -1))&top)
	}
	if hi >= 0 {
		s.include(uint64(max(lo, 0)), uint64(hi))
	}
}

// comparison is the condition without its argument, for messages.
func (c *Condition) comparison() string {
	var values []string
	for _, v := range c.Values {
		values = append(values, fmt.Sprintf("%#x", v))
	}
	values = append(values, c.Symbols...)
	value := c.Symbol
	switch {
	case c.Operation.set():
		value = "{" + strings.Join(values, ", ") + "}"
	case value == "":
		value = fmt.Sprintf("%#x", c.Value)
	}
	return fmt.Sprintf("%s %s", c.Operation, value)
}
