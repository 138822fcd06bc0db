package neutral

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Text writes the policy line by line, for drivers in languages that do not
// read JSON by themselves:
//
//	default ACTION             actions as filters return them, in hexadecimal
//	abi NAME
//	weight NR N
//	rule NR NAME ACTION        without alt lines: unconditional
//	alt COUNT                  an alternative of the rule above, then its conditions
//	cond ARG OP VALUE MASK
func (p *Policy) Text() string {
	var b strings.Builder
	hex := func(action string) uint32 {
		ret, _ := Action(action) // Check has seen them all
		return ret
	}
	fmt.Fprintf(&b, "default %#x\n", hex(p.Default))
	for _, abi := range p.ABIs {
		fmt.Fprintf(&b, "abi %s\n", abi)
	}
	for _, nr := range slices.Sorted(maps.Keys(p.Weights)) {
		fmt.Fprintf(&b, "weight %d %.0f\n", nr, p.Weights[nr])
	}
	for _, r := range p.Rules {
		fmt.Fprintf(&b, "rule %d %s %#x\n", r.NR, r.Name, hex(r.Action))
		for _, alt := range r.Alts {
			fmt.Fprintf(&b, "alt %d\n", len(alt))
			for _, c := range alt {
				fmt.Fprintf(&b, "cond %d %s %d %d\n", c.Arg, c.Op, c.V, c.Mask)
			}
		}
	}
	return b.String()
}
