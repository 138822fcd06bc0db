package explain

import (
	"errors"
	"fmt"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// A Filter is what a stack of programs decides.
type Filter struct {
	Label     string
	Programs  []cbpf.Program // newest first
	BigEndian bool
	Native    *arch.Info // the ABI of the machine it is for
	Partial   bool       // some calls are Undecided in Node: their conditions are too complex

	Space *decision.Space
	// Node is the function, for calls that can occur: on ABIs of 32 bits the
	// upper halves of the arguments are zero (arch/x86/entry/syscall_32.c and
	// its kind clear them), and what the programs say of others is left out.
	Node decision.Node
}

// New lifts a stack of programs, newest first, into a space, which it empties
// when a program can be lifted in parts only. Native may be nil
// when the machine is not known; it is then this one, or one of that byte order.
func New(space *decision.Space, label string, programs []cbpf.Program, bigEndian bool, native *arch.Info) (*Filter, error) {
	guessed := native == nil
	if guessed {
		native = guessNative(bigEndian)
	}
	f := &Filter{Label: label, Programs: programs, BigEndian: bigEndian, Native: native, Space: space}
	f.Node = space.Const(cbpf.RetAllow)
	for i, p := range programs {
		n, err := space.Lift(p, bigEndian)
		if errors.Is(err, decision.ErrTooComplex) && len(programs) == 1 {
			space.Reset(0)
			if parts, partsErr := liftParts(space, p, bigEndian); partsErr == nil {
				n, err, f.Partial = parts, nil, true
			}
		}
		if err != nil {
			if len(programs) > 1 {
				return nil, fmt.Errorf("filter %d of %d: %w", i+1, len(programs), err)
			}
			return nil, err
		}
		if i == 0 {
			f.Node = n
			continue
		}
		f.Node = space.Apply(f.Node, n, func(newer, older uint32) uint32 { return cbpf.Combine(newer, older) })
	}
	f.Node = f.possible(f.Node)
	if guessed {
		f.chooseNative()
	}
	if err := space.Err(); err != nil {
		return nil, fmt.Errorf("%d filters together: %w", len(programs), err)
	}
	return f, nil
}

func guessNative(bigEndian bool) *arch.Info {
	if info, err := arch.GetInfo(""); err == nil && info.BigEndian == bigEndian {
		return info
	}
	name := "x86_64"
	if bigEndian {
		name = "s390x"
	}
	info, err := arch.GetInfo(name)
	if err != nil {
		return nil
	}
	return info
}

// chooseNative takes the first ABI that the filter tells from others for the
// machine's, when this machine's is not among them.
func (f *Filter) chooseNative() {
	abis, _, err := f.Architectures()
	if err != nil || len(abis) == 0 {
		return
	}
	for _, abi := range abis {
		if abi.Name == f.Native.Name {
			return
		}
	}
	f.Native = abis[0]
	for _, abi := range abis { // the one that runs the others
		if len(abi.Compat()) > len(f.Native.Compat()) {
			f.Native = abi
		}
	}
}

// possible zeroes the upper halves of arguments where they are zero.
func (f *Filter) possible(n decision.Node) decision.Node {
	s := f.Space
	seen := map[arch.AuditArch]bool{}
	for _, abi := range arch.All() {
		if abi.WordBits != 32 || abi.BigEndian != f.BigEndian || seen[abi.ID] {
			continue
		}
		seen[abi.ID] = true
		part := s.Restrict(n, decision.WordArch, uint32(abi.ID))
		narrow := part
		bits := s.Bits(part)
		for arg := range 6 {
			if bits[decision.ArgWord(arg, true)] != 0 {
				narrow = s.Restrict(narrow, decision.ArgWord(arg, true), 0)
			}
		}
		if narrow != part {
			n = s.Arch(uint32(abi.ID), narrow, n)
		}
	}
	return n
}

// Action is the filter's return value for a call.
func (f *Filter) Action(call cbpf.Data) uint32 {
	return f.Space.Eval(f.Node, words(&call))
}

// words lays a call out in Word order.
func words(call *cbpf.Data) *[decision.Words]uint32 {
	var w [decision.Words]uint32
	w[decision.WordArch], w[decision.WordNR] = call.Arch, call.NR
	for i, v := range call.Args {
		w[decision.ArgWord(i, true)], w[decision.ArgWord(i, false)] = uint32(v>>32), uint32(v)
	}
	w[decision.WordIP], w[decision.WordIP+1] = uint32(call.IP>>32), uint32(call.IP)
	return &w
}

// callOf is the inverse of words.
func callOf(w *[decision.Words]uint32) cbpf.Data {
	witness := decision.Witness{Words: *w}
	call := cbpf.Data{Arch: witness.Arch(), NR: witness.NR(), IP: witness.IP()}
	for i := range call.Args {
		call.Args[i] = witness.Arg(i)
	}
	return call
}
