package elfscan

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
)

// maxLevels bounds the processors that a program is scanned for.
const maxLevels = 16

// scanLevels scans a program for a plain processor, and if some of its
// libraries have variants for others (glibc-hwcaps), for each of those: the
// result has what any of them calls.
func scanLevels(ctx context.Context, o Options, r io.ReaderAt, size int64) (*Result, error) {
	var res *Result
	queue := []string{""}
	for i := 0; i < len(queue); i++ {
		s := &scanner{ctx: ctx, opt: o, level: queue[i]}
		one, err := s.run(r, size)
		s.closeAll()
		if one == nil || err != nil && res == nil {
			return one, err
		}
		if res == nil {
			res = one
		} else {
			res.merge(one)
		}
		if err != nil {
			return res, err
		}
		for _, level := range slices.Sorted(maps.Keys(s.loader.levels)) {
			switch {
			case slices.Contains(queue, level):
			case len(queue) == maxLevels:
				res.Partial = true
				res.Notes = append(res.Notes, "libraries for further processors not read: "+level)
			default:
				queue = append(queue, level)
				res.Notes = append(res.Notes, "some libraries have variants for certain processors, which were read too: "+level)
			}
		}
	}
	return res, nil
}

// merge adds what a scan of the same program with other libraries found.
func (r *Result) merge(o *Result) {
	r.Modules = append(r.Modules, missingFrom(r.Modules, o.Modules, func(m Module) any { return m })...)
	r.Unresolved = append(r.Unresolved, missingFrom(r.Unresolved, o.Unresolved, func(s Site) any {
		return [3]any{s.Module, s.Address, s.Site}
	})...)
	r.Loads = append(r.Loads, missingFrom(r.Loads, o.Loads, placeOf)...)
	r.Execs = append(r.Execs, missingFrom(r.Execs, o.Execs, func(s string) any { return s })...)
	r.Notes = append(r.Notes, missingFrom(r.Notes, o.Notes, func(s string) any { return s })...)
	slices.Sort(r.Execs)
	slices.Sort(r.Notes)
	r.Partial = r.Partial || o.Partial
	r.open, r.more = cmp.Or(r.open, o.open), cmp.Or(r.more, o.more)
	r.Stats.Decoded += o.Stats.Decoded
	for _, c := range o.Calls {
		i, have := slices.BinarySearchFunc(r.Calls, c.Name, func(c Call, name string) int { return cmp.Compare(c.Name, name) })
		if have {
			r.Calls[i].merge(c)
		} else {
			r.Calls = slices.Insert(r.Calls, i, c)
		}
	}
}

func placeOf(e Evidence) any { return [3]any{e.Module, e.Function, e.Address} }

// missingFrom is what of more is not in have.
func missingFrom[T any](have, more []T, key func(T) any) (out []T) {
	seen := map[any]bool{}
	for _, x := range have {
		seen[key(x)] = true
	}
	for _, x := range more {
		if !seen[key(x)] {
			out = append(out, x)
		}
	}
	return out
}

func (c *Call) merge(o Call) {
	more := missingFrom(c.Evidence, o.Evidence, placeOf)
	if o.Grade < c.Grade { // the surest evidence comes first
		c.Evidence = append(more, c.Evidence...)
	} else {
		c.Evidence = append(c.Evidence, more...)
	}
	if c.Grade = min(c.Grade, o.Grade); c.Grade < Gated {
		c.Gate = ""
	}
	c.Args = mergeArgs(c.Args, o.Args)
}

// mergeArgs are the combinations of both; none are known if those of one are
// not.
func mergeArgs(x, y *Arguments) *Arguments {
	switch {
	case x == nil || y == nil:
		return nil
	case x.Open != nil:
		return x
	case y.Open != nil:
		return y
	}
	out := *x
	out.Values, out.From = slices.Clone(x.Values), slices.Clone(x.From)
	for k, tuple := range y.Values {
		if i, have := slices.BinarySearchFunc(out.Values, tuple, slices.Compare[[]uint64]); !have {
			out.Values = slices.Insert(out.Values, i, tuple)
			out.From = slices.Insert(out.From, i, y.From[k])
		}
	}
	out.gated = x.gated || y.gated
	return &out
}
