package elfscan

import (
	"slices"
	"sort"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
)

// argsOf lists the arguments that policies are usually written about.
var argsOf = map[string][]int{
	"socket": {0, 1}, "socketpair": {0, 1}, "prctl": {0}, "ioctl": {1}, "fcntl": {1}, "fcntl64": {1},
	"clone": {0}, "unshare": {0}, "mmap": {2}, "mmap2": {2}, "mprotect": {2}, "bpf": {0}, "keyctl": {0},
	"personality": {0}, "arch_prctl": {0}, "setns": {1}, "madvise": {2},
}

// maxTuples bounds the alternatives of one call.
const maxTuples = 64

// argSet is what is known of a call's arguments: all the tuples it is made
// with, or a site that prevents knowing.
type argSet struct {
	index  []int
	tuples [][]uint64
	open   *Evidence
	many   bool
}

// arguments collects the constant arguments of the calls in argsOf.
func (s *scanner) arguments(r *resolver) map[string]*argSet {
	out := map[string]*argSet{}
	blocked := map[string]bool{}
	for _, o := range r.open { // a number that is unknown may be any call's
		if !blocked["*"] {
			blocked["*"] = true
			e := s.evidence(o.task)
			out["*"] = &argSet{open: &e}
		}
	}
	for _, f := range r.found {
		if s.gates.gate(f) != "" {
			continue
		}
		name, _ := s.res.info.SyscallName(uint32(f.nr))
		index := s.argIndex(name)
		if index == nil {
			continue
		}
		set := out[name]
		if set == nil {
			set = &argSet{index: index}
			out[name] = set
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

func (s *scanner) addTuples(set *argSet, r *resolver, f found) {
	if set.open != nil || set.many {
		return
	}
	name, _ := s.res.info.SyscallName(uint32(f.nr))
	params, _ := s.res.info.Params(name)
	work := []*task{{fn: f.task.fn, at: f.task.at, args: f.args, up: f.task.up}}
	seen := map[taskKey]bool{}
	for len(work) > 0 {
		t := work[0]
		work = work[1:]
		if t.args == ([6]flow.ID{}) { // stored in a variable on the way
			s.block(set, t)
			return
		}
		for j := range t.args {
			if !slices.Contains(set.index, j) {
				t.args[j] = flow.None
			}
		}
		key := taskKey{fn: t.fn, args: t.args}
		if seen[key] {
			continue
		}
		seen[key] = true
		switch tuples, ask := s.constants(set.index, t); {
		case len(seen) > 4096:
			s.block(set, t)
			return
		case ask:
			up := s.askArgs(r, t)
			if up == nil {
				s.block(set, t)
				return
			}
			work = append(work, up...)
		case tuples == nil:
			s.block(set, t)
			return
		default:
			for _, tuple := range tuples {
				for k, j := range set.index {
					if j < len(params) && params[j].Bits == 32 {
						tuple[k] = uint64(uint32(tuple[k]))
					}
				}
				set.add(tuple)
			}
		}
		if set.many {
			return
		}
	}
}

func (set *argSet) add(tuple []uint64) {
	for _, have := range set.tuples {
		if slices.Equal(have, tuple) {
			return
		}
	}
	set.tuples = append(set.tuples, tuple)
	set.many = len(set.tuples) > maxTuples
	sort.Slice(set.tuples, func(i, j int) bool { return slices.Compare(set.tuples[i], set.tuples[j]) < 0 })
}

func (s *scanner) block(set *argSet, t *task) {
	e := s.evidence(t)
	set.open = &e
}

// constants combines the constants of the arguments; ask says that the
// callers have to be asked first.
func (s *scanner) constants(index []int, t *task) (tuples [][]uint64, ask bool) {
	tuples = [][]uint64{nil}
	for _, j := range index {
		c, ok := s.p.values.Consts(t.args[j])
		if !ok {
			atoms, known := s.p.values.Atoms(t.args[j])
			for _, a := range atoms {
				if a.Kind != flow.Const && a.Kind != flow.Entry && a.Kind != flow.Slot {
					known = false
				}
			}
			if !known {
				return nil, false
			}
			ask = true
			continue
		}
		var next [][]uint64
		for _, tuple := range tuples {
			for _, v := range c {
				next = append(next, append(slices.Clone(tuple), uint64(v)))
			}
		}
		tuples = next
	}
	if ask {
		return nil, true
	}
	return tuples, false
}

// askArgs are the tasks of the callers, nil if there may be others.
func (s *scanner) askArgs(r *resolver, t *task) []*task {
	if s.p.pointerTaken(t.fn) {
		return nil
	}
	var out []*task
	for _, c := range s.p.callersOf(t.fn) {
		if !r.reach.has(c.from) {
			continue
		}
		pt, ok := r.callPoint(c)
		if !ok {
			continue
		}
		m, _ := s.p.function(c.from)
		u := &task{fn: c.from, at: c.at, up: t}
		for j, a := range t.args {
			u.args[j] = s.p.substitute(m, a, pt)
		}
		out = append(out, u)
	}
	return out
}
