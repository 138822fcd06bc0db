package explain

import (
	"errors"
	"fmt"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// maxParts bounds how many ranges of numbers, or of architectures, are told
// apart. There are some five hundred calls.
const maxParts = 4096

var errParts = errors.New("the program tells more ranges of numbers apart than can be listed")

// The numbers of x86_64's audit architecture that belong to x32 have bit 30
// set, all but -1 (see arch.OfCall).
const (
	x32Bit     = 0x40000000
	signBit    = 0x80000000
	lastNumber = 1<<32 - 1
)

// Architectures returns the ABIs that the filter tells from unknown ones, the
// native one first, and what it decides for calls through any other.
func (f *Filter) Architectures() (abis []*arch.Info, other decision.Node, err error) {
	parts, ok := f.Space.Intervals32(f.Node, decision.WordArch, maxParts)
	if !ok {
		return nil, 0, errors.New("the program tells more architectures apart than can be listed")
	}
	other = parts[0].To
	known := map[arch.AuditArch]decision.Node{}
	for _, p := range parts {
		for _, abi := range arch.All() {
			if id := uint64(abi.ID); p.Lo <= id && id <= p.Hi && abi.BigEndian == f.BigEndian {
				known[abi.ID] = p.To
			}
		}
	}
	for _, abi := range arch.All() {
		if to, ok := known[abi.ID]; ok && to != other {
			abis = append(abis, abi)
		}
	}
	abis = f.nativeFirst(abis)
	if len(abis) == 0 {
		// It does not look at the architecture: numbers mean something else on
		// each, so the native ones are shown.
		for _, abi := range append([]*arch.Info{f.Native}, f.Native.Compat()...) {
			if abi.BigEndian == f.BigEndian {
				abis = append(abis, abi)
			}
		}
	}
	return abis, other, nil
}

// nativeFirst orders ABIs: the native one, those its kernel runs, others.
func (f *Filter) nativeFirst(abis []*arch.Info) []*arch.Info {
	var out []*arch.Info
	take := func(want *arch.Info) {
		for i, abi := range abis {
			if abi != nil && abi.Name == want.Name {
				out = append(out, abi)
				abis[i] = nil
			}
		}
	}
	take(f.Native)
	for _, abi := range f.Native.Compat() {
		take(abi)
	}
	for _, abi := range abis {
		if abi != nil {
			out = append(out, abi)
			for _, compat := range abi.Compat() {
				take(compat)
			}
		}
	}
	return dedupe(out)
}

func dedupe(abis []*arch.Info) []*arch.Info {
	seen := map[string]bool{}
	var out []*arch.Info
	for _, abi := range abis {
		if !seen[abi.Name] {
			seen[abi.Name] = true
			out = append(out, abi)
		}
	}
	return out
}

// numbers returns what the filter decides for each range of an ABI's numbers:
// those of x32 are not among x86_64's.
func (f *Filter) numbers(abi *arch.Info) ([]decision.Outcome, error) {
	n := f.Space.Restrict(f.Node, decision.WordArch, uint32(abi.ID))
	parts, ok := f.Space.Intervals32(n, decision.WordNR, maxParts)
	if !ok {
		return nil, fmt.Errorf("%s: %w", abi.Name, errParts)
	}
	var out []decision.Outcome
	for _, p := range parts {
		lo, hi := uint32(p.Lo), uint32(p.Hi)
		for _, window := range windows(abi) {
			if cutLo, cutHi := max(lo, window.Lo), min(hi, window.Hi); cutLo <= cutHi {
				out = append(out, decision.Outcome{Lo: cutLo, Hi: cutHi, To: p.To})
			}
		}
	}
	return out, f.Space.Err()
}

// windows are the ranges of seccomp_data.nr that belong to an ABI.
func windows(abi *arch.Info) []decision.Range {
	switch abi.Name {
	case "x32":
		return []decision.Range{{Lo: x32Bit, Hi: signBit - 1}, {Lo: signBit | x32Bit, Hi: lastNumber - 1}}
	case "x86_64":
		return []decision.Range{{Lo: 0, Hi: x32Bit - 1}, {Lo: signBit, Hi: signBit | x32Bit - 1}, {Lo: lastNumber, Hi: lastNumber}}
	}
	return []decision.Range{{Lo: 0, Hi: lastNumber}}
}

// An Entry is what happens to one call, or to a range of numbers without names.
type Entry struct {
	Lo, Hi uint32
	Name   string // empty for a range
	Node   decision.Node
	Rules  []Rule
	Else   uint32 // what happens when no rule matches
	Err    error  // why conditions, other than those of Rules, cannot be put into words
}

// Constant tells whether arguments do not matter.
func (e *Entry) Constant() bool { return len(e.Rules) == 0 && e.Err == nil }

// An ABI is a filter's decisions for the calls of one ABI.
type ABI struct {
	Info    *arch.Info
	Default decision.Node // what happens to most numbers that are no call
	Entries []Entry       // every call, and the ranges between that differ from Default; ascending
}

// ABI describes what the filter decides for the calls of an ABI.
func (f *Filter) ABI(abi *arch.Info) (*ABI, error) {
	outcomes, err := f.numbers(abi)
	if err != nil {
		return nil, err
	}
	out := &ABI{Info: abi, Default: mostNumbers(outcomes)}
	described := map[descriptionKey]*Entry{}
	add := func(e Entry) { out.Entries = append(out.Entries, f.describe(out, described, e)) }
	rest := calls(abi)
	for _, o := range outcomes {
		next := uint64(o.Lo)
		gap := func(end uint64) {
			if o.To != out.Default && next < end {
				add(Entry{Lo: uint32(next), Hi: uint32(end - 1), Node: o.To})
			}
		}
		for len(rest) > 0 && rest[0].nr <= o.Hi {
			c := rest[0]
			rest = rest[1:]
			gap(uint64(c.nr))
			add(Entry{Lo: c.nr, Hi: c.nr, Name: c.name, Node: o.To})
			next = uint64(c.nr) + 1
		}
		gap(uint64(o.Hi) + 1)
	}
	return out, f.Space.Err()
}

type descriptionKey struct {
	node decision.Node
	name string
}

// describe fills in the rules of an entry.
func (f *Filter) describe(abi *ABI, known map[descriptionKey]*Entry, e Entry) Entry {
	if v, ok := f.Space.Value(e.Node); ok {
		e.Else = v
		if f.Partial && v == Undecided {
			e.Err = ErrWords
		}
		return e
	}
	key := descriptionKey{e.Node, e.Name}
	if same := known[key]; same != nil {
		e.Rules, e.Else, e.Err = same.Rules, same.Else, same.Err
		return e
	}
	prefer, hasDefault := f.Space.Value(abi.Default)
	if !hasDefault {
		prefer = ^uint32(0)
	}
	partly := f.Partial && slices.Contains(f.Space.Values(e.Node), Undecided)
	if partly {
		prefer = Undecided // what remains when all that is decided is said
	}
	e.Rules, e.Else, e.Err = f.rules(e.Node, prefer, kinds(abi.Info, e.Name))
	if partly && e.Err == nil {
		e.Err = errRest
	}
	known[key] = &e
	return e
}

// mostNumbers is the function that decides most numbers, of the constant ones
// if there are any.
func mostNumbers(outcomes []decision.Outcome) decision.Node {
	count := map[decision.Node]uint64{}
	var best decision.Node
	for _, o := range outcomes {
		// What lies below bit 30 counts for more: a filter for x32's or the
		// sign bit's sake says little of the calls there are.
		weight := uint64(o.Hi-o.Lo) + 1
		if o.Lo < x32Bit {
			weight *= 16
		}
		count[o.To] += weight
		if best == 0 || count[o.To] > count[best] {
			best = o.To
		}
	}
	return best
}
