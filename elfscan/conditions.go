package elfscan

import (
	"slices"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/symbols"
)

// conditions are the alternatives of a call's arguments, or why there are none.
func (r *Result) conditions(name string, args *Arguments, o *PolicyOptions) ([]seccomp.NameWithConditions, string) {
	switch {
	case r.open != nil && !o.Decided:
		return nil, r.open.Why()
	case args.Open != nil:
		return nil, args.Why()
	case r.more != nil:
		return nil, r.more.where() + ": loads libraries that may call it otherwise; name those that it loads (Options.Dlopen, --dlopen)"
	case args.gated && o.Gated:
		return nil, "the arguments behind a gate are not followed"
	}
	w := &conditionWriter{info: r.info, namer: symbols.For(r.info), call: name, numbers: o.Numbers}
	var out []seccomp.NameWithConditions
	for _, alternative := range products(args.Values) {
		var cs seccomp.ArgumentConditions
		for k, arg := range args.Index {
			cs = append(cs, w.condition(arg, alternative[k]))
		}
		out = append(out, seccomp.NameWithConditions{Name: name, Conditions: cs})
	}
	return out, ""
}

// Why says where and why arguments are not known, "" if they are.
func (a *Arguments) Why() string {
	if a.Open == nil {
		return ""
	}
	return a.Open.where() + ": " + a.Reason
}

// products combines tuples into sets for each position, any combination of
// which is one of the tuples. Tuples have one or two members.
func products(tuples [][]uint64) (out [][][]uint64) {
	if len(tuples) > 0 && len(tuples[0]) == 1 {
		set := make([]uint64, len(tuples))
		for i, t := range tuples {
			set[i] = t[0]
		}
		return [][][]uint64{{set}}
	}
	var rows [][][]uint64 // by first member, as tuples are sorted
	for _, t := range tuples {
		if n := len(rows); n > 0 && rows[n-1][0][0] == t[0] {
			rows[n-1][1] = append(rows[n-1][1], t[1])
			continue
		}
		rows = append(rows, [][]uint64{{t[0]}, {t[1]}})
	}
	for _, row := range rows {
		i := slices.IndexFunc(out, func(have [][]uint64) bool { return slices.Equal(have[1], row[1]) })
		if i < 0 {
			out = append(out, row)
			continue
		}
		out[i][0] = append(out[i][0], row[0]...)
	}
	return out
}

// conditionWriter writes the conditions of one call.
type conditionWriter struct {
	info    *arch.Info
	namer   *symbols.Namer
	call    string
	numbers bool
}

func (w *conditionWriter) condition(arg int, values []uint64) seccomp.Condition {
	c := seccomp.Condition{Argument: uint32(arg), Operation: seccomp.Equal}
	params, known := w.info.Params(w.call)
	bits := w.info.WordBits
	if known && arg < len(params) {
		bits = int(params[arg].Bits)
		if at := slices.IndexFunc(params, func(p arch.Param) bool { return p.Name == params[arg].Name }); at == arg && !w.numbers {
			c.Argument, c.Name = 0, params[arg].Name
		}
	}
	if len(values) == 1 {
		if c.Symbol = w.symbol(arg, values[0], bits); c.Symbol == "" {
			c.Value = values[0]
		}
		return c
	}
	c.Operation = seccomp.In
	for _, v := range values {
		if s := w.symbol(arg, v, bits); s != "" {
			c.Symbols = append(c.Symbols, s)
		} else {
			c.Values = append(c.Values, v)
		}
	}
	return c
}

// symbol is the name of a value, where a policy reads it as the same value.
func (w *conditionWriter) symbol(arg int, value uint64, bits int) string {
	text, ok := w.namer.Name(w.call, arg, value, bits)
	if !ok || w.numbers {
		return ""
	}
	terms := strings.Split(text, "|")
	var all uint64
	for _, term := range terms {
		v, kind, ok := w.info.Constant(term)
		if !ok || len(terms) > 1 && kind != arch.Flag {
			return ""
		}
		all |= v
	}
	if all != value {
		return ""
	}
	return text
}
