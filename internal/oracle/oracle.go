package oracle

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

// A Call is a system call as the kernel sees it arrive.
type Call struct {
	Arch uint32 // AUDIT_ARCH_*
	NR   uint32 // with x32's bit
	Args [6]uint64
}

func (c Call) String() string {
	return fmt.Sprintf("arch %#x, number %#x, arguments %#x", c.Arch, c.NR, c.Args)
}

// An Oracle decides calls on one machine.
type Oracle struct {
	policy  *seccomp.Policy
	covered []*arch.Info // the native ABI, if the policy covers it, is first
}

// New returns the oracle for a policy on a machine of the given native ABI.
func New(p *seccomp.Policy, machine *arch.Info) (*Oracle, error) {
	names := p.ABIs
	if len(names) == 0 {
		names = []string{"native"}
	}
	var all []*arch.Info
	for _, name := range names {
		switch name {
		case "native":
			all = append(all, machine)
		case "compat":
			for _, abi := range machine.Compat() {
				if abi.Name != "x32" {
					all = append(all, abi)
				}
			}
		default:
			abi, err := arch.GetInfo(name)
			if err != nil {
				return nil, err
			}
			all = append(all, abi)
		}
	}
	o := &Oracle{policy: p}
	for _, abi := range all {
		if abi.Name == machine.Name {
			o.covered = append(o.covered, abi)
		}
	}
	for _, abi := range all {
		if abi.BigEndian == machine.BigEndian && abi.Name != machine.Name {
			o.covered = append(o.covered, abi)
		}
	}
	if len(o.covered) == 0 {
		return nil, errors.New("the policy covers no ABI of this machine")
	}
	return o, nil
}

func (o *Oracle) covers(name string) *arch.Info {
	for _, abi := range o.covered {
		if abi.Name == name {
			return abi
		}
	}
	return nil
}

// Numbers of x86_64 that reach x32's calls.
const x32Bit = 0x40000000

func oldX32(nr uint32) bool { return nr >= 512 && nr <= 547 }

// Decide gives the value that a filter returns to the kernel for a call.
func (o *Oracle) Decide(c Call) (uint32, error) {
	abi, hidden := o.abiOf(c)
	if abi == nil {
		return o.badArch()
	}
	named := false
	for i := range o.policy.Syscalls {
		g := &o.policy.Syscalls[i]
		matches, names, err := o.group(g, abi, c)
		if err != nil {
			return 0, fmt.Errorf("syscalls[%d]: %w", i, err)
		}
		if matches {
			return encode(g.Action, abi)
		}
		named = named || names
	}
	if foreignMIPS(abi, c.NR) {
		return o.badArch()
	}
	if hidden || !named && o.newer(abi, c.NR) {
		return encode(seccomp.ErrnoName("ENOSYS"), abi)
	}
	return encode(o.policy.DefaultAction, abi)
}

func (o *Oracle) badArch() (uint32, error) {
	bad := o.policy.BadArchAction
	if bad == 0 {
		bad = seccomp.ActionKillProcess
	}
	return encode(bad, o.covered[0])
}

// foreignMIPS tells whether the number is one of another of MIPS's ABIs, all
// of whose numbers its kernels take from any task, as calls of the task's own
// ABI (arch/mips/kernel/scall64-*.S).
func foreignMIPS(abi *arch.Info, nr uint32) bool {
	if !strings.HasPrefix(abi.Name, "mips") || nr < 4000 || nr > 6999 {
		return false
	}
	exit, _ := abi.Number("exit")
	return nr/1000 != exit/1000
}

// abiOf finds the covered ABI through which a call arrives, nil if there is
// none; hidden says that the call must seem not to exist, for it is x32's and
// x32 is not covered.
func (o *Oracle) abiOf(c Call) (abi *arch.Info, hidden bool) {
	x86, x32 := o.covers("x86_64"), o.covers("x32")
	for _, abi := range o.covered {
		if uint32(abi.ID) != c.Arch {
			continue
		}
		if abi != x86 && abi != x32 {
			return abi, false
		}
		switch {
		case c.NR&x32Bit != 0 && x32 != nil:
			return x32, false
		case c.NR&x32Bit != 0:
			return x86, true
		case x86 == nil:
			return nil, false
		}
		return x86, oldX32(c.NR) && x32 == nil
	}
	return nil, false
}

// newer tells whether the call came with a kernel later than the policy's.
func (o *Oracle) newer(abi *arch.Info, nr uint32) bool {
	if o.policy.Kernel == "" || !refuses(o.policy.DefaultAction) {
		return false
	}
	baseline, err := arch.ParseVersion(o.policy.Kernel)
	if err != nil {
		return false
	}
	name, known := abi.SyscallName(nr)
	if known {
		since, ok := abi.Since(name)
		return ok && since.Compare(baseline) > 0
	}
	// ARM's private calls lie apart from the table that grows.
	const private = 0xf0000
	for _, number := range numbers(abi) {
		if own := number &^ uint32(abi.SeccompMask); own < private && number > nr {
			return false
		}
	}
	return true
}

func numbers(abi *arch.Info) []uint32 {
	filled, err := arch.GetInfo(abi.Name)
	if err != nil {
		return nil
	}
	var list []uint32
	for nr := range filled.SyscallNumbers {
		list = append(list, uint32(nr)|uint32(abi.SeccompMask))
	}
	return list
}

// limit is the ABIs whose numbers a group may hold: those it is limited to, or
// the native one.
func (o *Oracle) limit(g *seccomp.SyscallGroup) (map[string]bool, error) {
	if len(g.ABIs) == 0 {
		return map[string]bool{o.covered[0].Name: true}, nil
	}
	names := map[string]bool{}
	for _, name := range g.ABIs {
		if name == "native" {
			name = o.covered[0].Name
		}
		abi, err := arch.GetInfo(name)
		if err != nil {
			return nil, err
		}
		names[abi.Name] = true
	}
	return names, nil
}

// group tells whether some entry of a group matches the call, and whether one
// names it at all.
func (o *Oracle) group(g *seccomp.SyscallGroup, abi *arch.Info, c Call) (matches, names bool, err error) {
	limit, err := o.limit(g)
	if err != nil {
		return false, false, err
	}
	if len(g.ABIs) > 0 && !limit[abi.Name] {
		return false, false, nil
	}
	for _, name := range g.Names {
		members := []string{name}
		if name[0] == '@' {
			if members, err = seccomp.Group(name); err != nil {
				return false, false, err
			}
		}
		for _, member := range members {
			if lo, hi, ok := parseNumbers(member); ok {
				if lo <= c.NR && c.NR <= hi && limit[abi.Name] {
					return true, true, nil
				}
			} else if isCall(abi, member, c) || isSubcall(abi, member, c) || hidden(abi, c) && goesThrough(abi, member, c) && !permits(g.Action) {
				return true, true, nil
			}
		}
	}
	entries := append([]seccomp.NameWithConditions(nil), g.NamesWithConditions...)
	//lint:ignore SA1019 policies of the original library set it
	entries = append(entries, g.NamesWithCondtions...)
	for i := range entries {
		e := &entries[i]
		if number, _, ok := parseNumbers(e.Name); ok && (number != c.NR || !limit[abi.Name]) {
			continue
		}
		m, n, err := o.entry(e, g.Action, abi, c)
		if m || err != nil {
			return m, n, err
		}
		names = names || n
	}
	return false, names, nil
}

// entry is group for one entry with conditions.
func (o *Oracle) entry(e *seccomp.NameWithConditions, action seccomp.Action, abi *arch.Info, c Call) (matches, names bool, err error) {
	call := e.Name
	if _, _, number := parseNumbers(e.Name); number {
		call, _ = abi.SyscallName(c.NR)
	} else if isSubcall(abi, e.Name, c) || hidden(abi, c) && goesThrough(abi, e.Name, c) {
		if hidden(abi, c) && permits(action) {
			return false, true, nil
		}
		matches, err := subcall(e, action, abi)
		return matches, true, err
	} else if !isCall(abi, e.Name, c) {
		return false, false, nil
	}
	names = true
	if hidden(abi, c) {
		matches, err = unchecked(e.Conditions, action, abi, call)
	} else {
		matches, err = all(e.Conditions, abi, call, c.Args)
	}
	if err != nil {
		return false, true, err
	}
	if matches || o.policy.Kernel == "" {
		return matches, true, nil
	}
	// An entry that no arguments can match says nothing about its call.
	for i := range e.Conditions {
		_, never, err := constant(&e.Conditions[i], abi, call)
		if err != nil {
			return false, true, err
		}
		names = names && !never
	}
	return matches, names, nil
}

// all tells whether every condition holds.
func all(conditions seccomp.ArgumentConditions, abi *arch.Info, call string, args [6]uint64) (bool, error) {
	for i := range conditions {
		if ok, err := holds(&conditions[i], abi, call, args); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// subcall tells whether an entry with conditions matches its call by way of a
// multiplexer, where the arguments are behind a pointer: it is not allowed
// without being checked, but refused. Where the ABI has the call by itself
// too, and so a meaning for the conditions, what holds for all arguments or
// for none needs no check.
func subcall(e *seccomp.NameWithConditions, action seccomp.Action, abi *arch.Info) (bool, error) {
	if _, direct := abi.Number(e.Name); !direct && len(e.Conditions) > 0 {
		return !permits(action), nil
	}
	return unchecked(e.Conditions, action, abi, e.Name)
}

// unchecked tells whether an entry matches whose conditions on a call cannot be
// checked.
func unchecked(conditions seccomp.ArgumentConditions, action seccomp.Action, abi *arch.Info, call string) (bool, error) {
	known := true
	for i := range conditions {
		always, never, err := constant(&conditions[i], abi, call)
		if err != nil || never {
			return false, err
		}
		known = known && always
	}
	return known || !permits(action), nil
}

func permits(action seccomp.Action) bool {
	return action == seccomp.ActionAllow || action == seccomp.ActionLog
}

// hidden tells whether the arguments are not where a filter looks for them:
// Linux on m68k shows the number in place of the first, for every call.
func hidden(abi *arch.Info, c Call) bool { return abi.Name == "m68k" && uint32(c.Args[0]) == c.NR }

// goesThrough tells whether c is the multiplexer by which a call can be made.
func goesThrough(abi *arch.Info, name string, c Call) bool {
	via, _, ok := abi.Multiplexed(name)
	return ok && isCall(abi, via, c)
}

func isCall(abi *arch.Info, name string, c Call) bool {
	nr, ok := abi.Number(name)
	return ok && nr == c.NR
}

// isSubcall tells whether c is the named call by way of socketcall or ipc.
func isSubcall(abi *arch.Info, name string, c Call) bool {
	via, sub, ok := abi.Multiplexed(name)
	if !ok || !isCall(abi, via, c) {
		return false
	}
	first := uint32(c.Args[0])
	if via == "ipc" {
		first &= arch.IPCSubcallMask
	}
	return first == sub
}

// parseNumbers reads "1000", "-1" and "512-547".
func parseNumbers(s string) (lo, hi uint32, ok bool) {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return 0, 0, false
	}
	first, last := s, s
	if i := strings.LastIndexByte(s, '-'); i > 0 {
		first, last = s[:i], s[i+1:]
	}
	a, err := strconv.ParseInt(first, 0, 64)
	if err != nil {
		return 0, 0, false
	}
	b, err := strconv.ParseInt(last, 0, 64)
	return uint32(a), uint32(b), err == nil
}
