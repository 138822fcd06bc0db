// Package neutral is the form in which one policy reaches several compilers:
// calls of x86_64 by number, whole registers compared, and an evaluator so
// plain that it can be checked by reading it.
package neutral

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A Policy says what happens to each system call of x86_64.
type Policy struct {
	Name    string `json:"name"`
	Default string `json:"default"` // action of calls without a rule
	Rules   []Rule `json:"rules"`   // one rule to a number

	// ABIs are further ABIs, by Linux's names, to which the same rules apply by
	// the names of the calls.
	ABIs []string `json:"abis,omitempty"`

	// Weights is how often calls are made, by number, for compilers that can
	// use it.
	Weights map[uint32]float64 `json:"weights,omitempty"`
}

// A Rule is the action on one call. Alts are alternatives, each of which is
// conditions that must all hold; without any the rule is unconditional. Where no
// alternative holds, the policy's default decides.
type Rule struct {
	Name   string   `json:"name"`
	NR     uint32   `json:"nr"`
	Action string   `json:"action"` // "allow", "errno:1", "kill_process", ...
	Alts   [][]Cond `json:"alts"`
}

// A Cond compares all 64 bits of an argument.
type Cond struct {
	Arg  int    `json:"arg"`
	Op   string `json:"op"` // eq, ne, lt, le, gt, ge; meq: argument & Mask == V
	V    uint64 `json:"v"`
	Mask uint64 `json:"mask"`
}

// Ops lists the operations that a Cond may have.
var Ops = []string{"eq", "ne", "lt", "le", "gt", "ge", "meq"}

// Read reads and checks a policy file.
func Read(file string) (*Policy, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var p Policy
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &p, nil
}

// Check finds what the other methods rely on not being there.
func (p *Policy) Check() error {
	if _, err := Action(p.Default); err != nil {
		return err
	}
	seen := map[uint32]bool{}
	for _, r := range p.Rules {
		if seen[r.NR] {
			return fmt.Errorf("%s: two rules for number %d", r.Name, r.NR)
		}
		seen[r.NR] = true
		if err := r.check(); err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
	}
	return nil
}

func (r *Rule) check() error {
	if _, err := Action(r.Action); err != nil {
		return err
	}
	for _, alt := range r.Alts {
		for _, c := range alt {
			_, known := c.holds(0)
			switch {
			case !known:
				return fmt.Errorf("unknown operation %q", c.Op)
			case c.Arg < 0 || c.Arg > 5:
				return fmt.Errorf("no argument %d", c.Arg)
			case c.Op == "meq" && c.V&^c.Mask != 0:
				return fmt.Errorf("value %#x has bits outside the mask %#x", c.V, c.Mask)
			}
		}
	}
	return nil
}

var actions = map[string]uint32{
	"kill_process": 0x80000000, "kill_thread": 0, "trap": 0x00030000, "errno": 0x00050000,
	"user_notif": 0x7fc00000, "trace": 0x7ff00000, "log": 0x7ffc0000, "allow": Allow,
}

// Allow is SECCOMP_RET_ALLOW.
const Allow = 0x7fff0000

// Action is what a filter returns to the kernel for an action's text.
func Action(text string) (uint32, error) {
	kind, data, _ := strings.Cut(text, ":")
	ret, ok := actions[kind]
	if !ok {
		return 0, fmt.Errorf("unknown action %q", text)
	}
	if data == "" {
		return ret, nil
	}
	n, err := strconv.ParseUint(data, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("action %q: %w", text, err)
	}
	return ret | uint32(n), nil
}

// holds compares x; known is false for an unknown operation.
func (c *Cond) holds(x uint64) (holds, known bool) {
	switch c.Op {
	case "eq":
		return x == c.V, true
	case "ne":
		return x != c.V, true
	case "lt":
		return x < c.V, true
	case "le":
		return x <= c.V, true
	case "gt":
		return x > c.V, true
	case "ge":
		return x >= c.V, true
	case "meq":
		return x&c.Mask == c.V, true
	}
	return false, false
}

// Hold tells whether all conditions hold of the arguments.
func Hold(conds []Cond, args *[6]uint64) bool {
	for i := range conds {
		if ok, _ := conds[i].holds(args[conds[i].Arg]); !ok {
			return false
		}
	}
	return true
}

// Rule is the rule for a number, nil when there is none.
func (p *Policy) Rule(nr uint32) *Rule {
	for i := range p.Rules {
		if p.Rules[i].NR == nr {
			return &p.Rules[i]
		}
	}
	return nil
}

// Eval is what a filter for the policy returns for a call, given the call's
// rule. It is what every compiler's output is compared with.
func (p *Policy) Eval(r *Rule, args *[6]uint64) uint32 {
	action := p.Default
	if r != nil && len(r.Alts) == 0 {
		action = r.Action
	}
	if r != nil {
		for _, alt := range r.Alts {
			if Hold(alt, args) {
				action = r.Action
			}
		}
	}
	ret, _ := Action(action) // Check has seen them all
	return ret
}
