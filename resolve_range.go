package seccomp

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// The numbers of x86_64's audit architecture that reach the x32 ABI: those
// with bit 30 set, and before Linux 5.4 those that only x32 has.
const (
	x32Bit       = 0x40000000
	x32FirstOwn  = 512
	x32LastOwn   = 547
	signBit      = 0x80000000
	lastNumber   = 1<<32 - 1
	armPrivate   = 0x0f0000 // __ARM_NR_BASE: calls outside the table that grows
	nameOfX32    = "x32"
	nameOfX86_64 = "x86_64"
)

// half is the numbers that are the ABI's: those with bit 30 for x32, the others
// for x86_64 where x32 is covered too, else all.
func (t *table) half(abi *arch.Info) []decision.Range {
	switch {
	case abi.Name == nameOfX32:
		return []decision.Range{{Lo: x32Bit, Hi: signBit - 1}, {Lo: signBit | x32Bit, Hi: lastNumber}}
	case len(t.abis) < 2:
		return []decision.Range{{Hi: lastNumber}}
	}
	return []decision.Range{{Hi: x32Bit - 1}, {Lo: signBit, Hi: signBit | x32Bit - 1}}
}

// mipsBase is the first of the thousand numbers that belong to each MIPS ABI.
var mipsBase = map[string]uint32{
	"mips": 4000, "mipsel": 4000,
	"mips64": 5000, "mipsel64": 5000,
	"mips64n32": 6000, "mipsel64n32": 6000,
}

// guards are the numbers that make calls of another ABI under the audit
// architecture of one that the policy covers. They do not get the default
// action: a denylist must not be escaped through them.
func (r *resolver) guards(t *table, enosys uint32) []decision.Range {
	has := func(name string) bool {
		return slices.ContainsFunc(t.abis, func(a *arch.Info) bool { return a.Name == name })
	}
	switch {
	case has(nameOfX86_64) && !has(nameOfX32):
		return []decision.Range{
			{Lo: x32FirstOwn, Hi: x32LastOwn, Action: enosys},
			{Lo: x32Bit, Hi: signBit - 1, Action: enosys},
			{Lo: signBit | x32Bit, Hi: lastNumber, Action: enosys}}
	case has(nameOfX32) && !has(nameOfX86_64):
		return []decision.Range{
			{Lo: 0, Hi: x32Bit - 1, Action: r.spec.BadArch},
			{Lo: signBit, Hi: signBit | x32Bit - 1, Action: r.spec.BadArch}}
	}
	own, mips := mipsBase[t.abis[0].Name]
	if !mips {
		return nil
	}
	// A 64-bit MIPS kernel takes the numbers of all its ABIs from any task,
	// and reports the task's own (arch/mips/kernel/scall64-*.S).
	var others []decision.Range
	for base := uint32(4000); base <= 6000; base += 1000 {
		if base != own {
			others = append(others, decision.Range{Lo: base, Hi: base + 999, Action: r.spec.BadArch})
		}
	}
	return others
}

// newerCalls are the numbers that Linux has given out since the policy's
// kernel, and all above those that are known.
func (r *resolver) newerCalls(t *table, enosys uint32) ([]decision.Range, error) {
	if r.policy.Kernel == "" {
		return nil, nil
	}
	baseline, err := arch.ParseVersion(r.policy.Kernel)
	if err != nil {
		return nil, fmt.Errorf("invalid kernel: %w", err)
	}
	if !r.policy.DefaultAction.refuses() {
		return nil, nil
	}
	var ranges []decision.Range
	for _, abi := range t.abis {
		var known []uint32
		abi, err := arch.GetInfo(abi.Name) // with its table of names
		if err != nil {
			return nil, err
		}
		for name := range abi.SyscallNames {
			nr, ok := abi.Number(name)
			if !ok {
				continue
			}
			known = append(known, nr)
			if since, ok := abi.Since(name); ok && since.Compare(baseline) > 0 {
				ranges = append(ranges, decision.Range{Lo: nr, Hi: nr, Action: enosys})
			}
		}
		ranges = append(ranges, aboveTable(abi, known, enosys)...)
	}
	return ranges, nil
}

// aboveTable covers the numbers after the ABI's table, apart from ARM's private
// calls, which sit far above it.
func aboveTable(abi *arch.Info, known []uint32, enosys uint32) []decision.Range {
	slices.Sort(known)
	last := uint32(lastNumber)
	if abi.Name == nameOfX32 {
		last = signBit - 1
	} else if abi.Name == nameOfX86_64 {
		last = x32Bit - 1
	}
	var ranges []decision.Range
	next := uint32(0)
	for i, nr := range known {
		ownNumber := nr &^ uint32(abi.SeccompMask)
		isTop := i+1 == len(known) || known[i+1]&^uint32(abi.SeccompMask) >= armPrivate
		if ownNumber < armPrivate && isTop {
			next = nr + 1
		} else if next != 0 {
			if nr > next {
				ranges = append(ranges, decision.Range{Lo: next, Hi: nr - 1, Action: enosys})
			}
			next = nr + 1
		}
	}
	if next != 0 && next <= last {
		ranges = append(ranges, decision.Range{Lo: next, Hi: last, Action: enosys})
	}
	switch abi.Name { // the other half of their numbers
	case nameOfX86_64:
		ranges = append(ranges, decision.Range{Lo: signBit, Hi: signBit | x32Bit - 1, Action: enosys})
	case nameOfX32:
		ranges = append(ranges, decision.Range{Lo: signBit | x32Bit, Hi: lastNumber, Action: enosys})
	}
	return ranges
}

// arrange makes ranges ascending and disjoint, where the earlier of two that
// overlap wins, and takes out the numbers that have rules, given ascending.
func arrange(ranges []decision.Range, calls []uint32) []decision.Range {
	if len(ranges) == 0 {
		return nil
	}
	taken := make([]decision.Range, 0, len(calls)+4*len(ranges))
	for _, nr := range calls {
		taken = append(taken, decision.Range{Lo: nr, Hi: nr})
	}
	var out []decision.Range
	for _, r := range ranges {
		parts := subtract(r, taken)
		out = append(out, parts...)
		for _, p := range parts {
			at, _ := slices.BinarySearchFunc(taken, p, compareRanges)
			taken = slices.Insert(taken, at, p)
		}
	}
	slices.SortFunc(out, compareRanges)
	var merged []decision.Range
	for _, r := range out {
		if n := len(merged); n > 0 && merged[n-1].Action == r.Action && merged[n-1].Hi+1 == r.Lo {
			merged[n-1].Hi = r.Hi
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

// subtract is what remains of r without the ranges in taken, which are
// disjoint and ascending.
func subtract(r decision.Range, taken []decision.Range) []decision.Range {
	var parts []decision.Range
	lo := uint64(r.Lo)
	for _, t := range taken {
		if uint64(t.Hi) < lo || t.Lo > r.Hi {
			continue
		}
		if uint64(t.Lo) > lo {
			parts = append(parts, decision.Range{Lo: uint32(lo), Hi: t.Lo - 1, Action: r.Action})
		}
		lo = uint64(t.Hi) + 1
	}
	if lo <= uint64(r.Hi) {
		parts = append(parts, decision.Range{Lo: uint32(lo), Hi: r.Hi, Action: r.Action})
	}
	return parts
}

func compareRanges(a, b decision.Range) int { return cmp.Compare(a.Lo, b.Lo) }
