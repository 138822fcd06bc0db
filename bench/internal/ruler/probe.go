package ruler

import (
	"maps"
	"slices"

	"github.com/elastic/go-seccomp-bpf/bench/neutral"
)

// Numbers from firstX32 to lastX32 reach x32's calls on old kernels. Programs
// of this project refuse them as calls that do not exist; other compilers
// treat them as the policy's default says. They are not compared.
const (
	firstX32 = 512
	lastX32  = 547
	probed   = 640
)

// witness is arguments for which the conditions hold.
func witness(conds []neutral.Cond) ([6]uint64, bool) {
	var args [6]uint64
	for i := range args {
		candidates := []uint64{0, 1, 2}
		var own []neutral.Cond
		for _, c := range conds {
			if c.Arg == i {
				own = append(own, c)
				candidates = append(candidates, c.V, c.V+1, c.V-1)
			}
		}
		found := slices.ContainsFunc(candidates, func(v uint64) bool {
			args[i] = v
			return neutral.Hold(own, &args)
		})
		if !found {
			return args, false
		}
	}
	return args, true
}

// probes are arguments that a compiler's mistakes would show with: around each
// value that is compared, with each bit of a mask flipped, with either half of
// the register wrong, and with every system call's number in either half.
func probes(r *neutral.Rule) [][6]uint64 {
	out := [][6]uint64{{}, {^uint64(0), 1, 2, 3, 4, 5}}
	if r == nil || len(r.Alts) == 0 {
		return out
	}
	values := boundaries(r)
	done := map[[7]uint64]bool{} // arguments but one, and which
	for n, alt := range r.Alts {
		args, ok := witness(alt)
		if !ok {
			continue
		}
		out = append(out, args)
		for i, around := range values {
			probe := args
			probe[i] = 0
			key := [7]uint64{probe[0], probe[1], probe[2], probe[3], probe[4], probe[5], uint64(i)}
			if done[key] {
				continue
			}
			done[key] = true
			for _, v := range around {
				probe[i] = v
				out = append(out, probe)
			}
			for nr := uint64(0); n == 0 && nr < firstX32; nr++ {
				probe[i] = nr
				out = append(out, probe)
				probe[i] = nr << 32
				out = append(out, probe)
			}
		}
	}
	return out
}

// boundaries are the values around those that a rule compares arguments with.
func boundaries(r *neutral.Rule) map[int][]uint64 {
	sets := map[int]map[uint64]bool{}
	for _, alt := range r.Alts {
		for _, c := range alt {
			set := sets[c.Arg]
			if set == nil {
				set = map[uint64]bool{0: true, ^uint64(0): true, 1 << 32: true, 1<<32 - 1: true}
				sets[c.Arg] = set
			}
			for _, v := range []uint64{c.V, c.V + 1, c.V - 1, c.V | 1<<32, c.V | 1<<63, c.V ^ 1<<31} {
				set[v] = true
			}
			if c.Op == "meq" {
				set[c.V|^c.Mask] = true
				for bit := range 64 {
					set[c.V^1<<bit] = true
				}
			}
		}
	}
	out := map[int][]uint64{}
	for arg, set := range sets {
		out[arg] = slices.Sorted(maps.Keys(set))
	}
	return out
}
