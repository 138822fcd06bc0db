package elfscan

import (
	"fmt"
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/internal/symbols"
)

// argsOf lists the arguments that policies are usually written about.
var argsOf = map[string][]int{
	"socket": {0, 1}, "socketpair": {0, 1}, "prctl": {0}, "ioctl": {1}, "fcntl": {1}, "fcntl64": {1},
	"clone": {0}, "unshare": {0}, "mmap": {2}, "mmap2": {2}, "mprotect": {2}, "bpf": {0}, "keyctl": {0},
	"personality": {0}, "arch_prctl": {0}, "setns": {1}, "madvise": {2},
}

// maxTuples bounds the alternatives of one call.
const maxTuples = 64

// Arguments are the constants that a program makes a call with: all of them,
// or a site that keeps them from being known.
type Arguments struct {
	Index  []int      // positions of the arguments that were followed
	Values [][]uint64 // each combination; nil if not all are known
	From   []Evidence // for each combination, one place that it comes from
	Open   *Evidence  // a site whose arguments are not known, and why
	Reason string

	gated bool // sites behind a closed gate are left out
}

// arguments collects the constant arguments of the calls in argsOf.
func (s *scanner) arguments(r *resolver) map[string]*Arguments {
	s.namer = symbols.For(s.res.info)
	out := map[string]*Arguments{}
	blocked := map[string]bool{}
	for _, o := range r.open { // a number that is unknown may be any call's
		if !blocked["*"] {
			blocked["*"] = true
			e := s.evidence(o.task)
			out["*"] = &Arguments{Open: &e, Reason: "the number that is used there is unknown, and may be its"}
		}
	}
	for _, f := range r.found {
		name, _ := s.res.info.SyscallName(uint32(f.nr))
		index := s.argIndex(name)
		if index == nil {
			continue
		}
		set := out[name]
		if set == nil {
			set = &Arguments{Index: index}
			out[name] = set
		}
		if s.gate(f, name) != "" {
			set.gated = true
			continue
		}
		s.addTuples(set, r, f)
	}
	return out
}

// argIndex is argsOf for this ABI: s390 swaps the first two arguments of
// clone (CONFIG_CLONE_BACKWARDS2).
func (s *scanner) argIndex(name string) []int {
	if name == "clone" && (s.res.ABI == "s390x" || s.res.ABI == "s390") {
		return []int{1}
	}
	return argsOf[name]
}

// addTuples follows the arguments of one call to the constants that they come
// from.
func (s *scanner) addTuples(set *Arguments, r *resolver, f found) {
	name, _ := s.res.info.SyscallName(uint32(f.nr))
	params, _ := s.res.info.Params(name)
	work := []*task{{fn: f.task.fn, at: f.task.at, args: f.args, up: f.task.up}}
	seen := map[taskKey]bool{}
	for len(work) > 0 && set.Open == nil {
		t := work[0]
		work = work[1:]
		for j := range t.args {
			if !slices.Contains(set.Index, j) {
				t.args[j] = flow.None
			}
		}
		key := taskKey{fn: t.fn, args: t.args}
		if seen[key] {
			continue
		}
		seen[key] = true
		tuples, ask, why := s.constants(name, set.Index, t)
		switch {
		case len(seen) > 4096:
			s.block(set, t, "too many callers")
		case why != "":
			s.block(set, t, why)
		case ask:
			up, why := s.askArgs(r, t)
			if why != "" {
				s.block(set, t, why)
			}
			work = append(work, up...)
		}
		for _, tuple := range tuples {
			for k, j := range set.Index {
				if j < len(params) && params[j].Bits == 32 {
					tuple[k] = uint64(uint32(tuple[k]))
				}
			}
			if i, have := slices.BinarySearchFunc(set.Values, tuple, slices.Compare[[]uint64]); !have {
				set.Values = slices.Insert(set.Values, i, tuple)
				set.From = slices.Insert(set.From, i, s.argEvidence(name, t))
			}
			if len(set.Values) > maxTuples {
				s.block(set, t, fmt.Sprintf("more than %d combinations", maxTuples))
				break
			}
		}
	}
	if set.Open == nil && s.p.exhausted() {
		s.block(set, f.task, tooMuch)
	}
}

// argEvidence is evidence with a path where one is wanted.
func (s *scanner) argEvidence(call string, t *task) Evidence {
	e := s.evidence(t)
	if s.wantsPath(call) {
		e.Path = s.path(t.fn)
	}
	return e
}

// block notes the site that keeps a call's arguments from being known.
func (s *scanner) block(set *Arguments, t *task, why string) {
	e := s.evidence(t)
	set.Open, set.Reason, set.Values, set.From = &e, why, nil, nil
}

// constants combines the constants of the arguments; ask says that the
// callers have to be asked first, why what keeps them from being known.
func (s *scanner) constants(call string, index []int, t *task) (tuples [][]uint64, ask bool, why string) {
	tuples = [][]uint64{nil}
	for _, j := range index {
		c, ok := s.p.values.Consts(t.args[j])
		if ok {
			var next [][]uint64
			for _, tuple := range tuples {
				for _, v := range c {
					next = append(next, append(slices.Clone(tuple), uint64(v)))
				}
			}
			tuples = next
			continue
		}
		atoms, known := s.p.values.Atoms(t.args[j])
		if !known {
			return nil, false, s.namer.Param(call, j) + " is computed"
		}
		for _, a := range atoms {
			switch a.Kind {
			case flow.Const, flow.Entry, flow.Slot:
			case flow.Returned:
				return nil, false, s.namer.Param(call, j) + " is what another function returned"
			default:
				return nil, false, s.namer.Param(call, j) + " is loaded from memory"
			}
		}
		ask = true
	}
	if ask {
		return nil, true, ""
	}
	return tuples, false, ""
}

// askArgs are the tasks of the callers, or why there may be others.
func (s *scanner) askArgs(r *resolver, t *task) (out []*task, why string) {
	if by, ok := r.reach.by(t.fn); ok && by == noNode {
		return nil, "entered from outside"
	}
	if s.p.pointerTaken(t.fn) {
		return nil, "also called through a pointer"
	}
	for _, c := range s.p.callersOf(t.fn) {
		if !r.reach.has(c.from) {
			continue
		}
		up, _ := r.callTasks(t, c)
		out = append(out, up...)
	}
	if len(out) == 0 {
		return nil, "no callers are known"
	}
	return out, ""
}
