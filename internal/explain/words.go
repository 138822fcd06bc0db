package explain

import (
	"fmt"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// Words says a condition of a call in words, such as
// "flags & CLONE_NEWUSER == 0".
func (c *Cond) Words(abi *arch.Info, call string) string {
	if c.Arg == ArgIP {
		return c.plainWords("instruction pointer")
	}
	names := Symbols(abi)
	left := names.Param(call, c.Arg)
	value := func(v uint64) string { return names.Value(call, c.Arg, v, c.Bits) }
	var text string
	switch c.Op {
	case OpIn, OpNotIn:
		text = left + c.setWords(value)
	case OpRange:
		text = c.rangeWords(left, param(abi, call, c.Arg), value)
	default:
		text = c.maskWords(left, names, call)
	}
	return text + c.widthWords(abi, call)
}

func (c *Cond) setWords(value func(uint64) string) string {
	is, isOneOf := " == ", " ∈ "
	if c.Op == OpNotIn {
		is, isOneOf = " != ", " ∉ "
	}
	if len(c.Values) == 1 {
		return is + value(c.Values[0])
	}
	list := make([]string, len(c.Values))
	for i, v := range c.Values {
		list[i] = value(v)
	}
	return isOneOf + "{" + strings.Join(list, ", ") + "}"
}

func (c *Cond) rangeWords(left string, p arch.Param, value func(uint64) string) string {
	top := ^uint64(0) >> (64 - c.Bits)
	sign := uint64(1) << (c.Bits - 1)
	switch {
	case p.Signed && c.Lo == 0 && c.Hi == sign-1:
		return left + " >= 0"
	case p.Signed && c.Lo == sign && c.Hi == top:
		return left + " < 0"
	case c.Lo == 0:
		return left + " <= " + value(c.Hi)
	case c.Hi == top:
		return left + " >= " + value(c.Lo)
	}
	return value(c.Lo) + " <= " + left + " <= " + value(c.Hi)
}

type masks interface {
	Mask(call string, arg int, mask uint64, width int) string
}

func (c *Cond) maskWords(left string, names masks, call string) string {
	is := "=="
	if c.Op == OpNotMask {
		is = "!="
	}
	if c.Bits == 64 && c.Mask == 0xffffffff<<32 {
		return fmt.Sprintf("%s >> 32 %s %#x", left, is, c.Value>>32)
	}
	mask := names.Mask(call, c.Arg, c.Mask, c.Bits)
	right := "0"
	if c.Value != 0 {
		right = names.Mask(call, c.Arg, c.Value, c.Bits)
	}
	if strings.Contains(mask, "|") && mask[0] != '~' {
		mask = "(" + mask + ")"
	}
	return fmt.Sprintf("%s & %s %s %s", left, mask, is, right)
}

func (c *Cond) plainWords(left string) string {
	number := func(v uint64) string { return fmt.Sprintf("%#x", v) }
	switch c.Op {
	case OpIn, OpNotIn:
		return left + c.setWords(number)
	case OpRange:
		return c.rangeWords(left, arch.Param{}, number)
	}
	is := "=="
	if c.Op == OpNotMask {
		is = "!="
	}
	return fmt.Sprintf("%s & %#x %s %#x", left, c.Mask, is, c.Value)
}

// widthWords remarks that more or fewer bits are compared than the kernel
// looks at.
func (c *Cond) widthWords(abi *arch.Info, call string) string {
	p := param(abi, call, c.Arg)
	masked := c.Op == OpMask || c.Op == OpNotMask
	switch {
	case masked && c.Mask <= 0xffffffff: // then the upper half does not matter
	case p.Bits == 32 && c.Bits == 64:
		return " (as 64 bits)"
	case p.Bits == 64 && c.Bits == 32 && abi.WordBits == 64:
		return " (low 32 bits)"
	}
	return ""
}

// param is the prototype of an argument; the zero Param when none is known.
func param(abi *arch.Info, call string, arg int) arch.Param {
	if params, ok := abi.Params(call); ok && arg < len(params) {
		return params[arg]
	}
	return arch.Param{}
}

// ActionWords prints a return value as policies write it: errno(ENOSYS).
func ActionWords(ret uint32, abi *arch.Info) string {
	action, data := ret&cbpf.RetActionFull, uint16(ret&cbpf.RetData)
	if action == cbpf.RetErrno {
		if data == 0 {
			return "errno(0)"
		}
		if abi != nil {
			if name, ok := abi.ErrnoName(data); ok {
				return "errno(" + name + ")"
			}
		}
	}
	if (action == cbpf.RetAllow || action == cbpf.RetLog) && data != 0 {
		action, _ := cbpf.ActionName(action)
		return action // the kernel ignores the data
	}
	return cbpf.ReturnString(ret)
}
