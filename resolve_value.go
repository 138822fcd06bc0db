package seccomp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// operands are the values that a condition compares with on one ABI: several
// for the operations that take alternatives, else one.
func (c *Condition) operands(abi *arch.Info, op Operation, bits uint8) ([]uint64, error) {
	if !op.set() && c.Symbol == "" {
		return []uint64{c.Value}, nil
	}
	symbols := c.Symbols
	if !op.set() {
		symbols = []string{c.Symbol}
	}
	values := slices.Clone(c.Values)
	for _, symbol := range symbols {
		more, err := lookup(abi, symbol, bits, op.signed())
		if err != nil {
			return nil, err
		}
		if len(more) > 1 && !op.alternatives() {
			return nil, fmt.Errorf("%s are alternatives, which %s does not take (Equal, NotEqual, In and NotIn do)", symbol, op)
		}
		values = append(values, more...)
	}
	return values, nil
}

func (c *Condition) mask(abi *arch.Info, bits uint8) (uint64, error) {
	if c.MaskSymbol == "" {
		return c.Mask, nil
	}
	values, err := lookup(abi, c.MaskSymbol, bits, false)
	if err != nil {
		return 0, err
	}
	if len(values) > 1 {
		return 0, fmt.Errorf("mask %s: alternatives are no mask", c.MaskSymbol)
	}
	return values[0], nil
}

// lookup is what a symbol stands for on an ABI: the bits of all its flags as
// one value, or each of its alternatives. A negative number takes the compared
// width, or stays 64 bits wide for a signed comparison.
func lookup(abi *arch.Info, symbol string, bits uint8, signed bool) ([]uint64, error) {
	var flags uint64
	var enums []uint64
	var flagTerm, enumTerm string
	terms := strings.Split(symbol, "|")
	for _, term := range terms {
		term = strings.TrimSpace(term)
		v, kind, err := lookupTerm(abi, term)
		if err != nil {
			return nil, err
		}
		if int64(v) < 0 && (kind != literal || term[0] == '-') && !signed {
			if v, err = narrow(v, bits, term); err != nil {
				return nil, err
			}
		}
		if kind == enum {
			enumTerm = term
			enums = append(enums, v)
		} else {
			flagTerm = term
			flags |= v
		}
	}
	if enumTerm != "" && flagTerm != "" {
		return nil, fmt.Errorf("%s: %s is one of an enumeration and %s is bits: they do not mix", symbol, enumTerm, flagTerm)
	}
	if enumTerm != "" {
		return enums, nil
	}
	return []uint64{flags}, nil
}

type termKind int

const (
	literal termKind = iota
	flag
	enum
)

func lookupTerm(abi *arch.Info, term string) (uint64, termKind, error) {
	if isNumber(term) {
		v, _, err := parseNumber(term)
		return v, literal, err
	}
	v, kind, ok := abi.Constant(term)
	if !ok {
		return 0, 0, fmt.Errorf("unknown constant %q", term)
	}
	if kind == arch.Enum {
		return v, enum, nil
	}
	return v, flag, nil
}

// narrow encodes a negative number at the width compared.
func narrow(v uint64, bits uint8, term string) (uint64, error) {
	if int64(v) < int64(-1)<<(bits-1) {
		return 0, fmt.Errorf("%s does not fit in the %d bits compared", term, bits)
	}
	return v & widthMax(bits), nil
}

// normalSet sorts intervals and joins those that touch.
func normalSet(set []decision.Interval) []decision.Interval {
	slices.SortFunc(set, func(a, b decision.Interval) int {
		switch {
		case a.Lo < b.Lo:
			return -1
		case a.Lo > b.Lo:
			return 1
		}
		return 0
	})
	out := set[:0:0]
	for _, iv := range set {
		if n := len(out); n > 0 && (iv.Lo <= out[n-1].Hi || iv.Lo == out[n-1].Hi+1) {
			out[n-1].Hi = max(out[n-1].Hi, iv.Hi)
			continue
		}
		out = append(out, iv)
	}
	return out
}
