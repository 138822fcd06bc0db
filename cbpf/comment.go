package cbpf

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// comment says in symbols what an instruction does, where its text alone does
// not.
func (o DisassembleOptions) comment(in bpf.RawInstruction, s state) string {
	if o.Symbols.AssumeArch != 0 && !s.archKnown {
		s.archKnown, s.arch = true, o.Symbols.AssumeArch
	}
	switch in.Op {
	case opRetK:
		if in.K&RetActionFull == RetErrno && o.Symbols.Errno != nil {
			arch := uint32(0)
			if s.archKnown {
				arch = s.arch
			}
			return o.Symbols.Errno(arch, uint16(in.K&RetData))
		}
	case opLoadAbs:
		return o.argument(s, in.K)
	case opAndK:
		return o.value(s, in.K)
	case opJeqK, opJgtK, opJgeK, opJsetK:
		return o.test(in, s)
	}
	return ""
}

// test spells out a comparison: the one that holds at the first target.
func (o DisassembleOptions) test(in bpf.RawInstruction, s state) string {
	right := o.value(s, in.K)
	if right == "" {
		return ""
	}
	left, _ := wordName(s.a.word, o.BigEndian)
	if name := o.argument(s, s.a.word); name != "" {
		left = name
	}
	if s.a.mask != ^uint32(0) {
		left = fmt.Sprintf("%s & %#x", left, s.a.mask)
	}
	relation := map[uint16]string{opJeqK: "==", opJgtK: ">", opJgeK: ">=", opJsetK: "&"}[in.Op]
	if in.Jt == 0 && in.Jf != 0 && in.Op != opJsetK {
		relation = map[uint16]string{opJeqK: "!=", opJgtK: "<=", opJgeK: "<"}[in.Op]
	}
	return left + " " + relation + " " + right
}

// argument names the argument at an offset, "" when it has no name.
func (o DisassembleOptions) argument(s state, offset uint32) string {
	if o.Symbols.Argument == nil || !s.nrKnown || !s.archKnown {
		return ""
	}
	index, high, ok := argumentAt(offset, o.BigEndian)
	if !ok {
		return ""
	}
	name := o.Symbols.Argument(s.arch, s.nr, index)
	if name != "" && high {
		name += " (high half)"
	}
	return name
}

// value names a constant that A is compared with, "" when it has no name.
func (o DisassembleOptions) value(s state, k uint32) string {
	index, high, isArgument := argumentAt(s.a.word, o.BigEndian)
	switch {
	case s.a.word == offsetArch && o.Symbols.Arch != nil:
		return o.Symbols.Arch(k)
	case s.a.word == offsetNR && s.archKnown && o.Symbols.Syscall != nil:
		return o.Symbols.Syscall(s.arch, k)
	case isArgument && s.archKnown && s.nrKnown && o.Symbols.Value != nil:
		return o.Symbols.Value(s.arch, s.nr, index, high, k)
	}
	return ""
}

// argumentAt tells which half of which argument is at an offset.
func argumentAt(offset uint32, bigEndian bool) (index int, high, ok bool) {
	if offset < offsetArgs || offset >= DataSize || offset%4 != 0 {
		return 0, false, false
	}
	at := offset - offsetArgs
	return int(at / 8), (at%8 == 4) != bigEndian, true
}
