package elfscan

import (
	"context"
	"debug/elf"
	"fmt"
	"slices"
	"sort"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// edge is a reference found in code: from the instruction at lo+at, in the
// function with index from, to lo+to.
type edge struct {
	at, to uint32
	from   uint32
	kind   machine.EdgeKind
}

// edgeFalse marks bytes that turned out to be part of another instruction.
const edgeFalse = machine.EdgeKind(0xff)

const (
	pieceSize = 1 << 20
	overlap   = 4352    // reaches the literal pools of arm
	lookAhead = 8       // bytes behind the last instruction that scans may look at
	maxEdges  = 1 << 25 // more than the largest programs have
	maxSites  = 1 << 16 // more than 4 GiB of any bytes have by chance
)

// scan finds every possible system call instruction and every reference in
// the module's code, reading it once, piece by piece.
func (mod *module) scan(ctx context.Context, progress func(done uint64)) error {
	cur := 0
	s := &machine.Scan{Lo: mod.lo, Hi: mod.hi, Base: mod.refBase(), Order: mod.m.Order, Absolute: mod.absolute()}
	s.Pointer = func(at uint64) (uint64, bool) {
		if _, ok := mod.f.RelocAt(at); ok || mod.inGOT(at) {
			return 0, false // what is linked is followed by itself
		}
		return mod.Constant(at, mod.m.PtrSize)
	}
	s.Site = func(addr uint64) { mod.sites = append(mod.sites, addr) }
	s.Edge = func(kind machine.EdgeKind, from, target uint64) {
		for cur+1 < len(mod.funcs) && mod.funcs[cur].end <= from {
			cur++
		}
		for cur > 0 && mod.funcs[cur].start > from {
			cur--
		}
		fn := &mod.funcs[cur]
		if kind == machine.EdgeShort && (fn.goIndex >= 0 || target >= fn.start && target < fn.end || mod.funcAt(target) < 0) {
			return // Go's linker makes all jumps to other functions long
		}
		if kind >= machine.EdgeRef && fn.goIndex >= 0 && s.Since != 0 && s.Since < fn.start {
			return // half of the address is from another function
		}
		if kind == machine.EdgeLarge {
			if fn.goIndex < 0 && mod.isLarge(target) {
				mod.large++
			}
			return
		}
		if kind >= machine.EdgeNear {
			if fn.goIndex >= 0 || s.Since < fn.start {
				return // Go's compiler counts from each variable alone
			}
			if kind == machine.EdgeNearData {
				kind = machine.EdgeData
			}
		}
		if kind <= machine.EdgeJump {
			if kind == machine.EdgeJump && target >= fn.start && target < fn.end && !(fn.gap && mod.inLinkage(target)) {
				return
			}
			i := mod.funcAt(target)
			if i < 0 || fn.goIndex >= 0 && mod.funcs[i].goIndex >= 0 && mod.funcs[i].start != target && !mod.localEntry(i, target) {
				return
			}
		}
		mod.edges = append(mod.edges, edge{uint32(from - mod.lo), uint32(target - mod.lo), uint32(cur), kind})
	}
	var done uint64
	buf := make([]byte, pieceSize+2*overlap+lookAhead)
	var total uint64
	for _, r := range mod.code {
		total += r.End - r.Start
	}
	mod.edges = make([]edge, 0, total/32) // as many as code usually has
	for _, r := range mod.code {
		for at, next := r.Start, uint64(0); at < r.End; at = next {
			next = mod.sameCode(at, min(at+pieceSize, r.End))
			if err := ctx.Err(); err != nil {
				return err
			}
			if len(mod.edges) > maxEdges || len(mod.sites) > maxSites {
				return fmt.Errorf("%w: its code has more than %d references or %d system call instructions", ErrFormat, maxEdges, maxSites)
			}
			from := max(at, r.Start+overlap) - overlap
			end := min(next+overlap, r.End)
			b := buf[:end-from]
			if err := mod.f.Read(b, from); err != nil {
				return err
			}
			clear(buf[end-from:][:lookAhead])
			s.Code, s.PC = buf[:end-from+lookAhead], from
			s.Long, s.Fixed = mod.allGo(from, end), mod.fixedCode(at)
			mod.m.Scan(s, int(at-from), int(next-from))
			done += next - at
			if progress != nil {
				progress(done)
			}
		}
	}
	sort.Slice(mod.sites, func(i, j int) bool { return mod.sites[i] < mod.sites[j] })
	return nil
}

// allGo reports whether nothing but Go's functions is in a range of code.
func (mod *module) allGo(from, end uint64) bool {
	i := mod.funcAt(from)
	if mod.goTab == nil || i < 0 {
		return false
	}
	at := from
	for ; i < len(mod.funcs) && at < end && mod.funcs[i].start <= at && mod.funcs[i].goIndex >= 0; i++ {
		at = mod.funcs[i].end
	}
	return at >= end
}

// sameCode returns the end of a range of code where Go's begins or ends in it,
// if it does.
func (mod *module) sameCode(from, end uint64) uint64 {
	if t := mod.goTab; t != nil {
		for _, cut := range []uint64{t.Text, t.EText} {
			if from < cut && cut < end {
				end = cut
			}
		}
	}
	return end
}

// fixedCode reports whether code at addr may use absolute addresses as
// immediates: in executables that are not relocated, other than by Go.
func (mod *module) fixedCode(addr uint64) bool {
	return mod.f.Type == 2 && (mod.goTab == nil || addr < mod.goTab.Text || addr >= mod.goTab.EText)
}

// inGOT reports whether an address is in the global offset table.
func (mod *module) inGOT(addr uint64) bool {
	return mod.got != nil && addr >= mod.got.Addr && addr-mod.got.Addr < mod.got.Size
}

// isLarge reports whether code for the large model of x86-64 would refer to an
// address as the compiler does: that of a function, of the procedure linkage
// table, or of a slot of the global offset table.
func (mod *module) isLarge(addr uint64) bool {
	if mod.inGOT(addr) {
		return addr&7 == 0 && addr != mod.got.Addr
	}
	i := mod.funcAt(addr)
	return i >= 0 && (mod.funcs[i].start == addr || mod.inLinkage(addr))
}

// absolute reports whether code may hold addresses that are not relative to
// anything: in executables that are not relocated, and where code itself is.
func (mod *module) absolute() bool {
	return mod.f.Type == 2 || slices.ContainsFunc(mod.code, func(r image.Range) bool { return len(mod.f.RelocsIn(r)) > 0 })
}

// refBase is the address that position independent code of some machines
// counts from.
func (mod *module) refBase() uint64 {
	switch mod.m.Name {
	case "i386", "arm", "x86_64":
		return mod.offsetTable()
	case "riscv64":
		return mod.globalPointer()
	case "ppc64le":
		if s := mod.got; s != nil && (mod.goTab == nil || mod.f.Type == elf.ET_DYN) {
			return s.Addr + 0x8000 // the ELFv2 ABI's .TOC.
		}
	}
	return 0
}

// localEntry reports whether an address is the local entry point of the i-th
// function, behind the two instructions that set r2, which position independent
// code of ppc64le calls (ELFv2 ABI, 2.3.2.1; Go has it too).
func (mod *module) localEntry(i int, addr uint64) bool {
	return mod.m.Name == "ppc64le" && addr == mod.funcs[i].start+8 && mod.setsTOC(addr-8)
}

// setsTOC reports whether code starts by setting r2 from r12, which has its own
// address.
func (mod *module) setsTOC(addr uint64) bool {
	if mod.m.Name != "ppc64le" {
		return false
	}
	addis, ok1 := mod.f.Uint(addr, 4)
	addi, ok2 := mod.f.Uint(addr+4, 4)
	return ok1 && ok2 && addis>>16 == 0x3c4c && addi>>16 == 0x3842
}

// globalPointer is what the code at the entry point of a program sets gp to, or
// a function near it: auipc gp, ...; addi gp, gp, ... (RISC-V ELF psABI, "Global
// pointer"). Code refers to small data relative to it. 0 if there is none.
func (mod *module) globalPointer() uint64 {
	code := make([]byte, 4096)
	for n := len(code); n > 0 && mod.f.Read(code, mod.f.Entry) != nil; n /= 2 {
		code = code[:n]
	}
	for i := 0; i+8 <= len(code); i += 2 {
		auipc, addi := mod.m.Order.Uint32(code[i:]), mod.m.Order.Uint32(code[i+4:])
		if auipc&0xfff == 0x197 && addi&0xfffff == 0x18193 {
			return mod.f.Entry + uint64(i) + uint64(int64(int32(auipc&^0xfff))) + uint64(int64(int32(addi)>>20))
		}
	}
	return 0
}

// offsetTable is _GLOBAL_OFFSET_TABLE_: GNU ld puts what the procedure linkage
// table uses first into .got, on arm always, on i386 with -z now.
func (mod *module) offsetTable() uint64 {
	if a := mod.f.Dyn.Tag(3); a != 0 { // DT_PLTGOT
		return a
	}
	for _, name := range []string{".got.plt", ".got"} {
		if s := mod.f.Section(name); s != nil {
			return s.Addr
		}
	}
	return 0
}
