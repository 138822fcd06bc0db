package explain

import (
	"fmt"
	"slices"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// A recipe is what a policy says of one name, or one range of numbers.
type recipe struct {
	abis  []string // for these ABIs only
	all   bool     // for all that have the name
	name  string   // a call, or numbers
	first bool     // it must be decided before all others
	conds []conditioned
	rest  seccomp.Action // what happens otherwise; 0: the default action
}

type conditioned struct {
	conds  seccomp.ArgumentConditions
	action seccomp.Action
}

// key tells recipes apart by what they say.
func (r *recipe) key() string { return fmt.Sprint(r.name, r.first, r.conds, r.rest) }

// table makes the recipes of one audit architecture.
func (b *builder) table(t *archTable) error {
	for _, abi := range t.abis {
		described, err := b.f.ABI(abi)
		if err != nil {
			return err
		}
		for i := range described.Entries {
			if e := &described.Entries[i]; e.Name != "" {
				b.call(abi, e)
			}
		}
	}
	return b.numbers(t)
}

// call adds the recipe of a call.
func (b *builder) call(abi *arch.Info, e *Entry) {
	r := &recipe{abis: []string{abi.Name}, name: e.Name, first: multiplexes(abi, e.Name)}
	b.say(r, abi, e)
	if r.rest == b.out.Policy.DefaultAction && !r.first {
		r.rest = 0
	}
	b.recipes = append(b.recipes, r)
}

// multiplexes tells whether entries for other names govern the call, too.
func multiplexes(abi *arch.Info, name string) bool {
	if name != "socketcall" && name != "ipc" {
		return false
	}
	_, _, socket := abi.Multiplexed("socket")
	_, _, shmat := abi.Multiplexed("shmat")
	return socket && name == "socketcall" || shmat && name == "ipc"
}

// say fills in what a recipe decides. What conditions of a policy cannot say
// becomes the strictest action of what may happen.
func (b *builder) say(r *recipe, abi *arch.Info, e *Entry) {
	r.rest = action(e.Else, abi)
	if e.Err != nil && len(e.Rules) == 0 {
		b.cannot(r, abi, e, e.Err.Error())
		return
	}
	if e.Err != nil {
		strictest := canonical(b.f.strictest(e.Node))
		call := cbpf.Data{Arch: uint32(abi.ID), NR: e.Lo}
		b.problem(fmt.Sprintf("%s %s: %s (the policy has %s where they decide)", abi.Name, e.Name, e.Err, ActionWords(strictest, abi)), &call)
		r.rest = action(strictest, abi)
	}
	for _, rule := range e.Rules {
		if action(rule.Action, abi) == r.rest {
			continue
		}
		conds, ok := b.conditions(abi, e.Name, rule.Conds)
		if !ok {
			b.cannot(r, abi, e, "it depends on the instruction pointer")
			return
		}
		r.conds = append(r.conds, conditioned{conds, action(rule.Action, abi)})
	}
}

func (b *builder) cannot(r *recipe, abi *arch.Info, e *Entry, why string) {
	strictest := canonical(b.f.strictest(e.Node))
	name := e.Name
	if name == "" {
		name = "numbers " + rangeText([]uint32{e.Lo, e.Hi})
	}
	r.conds, r.rest = nil, action(strictest, abi)
	if b.f.Partial {
		call := cbpf.Data{Arch: uint32(abi.ID), NR: e.Lo}
		b.problem(fmt.Sprintf("%s %s: %s (the policy has %s for all)", abi.Name, name, why, ActionWords(strictest, abi)), &call)
		return
	}
	other, _ := b.f.Space.Find(b.f.Space.Is(e.Node, func(v uint32) bool { return v != strictest }))
	other[decision.WordArch], other[decision.WordNR] = uint32(abi.ID), e.Lo
	call := callOf(&other)
	b.problem(fmt.Sprintf("%s %s: %s (the policy has %s for all)", abi.Name, name, why, ActionWords(strictest, abi)), &call)
}

// conditions translates conditions; false when a policy has none such.
func (b *builder) conditions(abi *arch.Info, call string, conds []Cond) (seccomp.ArgumentConditions, bool) {
	var out seccomp.ArgumentConditions
	for i := range conds {
		c := &conds[i]
		if c.Arg == ArgIP {
			return nil, false
		}
		base := b.argument(abi, call, c)
		set := func(op seccomp.Operation, value uint64) {
			n := base
			n.Operation = op
			n.Value, n.Symbol = b.symbol(abi, call, c, value, op)
			out = append(out, n)
		}
		switch c.Op {
		case OpIn, OpNotIn:
			b.set(abi, call, c, base, &out)
		case OpRange:
			if c.Lo > 0 {
				set(seccomp.GreaterOrEqual, c.Lo)
			}
			if c.Hi < ^uint64(0)>>(64-c.Bits) {
				set(seccomp.LessOrEqual, c.Hi)
			}
		case OpMask, OpNotMask:
			b.mask(abi, call, c, base, &out)
		}
	}
	return out, true
}

// argument names a condition's argument and forces the width where it is not
// what the prototype makes it.
func (b *builder) argument(abi *arch.Info, call string, c *Cond) seccomp.Condition {
	n := seccomp.Condition{Argument: uint32(c.Arg)}
	params, known := abi.Params(call)
	if known && c.Arg < len(params) {
		if at := slices.IndexFunc(params, func(p arch.Param) bool { return p.Name == params[c.Arg].Name }); at == c.Arg {
			n.Argument, n.Name = 0, params[c.Arg].Name
		}
		if params[c.Arg].Mask() == ^uint64(0)>>(64-c.Bits) {
			return n
		}
	} else if abi.WordBits == 32 {
		return n
	}
	n.Width = seccomp.Width(c.Bits)
	return n
}

func (b *builder) set(abi *arch.Info, call string, c *Cond, n seccomp.Condition, out *seccomp.ArgumentConditions) {
	one, many := seccomp.Equal, seccomp.In
	if c.Op == OpNotIn {
		one, many = seccomp.NotEqual, seccomp.NotIn
	}
	if len(c.Values) == 1 {
		n.Operation = one
		n.Value, n.Symbol = b.symbol(abi, call, c, c.Values[0], one)
	} else {
		n.Operation = many
		for _, v := range c.Values {
			if value, symbol := b.symbol(abi, call, c, v, many); symbol != "" {
				n.Symbols = append(n.Symbols, symbol)
			} else {
				n.Values = append(n.Values, value)
			}
		}
	}
	*out = append(*out, n)
}

func (b *builder) mask(abi *arch.Info, call string, c *Cond, n seccomp.Condition, out *seccomp.ArgumentConditions) {
	switch {
	case c.Op == OpMask && c.Value == 0:
		n.Operation = seccomp.BitsNotSet
		n.Value, n.Symbol = b.symbol(abi, call, c, c.Mask, n.Operation)
	case c.Op == OpNotMask && c.Value == 0:
		n.Operation = seccomp.BitsSet
		n.Value, n.Symbol = b.symbol(abi, call, c, c.Mask, n.Operation)
	default:
		n.Operation = seccomp.MaskedEqual
		if c.Op == OpNotMask {
			n.Operation = seccomp.MaskedNotEqual
		}
		n.Mask, n.MaskSymbol = b.symbol(abi, call, c, c.Mask, n.Operation)
		n.Value, n.Symbol = b.symbol(abi, call, c, c.Value, n.Operation)
	}
	*out = append(*out, n)
}

// symbol is a value by name, where a policy reads that name as the same value.
func (b *builder) symbol(abi *arch.Info, call string, c *Cond, v uint64, op seccomp.Operation) (uint64, string) {
	if b.options.Numbers {
		return v, ""
	}
	text, ok := Symbols(abi).Name(call, c.Arg, v, c.Bits)
	if !ok {
		return v, ""
	}
	terms := strings.Split(text, "|")
	for _, term := range terms {
		value, kind, ok := abi.Constant(term)
		if !ok || len(terms) > 1 && kind != arch.Flag || int64(value) < 0 && c.Bits == 64 && value != v {
			return v, ""
		}
	}
	return 0, text
}

// numbers adds recipes for numbers without names.
func (b *builder) numbers(t *archTable) error {
	n := b.f.Space.Restrict(b.f.Node, decision.WordArch, uint32(t.abis[0].ID))
	parts, ok := b.f.Space.Intervals32(n, decision.WordNR, maxParts)
	if !ok {
		return errParts
	}
	var named []uint32
	for _, abi := range t.abis {
		for _, c := range calls(abi) {
			named = append(named, c.nr)
		}
	}
	slices.Sort(named)
	implied := b.implied(t)
	if len(t.abis) > 1 { // each ABI has numbers of its own
		for _, abi := range t.abis {
			for _, w := range windows(abi) {
				if abi.SeccompMask != 0 {
					implied = append(implied, decision.Range{Lo: w.Lo, Hi: w.Hi, Action: b.defaultReturn(abi)})
				}
			}
		}
	}
	for _, p := range parts {
		next := p.Lo
		for _, cut := range append(cuts(named, implied, p), p.Hi+1) {
			if next < cut {
				b.span(t, implied, uint32(next), uint32(cut-1), p.To)
			}
			next = cut
			if slices.Contains(named, uint32(cut)) {
				next++
			}
		}
	}
	return nil
}

// cuts are where a range of numbers is interrupted: at calls, and where what
// the policy implies changes; ascending.
func cuts(named []uint32, implied []decision.Range, p decision.Part) []uint64 {
	var out []uint64
	for _, nr := range named {
		out = append(out, uint64(nr))
	}
	for _, r := range implied {
		out = append(out, uint64(r.Lo), uint64(r.Hi)+1)
	}
	out = slices.DeleteFunc(out, func(n uint64) bool { return n < p.Lo || n > p.Hi })
	slices.Sort(out)
	return slices.Compact(out)
}

// implied is what a policy says of numbers without naming them.
func (b *builder) implied(t *archTable) []decision.Range {
	has := func(name string) bool {
		return slices.ContainsFunc(t.abis, func(a *arch.Info) bool { return a.Name == name })
	}
	if !has("x86_64") || has("x32") {
		return nil
	}
	errno, _ := t.abis[0].Errno("ENOSYS")
	enosys := cbpf.RetErrno | uint32(errno)
	return []decision.Range{
		{Lo: 512, Hi: 547, Action: enosys},
		{Lo: x32Bit, Hi: signBit - 1, Action: enosys},
		{Lo: signBit | x32Bit, Hi: lastNumber, Action: enosys},
	}
}

// span adds the recipe of the numbers lo to hi, unless it goes without saying.
func (b *builder) span(t *archTable, implied []decision.Range, lo, hi uint32, to decision.Node) {
	abi := t.abis[0]
	for _, other := range t.abis {
		for _, w := range windows(other) {
			// A policy counts -1 among x32's numbers.
			if other.SeccompMask != 0 && (w.Lo <= lo && hi <= w.Hi || lo == lastNumber) {
				abi = other
			}
		}
	}
	says := b.defaultReturn(abi)
	for _, r := range implied {
		if r.Lo <= lo && hi <= r.Hi {
			says = r.Action
		}
	}
	if v, ok := b.f.Space.Value(to); ok && v == Undecided && b.f.Partial {
		r := &recipe{abis: []string{abi.Name}, name: spanName(lo, hi)}
		b.cannot(r, abi, &Entry{Lo: lo, Hi: hi, Node: to}, ErrWords.Error())
		b.recipes = append(b.recipes, r)
		return
	} else if ok {
		if v != says {
			b.recipes = append(b.recipes, &recipe{abis: []string{abi.Name}, name: spanName(lo, hi), rest: action(v, abi)})
		}
		return
	}
	const fewNumbers = 64
	if hi-lo >= fewNumbers {
		e := &Entry{Lo: lo, Hi: hi, Node: to}
		r := &recipe{abis: []string{abi.Name}, name: spanName(lo, hi)}
		b.cannot(r, abi, e, "a range of numbers takes no conditions")
		b.recipes = append(b.recipes, r)
		return
	}
	for nr := lo; ; nr++ {
		e := &Entry{Lo: nr, Hi: nr, Node: to}
		e.Rules, e.Else, e.Err = b.f.rules(to, ^uint32(0), kinds(abi, ""))
		r := &recipe{abis: []string{abi.Name}, name: spanName(nr, nr)}
		b.say(r, abi, e)
		b.recipes = append(b.recipes, r)
		if nr == hi {
			return
		}
	}
}

// defaultReturn is what the default action returns on an ABI. It is made from
// a return value, so that it always has one.
func (b *builder) defaultReturn(abi *arch.Info) uint32 {
	ret, err := b.out.Policy.DefaultAction.Return(abi)
	if err != nil {
		return cbpf.RetKillProcess
	}
	return ret
}

func spanName(lo, hi uint32) string {
	if lo == hi {
		return numberText(lo)
	}
	return numberText(lo) + "-" + numberText(hi)
}
