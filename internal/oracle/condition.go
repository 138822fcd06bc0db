package oracle

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

// holds tells whether a condition on an argument of the named call holds.
func holds(c *seccomp.Condition, abi *arch.Info, call string, args [6]uint64) (bool, error) {
	params, _ := abi.Params(call)
	index := int(c.Argument)
	if c.Name != "" {
		index = -1
		for i, p := range params {
			if p.Name == c.Name {
				index = i
			}
		}
		if index < 0 {
			return false, fmt.Errorf("%s of %s has no argument %s", call, abi.Name, c.Name)
		}
	}
	seen := seenBits(c, abi, params, index)
	v := args[index] & seen
	op := c.Operation
	if !slices.Contains(seccomp.Operations, op) { // another spelling of one
		var err error
		if op, err = seccomp.ParseOperation(string(op)); err != nil {
			return false, err
		}
	}
	switch op {
	case seccomp.In, seccomp.NotIn, seccomp.Equal, seccomp.NotEqual:
		values, err := set(c, abi, seen)
		if err != nil {
			return false, err
		}
		found := false
		for _, k := range values {
			found = found || v == k
		}
		return found == (op == seccomp.In || op == seccomp.Equal), nil
	case seccomp.SignedGreaterThan, seccomp.SignedGreaterOrEqual, seccomp.SignedLessThan, seccomp.SignedLessOrEqual:
		k, err := one(c.Value, c.Symbol, abi, math.MaxUint64)
		return signed(op, extend(v, seen), int64(k)), err
	}
	k, err := one(c.Value, c.Symbol, abi, seen)
	if err != nil {
		return false, err
	}
	mask, err := one(c.Mask, c.MaskSymbol, abi, seen)
	if err != nil {
		return false, err
	}
	switch op {
	case seccomp.GreaterThan:
		return v > k, nil
	case seccomp.GreaterOrEqual:
		return v >= k, nil
	case seccomp.LessThan:
		return v < k, nil
	case seccomp.LessOrEqual:
		return v <= k, nil
	case seccomp.BitsSet:
		return v&k != 0, nil
	case seccomp.BitsNotSet:
		return v&k == 0, nil
	case seccomp.MaskedEqual:
		return v&mask == k&mask, nil
	case seccomp.MaskedNotEqual:
		return v&mask != k&mask, nil
	}
	return false, fmt.Errorf("operation %s has no meaning here", op)
}

// constant tells whether a condition holds for all arguments or for none. It
// tries every value next to which the answer can change.
func constant(c *seccomp.Condition, abi *arch.Info, call string) (always, never bool, err error) {
	points := []uint64{0, math.MaxUint64, math.MaxUint16, math.MaxUint32, math.MaxInt16, math.MaxInt32, math.MaxInt64}
	for bit := range 64 {
		points = append(points, 1<<bit, 1<<bit-1)
	}
	keys, err := set(c, abi, math.MaxUint64)
	if err != nil {
		return false, false, err
	}
	for _, k := range append(keys, c.Value, c.Value&c.Mask) {
		points = append(points, k, k-1, k+1)
	}
	always, never = true, true
	for _, v := range points {
		ok, err := holds(c, abi, call, [6]uint64{v, v, v, v, v, v})
		if err != nil {
			return false, false, err
		}
		always, never = always && ok, never && !ok
	}
	return always, never, nil
}

// seenBits are the bits of the register that a condition compares.
func seenBits(c *seccomp.Condition, abi *arch.Info, params []arch.Param, index int) uint64 {
	word := uint64(math.MaxUint64)
	if abi.WordBits == 32 {
		word = math.MaxUint32
	}
	switch {
	case c.Width == seccomp.Width32:
		return math.MaxUint32
	case c.Width == seccomp.Width64:
		return word
	case index < len(params):
		return params[index].Mask()
	}
	return word
}

func signed(op seccomp.Operation, v, k int64) bool {
	switch op {
	case seccomp.SignedGreaterThan:
		return v > k
	case seccomp.SignedGreaterOrEqual:
		return v >= k
	case seccomp.SignedLessThan:
		return v < k
	}
	return v <= k
}

// extend reads the seen bits of a register as a signed number.
func extend(v, seen uint64) int64 {
	switch seen {
	case math.MaxUint16:
		return int64(int16(v))
	case math.MaxUint32:
		return int64(int32(v))
	}
	return int64(v)
}

// set is all the values of a condition that compares for equality.
func set(c *seccomp.Condition, abi *arch.Info, seen uint64) ([]uint64, error) {
	values := append([]uint64(nil), c.Values...)
	symbols := c.Symbols
	if len(c.Values)+len(c.Symbols) == 0 {
		if c.Symbol == "" {
			return []uint64{c.Value}, nil
		}
		symbols = []string{c.Symbol}
	}
	for _, s := range symbols {
		terms := []string{s} // flags are one value
		if first, kind, ok := abi.Constant(strings.Split(s, "|")[0]); ok && kind == arch.Enum {
			_ = first
			terms = strings.Split(s, "|")
		}
		for _, term := range terms {
			v, err := one(0, term, abi, seen)
			if err != nil {
				return nil, err
			}
			values = append(values, v)
		}
	}
	return values, nil
}

// one is a single value: the number, or what the symbol says it is. A
// negative one is as wide as the bits seen.
func one(value uint64, symbol string, abi *arch.Info, seen uint64) (uint64, error) {
	if symbol == "" {
		return value, nil
	}
	all := uint64(0)
	for _, term := range strings.Split(symbol, "|") {
		v, _, ok := abi.Constant(term)
		if !ok && strings.HasPrefix(term, "-") {
			n, err := strconv.ParseInt(term, 0, 64)
			if err != nil {
				return 0, err
			}
			v, ok = uint64(n), true
		}
		if ok && int64(v) < 0 {
			v &= seen
		}
		if !ok {
			var err error
			if v, err = strconv.ParseUint(term, 0, 64); err != nil {
				return 0, fmt.Errorf("%s has no constant %s", abi.Name, term)
			}
		}
		all |= v
	}
	return all, nil
}
