package decision

import "fmt"

// A Spec is a policy in which every name has become a number and every
// condition a set of register values: the last form before the function.
// It carries no defaults; whoever makes one fills every field.
type Spec struct {
	BigEndian bool   // byte order of struct seccomp_data
	ABIs      []ABI  // one for each audit architecture, the native one first
	BadArch   uint32 // filter return value for calls through any other architecture
}

// An ABI says what happens to the calls of one audit architecture. ABIs that
// share an architecture (x86_64 and x32) are one ABI here: their numbers are
// disjoint.
type ABI struct {
	Arch    uint32  // AUDIT_ARCH_*
	Calls   []Call  // ascending by NR, each NR once
	Ranges  []Range // ascending, disjoint: numbers that have no Call
	Default uint32  // numbers with neither Call nor Range
}

// A Call decides one syscall number: the first rule whose conditions all hold.
type Call struct {
	NR    uint32
	Rules []Rule
	Else  uint32 // filter return value when no rule matches
}

// A Range gives one outcome to the numbers Lo to Hi inclusive.
type Range struct {
	Lo, Hi uint32
	Action uint32
}

// A Rule matches when all its conditions hold; none means always.
type Rule struct {
	Conds  []Cond
	Action uint32 // filter return value: SECCOMP_RET_* | data
}

// A Cond holds when (register & Mask) lies in Set, or does not when Not is set.
type Cond struct {
	Arg  uint8      // 0 to 5
	Bits uint8      // 64: the whole register; 32: its low half only
	Mask uint64     // all ones (of Bits) when nothing is masked
	Set  []Interval // union; an empty one never holds
	Not  bool
}

// An Interval holds the unsigned values Lo to Hi inclusive.
type Interval struct{ Lo, Hi uint64 }

// check refuses a Spec whose parts contradict each other.
func (s *Spec) check() error {
	seen := map[uint32]bool{}
	for i := range s.ABIs {
		a := &s.ABIs[i]
		if seen[a.Arch] {
			return fmt.Errorf("audit architecture %#x appears twice", a.Arch)
		}
		seen[a.Arch] = true
		if err := a.check(); err != nil {
			return fmt.Errorf("audit architecture %#x: %w", a.Arch, err)
		}
	}
	return nil
}

func (a *ABI) check() error {
	r := 0
	for i := range a.Ranges {
		if a.Ranges[i].Lo > a.Ranges[i].Hi || i > 0 && a.Ranges[i-1].Hi >= a.Ranges[i].Lo {
			return fmt.Errorf("number ranges are not ascending at %d", a.Ranges[i].Lo)
		}
	}
	for i := range a.Calls {
		c := &a.Calls[i]
		if i > 0 && a.Calls[i-1].NR >= c.NR {
			return fmt.Errorf("call numbers are not ascending at %d", c.NR)
		}
		for r < len(a.Ranges) && a.Ranges[r].Hi < c.NR {
			r++
		}
		if r < len(a.Ranges) && a.Ranges[r].Lo <= c.NR {
			return fmt.Errorf("call %d lies in a number range", c.NR)
		}
		for j := range c.Rules {
			for k := range c.Rules[j].Conds {
				if cd := &c.Rules[j].Conds[k]; cd.Arg > 5 || cd.Bits != 32 && cd.Bits != 64 {
					return fmt.Errorf("call %d: condition on %d bits of argument %d", c.NR, cd.Bits, cd.Arg)
				}
			}
		}
	}
	return nil
}
