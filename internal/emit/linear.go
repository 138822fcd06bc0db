package emit

import (
	"sort"

	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// A diagram tests each word once on a path, which is fast, but rules that
// compare many arguments in many combinations can make it large. Rule after
// rule, each condition tested where it is written, is slower and never larger
// than the policy's text. The compiler turns to it where only size counts.

// outcome returns the code for the calls of an outcome.
func (c *compiler) outcome(a *decision.ABI, o decision.Outcome) block {
	i := sort.Search(len(a.Calls), func(i int) bool { return a.Calls[i].NR >= o.Lo })
	if _, constant := c.space.Value(o.To); constant || i == len(a.Calls) || a.Calls[i].NR != o.Lo {
		return c.args.whole(o.To).block
	}
	c.code.effort.begin()
	c.args.atoms = suggest(&a.Calls[i])
	b := c.args.whole(o.To).block
	size, most := c.code.count(b), entangled
	if c.opt.Objective == Size {
		most = 0
	}
	if size <= most {
		return b
	}
	linear := c.linear(&a.Calls[i])
	if n := c.code.count(linear); n < size && (most == 0 || 2*n < size) {
		return linear
	}
	return b
}

// entangled is how many instructions the decisions of one call may take
// without a look at what its rules would take one after the other.
const entangled = 96

// linear returns the code that tries a call's rules in order.
func (c *compiler) linear(call *decision.Call) block {
	next := c.code.ret(call.Else)
	for i := len(call.Rules) - 1; i >= 0; i-- {
		rule := &call.Rules[i]
		match := c.code.ret(rule.Action)
		for j := len(rule.Conds) - 1; j >= 0; j-- {
			match = c.test(c.space.Cond(&rule.Conds[j]), match, next)
		}
		next = match
	}
	return next
}

// test returns the code that goes to yes where the predicate holds, else to no.
func (c *compiler) test(predicate decision.Node, yes, no block) block {
	coder := newArgCoder(c)
	coder.plans[c.space.Const(1)] = plan{block: yes}
	coder.plans[c.space.Const(0)] = plan{block: no}
	return coder.whole(predicate).block
}
