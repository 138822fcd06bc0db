package elfscan

import (
	"strings"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// goParam is where the i-th word of a Go function's parameters is on entry.
// Which compiler passes them in registers shows in the version and machine
// (cmd/compile/abi-internal.md).
func goParam(m *module, i int) flow.Atom {
	if regs := m.goRegs(); i < len(regs) {
		return flow.Atom{Kind: flow.Entry, Reg: regs[i]}
	}
	ps := int64(m.m.PtrSize)
	// A call pushes the return address, or leaves room for it.
	return flow.Atom{Kind: flow.Slot, Addr: ps + int64(i)*ps, Size: uint8(ps)}
}

// goRegs are the integer argument registers, empty where parameters are
// passed on the stack.
func (mod *module) goRegs() []uint8 {
	if mod.goMinor == 0 {
		mod.goMinor = goMinor(mod.f.GoVersion())
	}
	seq := func(n int) []uint8 {
		out := make([]uint8, n)
		for i := range out {
			out[i] = uint8(i)
		}
		return out
	}
	switch v := mod.goMinor; mod.m.Name {
	case "x86_64":
		if v >= 17 {
			return []uint8{0, 3, 1, 7, 6, 8, 9, 10, 11} // AX BX CX DI SI R8 R9 R10 R11
		}
	case "aarch64":
		if v >= 18 {
			return seq(16)
		}
	case "ppc64", "ppc64le":
		if v >= 18 {
			return []uint8{3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17}
		}
	case "riscv64":
		if v >= 19 {
			return []uint8{10, 11, 12, 13, 14, 15, 16, 17, 8, 9, 18, 19, 20, 21, 22, 23}
		}
	case "loongarch64":
		if v >= 22 {
			return []uint8{4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}
		}
	case "s390x":
		if v >= 26 {
			return []uint8{2, 3, 4, 5, 6, 7, 8, 9}
		}
	}
	return nil
}

// goMinor is the 26 of "go1.26.3"; a version that cannot be read counts as a
// recent one.
func goMinor(v string) int {
	n := 0
	if len(v) > 4 && v[:4] == "go1." {
		for _, c := range v[4:] {
			if c < '0' || c > '9' {
				break
			}
			n = n*10 + int(c-'0')
		}
	}
	if n == 0 {
		return 99
	}
	return n
}

// barrierRegs are the registers that runtime.gcWriteBarrier changes
// (runtime/asm_*.s): its result, and what linkage takes.
var barrierRegs = map[string][]machine.Reg{
	"x86_64": {11}, "i386": {7}, "aarch64": {25, 27, 30}, "arm": {8, 12, 14}, "riscv64": {24, 31, 1},
	"s390x": {9, 10, 1, 14}, "loongarch64": {29, 30, 1},
	"ppc64":   {29, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30, 31},
	"ppc64le": {29, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30, 31},
}

// writeBarrier tells which calls are to the write barrier, before which the
// compiler saves nothing.
func (mod *module) writeBarrier(target uint64) ([]machine.Reg, bool) {
	if mod.barriers == nil {
		mod.barriers = map[uint64]bool{}
		for name, n := range mod.known() {
			if strings.HasPrefix(name, "runtime.gcWriteBarrier") {
				mod.barriers[mod.funcs[uint32(n)-mod.base].start] = true
			}
		}
	}
	if i := mod.funcAt(target); i >= 0 && mod.localEntry(i, target) {
		target = mod.funcs[i].start
	}
	return barrierRegs[mod.m.Name], mod.barriers[target]
}

// cRegs are the integer argument registers of the C calling convention.
var cRegs = map[string][]uint8{
	"x86_64": {7, 6, 2, 1, 8, 9}, "aarch64": {0, 1, 2, 3, 4, 5, 6, 7}, "arm": {0, 1, 2, 3},
	"riscv64": {10, 11, 12, 13, 14, 15, 16, 17}, "loongarch64": {4, 5, 6, 7, 8, 9, 10, 11},
	"ppc64le": {3, 4, 5, 6, 7, 8, 9, 10}, "ppc64": {3, 4, 5, 6, 7, 8, 9, 10}, "s390x": {2, 3, 4, 5, 6},
}

// threadRegs point to the thread's variables, where a general register does.
var threadRegs = map[string]uint8{"riscv64": 4, "loongarch64": 2, "ppc64le": 13, "ppc64": 13}

// cParam is where the i-th word of a C function's parameters is on entry.
func cParam(m *module, i int) flow.Atom {
	if regs := cRegs[m.m.Name]; i < len(regs) {
		return flow.Atom{Kind: flow.Entry, Reg: regs[i]}
	}
	ps := int64(m.m.PtrSize)
	return flow.Atom{Kind: flow.Slot, Addr: ps + int64(i)*ps, Size: uint8(ps)}
}
