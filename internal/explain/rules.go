package explain

import (
	"errors"
	"slices"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/symbols"
)

// A Rule is an action that is taken when all conditions hold. No two rules of a
// call hold for the same arguments with different actions.
type Rule struct {
	Conds  []Cond
	Action uint32
}

const (
	maxTerms  = 512 // alternatives of one call
	maxExpand = 64  // alternatives that are tried to be made shorter
)

// ErrWords is returned for conditions that would take too many words: they mix
// bits of several arguments, or tell too many values apart.
var ErrWords = errors.New("the conditions are too many to list")

// errRest is returned beside the conditions that can be listed.
var errRest = errors.New("the other conditions are too many to list")

// A kinder tells what kind of argument each argument is.
type kinder func(arg int) symbols.Kind

// rules puts a function of the arguments into words: what decides each action
// but one, and that one. The one is prefer, where that is among the actions.
func (f *Filter) rules(n decision.Node, prefer uint32, kind kinder) ([]Rule, uint32, error) {
	values := f.Space.Values(n)
	lists := make([][]Rule, len(values))
	last, worst := -1, -1
	for i, v := range values {
		p := f.Space.Is(n, func(u uint32) bool { return u == v })
		conds, err := f.alternatives(p, kind)
		cost := unsayable
		if err == nil {
			cost = 0
			for _, c := range conds {
				lists[i] = append(lists[i], Rule{c, v})
				cost += 1 + len(c)
			}
		}
		if v == prefer && last < 0 {
			last = i
			worst = unsayable + 1
		} else if cost > worst || cost == worst && cbpf.Stricter(v, values[last]) {
			last, worst = i, cost
		}
		if err != nil && last != i {
			return nil, 0, err
		}
	}
	if err := f.Space.Err(); err != nil {
		return nil, 0, err
	}
	var rules []Rule
	for i := range values {
		if i != last {
			if lists[i] == nil {
				return nil, 0, ErrWords
			}
			rules = append(rules, lists[i]...)
		}
	}
	return rules, values[last], nil
}

// alternatives lists conjunctions of conditions of which at least one holds
// exactly when the predicate does.
func (f *Filter) alternatives(p decision.Node, kind kinder) ([][]Cond, error) {
	terms, ok := f.terms(p)
	if !ok {
		return nil, ErrWords
	}
	if len(terms) <= maxExpand {
		terms = f.shorten(p, terms)
	}
	var out [][]Cond
	for _, t := range terms {
		alts := [][]Cond{nil}
		for arg, n := range t {
			if n == 0 {
				continue
			}
			ph := phraser{s: f.Space, arg: arg, kind: kind(arg)}
			words := ph.phrase(n, 0)
			if words.cost >= unsayable || len(words.alts)*len(alts) > maxIntervals {
				return nil, ErrWords
			}
			var product [][]Cond
			for _, left := range alts {
				for _, right := range words.alts {
					product = append(product, append(slices.Clone(left), right...))
				}
			}
			alts = product
		}
		out = append(out, alts...)
	}
	return out, nil
}

// A term holds when the predicates of all arguments do; 0 is no predicate.
type term [ArgIP + 1]decision.Node

// terms takes a predicate over all arguments apart, argument by argument.
func (f *Filter) terms(p decision.Node) ([]term, bool) {
	var out []term
	var walk func(n decision.Node, t term) bool
	walk = func(n decision.Node, t term) bool {
		if v, ok := f.Space.Value(n); ok {
			if v != 0 {
				out = append(out, t)
			}
			return len(out) <= maxTerms
		}
		top, _ := f.Space.Top(n)
		arg := int(top-decision.WordArg0) / 2
		cases, ok := f.Space.Split(n, wordOf(arg)+1, maxTerms)
		if !ok {
			return false
		}
		for _, c := range cases {
			t[arg] = c.When
			if !walk(c.To, t) {
				return false
			}
		}
		return true
	}
	ok := walk(p, term{})
	return out, ok
}

// product is the predicate of a term.
func (f *Filter) product(t term) decision.Node {
	n := f.Space.Const(1)
	for _, c := range slices.Backward(t[:]) {
		if c != 0 {
			n = f.Space.And(c, n)
		}
	}
	return n
}

// shorten leaves out conditions that others make unnecessary, joins terms that
// differ in one argument, and drops terms that the others cover.
func (f *Filter) shorten(p decision.Node, terms []term) []term {
	s, no := f.Space, f.Space.Const(0)
	outside := s.Not(p)
	for i := range terms {
		for arg := range terms[i] {
			shorter := terms[i]
			shorter[arg] = 0
			if terms[i][arg] != 0 && s.And(f.product(shorter), outside) == no {
				terms[i] = shorter
			}
		}
	}
	terms = f.join(terms)
	for i := len(terms) - 1; i >= 0; i-- {
		others := no
		for j, t := range terms {
			if j != i {
				others = s.Or(others, f.product(t))
			}
		}
		if s.And(f.product(terms[i]), s.Not(others)) == no {
			terms = slices.Delete(terms, i, i+1)
		}
	}
	return terms
}

// join makes one term of two that differ in one argument.
func (f *Filter) join(terms []term) []term {
	for again := true; again; {
		again = false
		for i := 0; i < len(terms); i++ {
			for j := i + 1; j < len(terms); j++ {
				differ, count := -1, 0
				for arg := range terms[i] {
					if terms[i][arg] != terms[j][arg] {
						differ = arg
						count++
					}
				}
				if count > 1 {
					continue
				}
				if count == 1 {
					a, b := terms[i][differ], terms[j][differ]
					both := f.Space.Or(a, b)
					if a == 0 || b == 0 {
						both = 0
					} else if v, ok := f.Space.Value(both); ok && v != 0 {
						both = 0
					}
					terms[i][differ] = both
				}
				terms = slices.Delete(terms, j, j+1)
				j--
				again = true
			}
		}
	}
	return terms
}
