package lint

import (
	"fmt"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// archUnchecked: the numbers of another ABI mean other calls.
func (l *linter) archUnchecked() {
	native, others := l.native()
	here := l.s.Restrict(l.permit, decision.WordArch, uint32(native.ID))
	if v, constant := l.s.Value(here); constant && v == 0 {
		return
	}
	for _, other := range others {
		if other.ID == native.ID || l.s.Restrict(l.permit, decision.WordArch, uint32(other.ID)) != here {
			continue
		}
		for nr := uint32(0); nr < 1024; nr++ {
			name, _ := native.SyscallName(nr)
			there, ok := other.SyscallName(nr)
			if ok && name != there && l.state(other, nr) == open {
				l.add(Error, &cbpf.Data{Arch: uint32(other.ID), NR: nr},
					fmt.Sprintf("calls through %s are decided by %s's numbers: %d is %s here and %s there", other.Name, native.Name, nr, name, there),
					"compare the architecture first; a policy's abis and bad_arch_action do")
				return
			}
		}
	}
}

// abiEscape: what the native ABI refuses, another one of the same kernel makes.
func (l *linter) abiEscape() {
	native, others := l.native()
	for _, other := range others {
		if other.BigEndian != native.BigEndian {
			continue
		}
		info, err := arch.GetInfo(native.Name)
		if err != nil {
			l.err = err
			return
		}
		var names []string
		var witness *cbpf.Data
		for _, nr := range sortedNumbers(info) {
			name := info.SyscallNumbers[nr]
			_, here, _ := l.named(native, name)
			nrThere, there, ok := l.named(other, name)
			if !ok || here != refused || there != open {
				continue
			}
			if names = append(names, name); witness == nil {
				witness = &cbpf.Data{Arch: uint32(other.ID), NR: nrThere}
			}
		}
		if len(names) > 0 {
			l.add(Error, witness, fmt.Sprintf("%s refuses %s, and %s makes them", native.Name, list(names), other.Name),
				fmt.Sprintf("add %s to the policy's abis, or leave it to bad_arch_action", other.Name))
		}
	}
}

func list(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// x32Low: before Linux 5.4, the x32 calls 512 to 547 could be made without the
// x32 bit (arch/x86/entry/syscalls/syscall_64.tbl).
func (l *linter) x32Low() {
	native, _ := l.native()
	fixed := arch.Version{Major: 5, Minor: 4}
	if native.Name != "x86_64" || l.options.Kernel != nil && l.options.Kernel.Compare(fixed) >= 0 {
		return
	}
	x32, err := arch.GetInfo("x32")
	if err != nil {
		l.err = err
		return
	}
	for nr := uint32(512); nr <= 547; nr++ {
		name, ok := x32.SyscallName(nr | uint32(x32.SeccompMask))
		if !ok {
			continue
		}
		if _, here, ok := l.named(native, name); ok && here == refused && l.state(native, nr) == open {
			l.add(Warning, &cbpf.Data{Arch: uint32(native.ID), NR: nr},
				fmt.Sprintf("%s is refused, and number %d, which is %s before Linux 5.4, is not", name, nr, name),
				"refuse the numbers 512 to 547, as policies do that do not name x32 among their abis")
			return
		}
	}
}

// wideCompare: the kernel looks at the low half of an int, so a caller chooses
// the upper half freely.
func (l *linter) wideCompare() {
	abis, _, err := l.f.Architectures()
	if err != nil {
		l.err = err
		return
	}
	for _, abi := range abis {
		info, err := arch.GetInfo(abi.Name)
		if err != nil {
			l.err = err
			return
		}
		for _, n := range sortedNumbers(info) {
			name := info.SyscallNumbers[n]
			nr, _ := info.Number(name)
			l.wideArguments(info, name, nr)
		}
	}
}

// wideFix says how to compare the bits that the kernel looks at.
func wideFix(p arch.Param, used uint64) string {
	switch {
	case used != 1<<32-1:
		return fmt.Sprintf("compare the argument masked with %#x", used)
	case p.Bits == 32:
		return "compare 32 bits (width: 32, or no width at all in a policy)"
	}
	return "compare 32 bits (width: 32)"
}

// usedBits are the bits of an argument's register that the kernel looks at.
// kernel/fork.c declares clone's flags as long, and takes their lower half.
func usedBits(call string, p arch.Param) uint64 {
	if call == "clone" && strings.HasSuffix(p.Name, "flags") {
		return 1<<32 - 1
	}
	if p.Bits == 0 {
		return ^uint64(0)
	}
	return p.Mask()
}

func (l *linter) wideArguments(abi *arch.Info, name string, nr uint32) {
	made := l.made(abi, nr)
	if _, constant := l.s.Value(made); constant {
		return
	}
	params, _ := abi.Params(name)
	bits := l.s.Bits(made)
	for arg, p := range params[:min(len(params), 6)] {
		high, low := decision.ArgWord(arg, true), decision.ArgWord(arg, false)
		ignored := ^usedBits(name, p)
		if (uint64(bits[high])<<32|uint64(bits[low]))&ignored == 0 {
			continue
		}
		clean := l.s.Assume(made, high, decision.Cube{Mask: ignored})
		// Refused where the ignored bits are clear, made with some others.
		dodge := l.s.And(made, l.s.Not(clean))
		if call := l.example(abi, nr, dodge); call != nil {
			l.add(Error, call, fmt.Sprintf("%s is decided by bits of %s that the kernel ignores (%#x): with some of them set the call is made, and without it is refused", name, p.Name, ignored), wideFix(p, ^ignored))
			continue
		}
		if call := l.example(abi, nr, l.s.And(clean, l.s.Not(made))); call != nil {
			l.add(Info, call, fmt.Sprintf("%s is refused when bits of %s are set that the kernel ignores (%#x)", name, p.Name, ignored), wideFix(p, ^ignored)+" if callers may leave them set")
		}
	}
}
