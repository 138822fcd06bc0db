package decision

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
