package oracle_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/oracle"
)

// A generator makes policies and the calls that are most likely to tell a
// wrong program from a right one.
type generator struct {
	*rand.Rand
	machine *arch.Info
	action  func() seccomp.Action

	policy *seccomp.Policy
	abis   []*arch.Info // that calls come through
	calls  []string     // the names in use
	values []uint64     // the values conditions compare with
}

// edges are where widths, signs and halves begin and end.
var edges = []uint64{0, 1, 2, 0x7f, 0xff, 0xffff, 0x8000, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 2, 1<<32 - 1, 1 << 32, 1<<32 + 1,
	1<<33 - 1, 1<<63 - 1, 1 << 63, 1<<63 + 1, ^uint64(0) - 1, ^uint64(0), 0xffffffff00000000, 0xfffffffeffffffff, 0x5555555555555555}

var symbols = []string{"-1", "-100", "AT_FDCWD", "AF_INET", "AF_INET|AF_UNIX", "CLONE_NEWUSER", "CLONE_NEWUSER|CLONE_NEWNS", "O_CREAT", "0x10", "SOCK_STREAM"}

// favourites have what is special: multiplexed, modes of 16 bits, signed
// arguments, many arguments, pointers, numbers that not all ABIs have.
var favourites = []string{"socket", "connect", "accept4", "semget", "semop", "shmat", "shmctl", "msgsnd", "chmod", "fchmodat", "mkdir", "openat",
	"open", "read", "write", "mmap", "mmap2", "clone", "clone3", "ioctl", "fcntl", "prctl", "ptrace", "execve", "lseek", "kill", "futex", "getpid",
	"openat2", "socketcall", "ipc", "rt_sigaction", "process_vm_readv", "sendmsg", "mprotect", "personality", "unshare", "setns", "bpf", "landlock_restrict_self"}

func pick[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// value is one that stands out, or near one in use.
func (g *generator) value() uint64 {
	v := pick(g, edges)
	switch g.IntN(5) {
	case 0:
		v = g.Uint64() >> g.IntN(64)
	case 1:
		v = g.Uint64N(8)
	case 2:
		if len(g.values) > 0 {
			v = pick(g, g.values)
		}
	}
	return v
}

// near changes a value by as little as may change what a condition says.
func (g *generator) near(v uint64) uint64 {
	switch g.IntN(8) {
	case 0:
		return v + 1
	case 1:
		return v - 1
	case 2:
		return v ^ 1<<g.IntN(64)
	case 3:
		return v ^ 1<<g.IntN(32)
	case 4:
		return v&(1<<32-1) | g.value()<<32
	case 5:
		return v&^(1<<32-1) | g.value()&(1<<32-1)
	}
	return v
}

// next sets a new policy.
func (g *generator) next() *seccomp.Policy {
	p := &seccomp.Policy{DefaultAction: g.action()}
	g.policy, g.calls, g.values = p, nil, nil
	g.abis = append([]*arch.Info{g.machine}, g.machine.Compat()...)
	if g.chance(60) {
		for _, abi := range g.abis {
			if g.chance(60) {
				p.ABIs = append(p.ABIs, abi.Name)
			}
		}
	} else if g.chance(50) {
		p.ABIs = []string{"compat", "native"}
	}
	if slices.Contains(p.ABIs, "x32") && !slices.Contains(p.ABIs, "x86_64") {
		// Not decided here: what numbers mean that x32 alone does not have.
		p.ABIs = append(p.ABIs, "x86_64")
	}
	if g.chance(50) {
		p.BadArchAction = g.action()
	}
	if g.chance(10) {
		p.Kernel = pick(g, []string{"5.10", "5.15", "6.1", "6.12"})
	}
	for range 1 + g.IntN(6) {
		g.calls = append(g.calls, g.call())
	}
	for range 1 + g.IntN(6) {
		g.values = append(g.values, g.value())
	}
	for range 1 + g.IntN(5) {
		p.Syscalls = append(p.Syscalls, g.group())
	}
	return p
}

func (g *generator) call() string {
	if g.chance(85) {
		return pick(g, favourites)
	}
	for {
		if name, ok := pick(g, g.abis).SyscallName(g.Uint32N(480)); ok {
			return name
		}
		if g.chance(10) {
			return "read"
		}
	}
}

func (g *generator) group() seccomp.SyscallGroup {
	s := seccomp.SyscallGroup{Action: g.action()}
	if g.chance(15) {
		s.ABIs = g.someABIs()
	}
	for range g.IntN(3) {
		switch g.IntN(12) {
		case 2:
			lo := g.number()
			hi := max(lo, min(g.number(), lo+g.Uint32N(1<<g.IntN(31)+1)))
			s.Names = append(s.Names, fmt.Sprintf("%d-%#x", lo, hi))
		case 0:
			s.Names = append(s.Names, strconv.FormatUint(uint64(g.number()), 10))
		case 1:
			s.Names = append(s.Names, pick(g, []string{"@go-runtime", "@keyring", "@mount", "@process", "@raw-io"}))
		default:
			s.Names = append(s.Names, pick(g, g.calls))
		}
	}
	for range g.IntN(5) {
		s.NamesWithConditions = append(s.NamesWithConditions, g.entry())
	}
	if len(s.Names)+len(s.NamesWithConditions) == 0 {
		s.Names = []string{g.calls[0]}
	}
	return s
}

// someABIs is some of the ABIs that the policy covers.
func (g *generator) someABIs() []string {
	covered := g.policy.ABIs
	if len(covered) == 0 || covered[0] == "compat" {
		return []string{"native"}
	}
	return covered[g.IntN(len(covered)):]
}

func (g *generator) entry() seccomp.NameWithConditions {
	e := seccomp.NameWithConditions{Name: pick(g, g.calls)}
	first := g.IntN(6)
	for range 1 + g.IntN(4) {
		c := g.condition(e.Name)
		if g.chance(40) && c.Name == "" {
			c.Argument = uint32(first) // several on one argument, such as ranges
		}
		e.Conditions = append(e.Conditions, c)
	}
	if g.chance(8) {
		e.Name = strconv.FormatUint(uint64(g.number()), 10)
		for i := range e.Conditions {
			e.Conditions[i].Name = ""
		}
	}
	return e
}

func (g *generator) condition(call string) seccomp.Condition {
	c := seccomp.Condition{Argument: g.Uint32N(6), Operation: pick(g, seccomp.Operations)}
	c.Width = pick(g, []seccomp.Width{0, 0, seccomp.Width32, seccomp.Width64})
	if g.chance(10) {
		g.nameArgument(&c, call)
	}
	value := func() uint64 {
		if g.chance(70) {
			return g.near(pick(g, g.values))
		}
		return g.value()
	}
	switch c.Operation {
	case seccomp.In, seccomp.NotIn:
		for range 1 + g.IntN(5) {
			c.Values = append(c.Values, value())
		}
		if g.chance(10) {
			c.Symbols = []string{pick(g, symbols)}
		}
		return c
	case seccomp.MaskedEqual, seccomp.MaskedNotEqual:
		c.Mask = value() | 1<<g.IntN(64)
	}
	c.Value = value()
	if g.chance(10) {
		c.Value, c.Symbol = 0, pick(g, symbols)
		if c.Symbol == "AF_INET|AF_UNIX" {
			c.Operation, c.Mask = seccomp.NotEqual, 0
		}
	}
	return c
}

// nameArgument replaces a position by a name where all ABIs have it.
func (g *generator) nameArgument(c *seccomp.Condition, call string) {
	params, _ := g.machine.Params(call)
	if len(params) == 0 {
		return
	}
	name := pick(g, params).Name
	for _, abi := range g.abis {
		if _, has := abi.Number(call); !has {
			if _, _, multiplexed := abi.Multiplexed(call); multiplexed {
				return // it has no prototype there
			}
			continue
		}
		found := 0
		others, _ := abi.Params(call)
		for _, p := range others {
			if p.Name == name {
				found++
			}
		}
		if found != 1 {
			return
		}
	}
	c.Argument, c.Name = 0, name
}

// number is a syscall number at the edge of something.
func (g *generator) number() uint32 {
	switch g.IntN(6) {
	case 0:
		return pick(g, []uint32{0, 1, 511, 512, 513, 547, 548, 1<<30 - 1, 1 << 30, 1<<30 + 1, 1<<30 + 512, 1<<31 - 1, 1 << 31, 3 << 30, 1<<32 - 2, 1<<32 - 1})
	case 1:
		return 512 + g.Uint32N(40)
	case 2:
		return g.Uint32()
	case 3:
		return g.Uint32N(600) | 1<<30
	}
	return g.Uint32N(600)
}

// someCall is one that the policy may have something to say about.
func (g *generator) someCall() oracle.Call {
	abi := pick(g, g.abis)
	c := oracle.Call{Arch: uint32(abi.ID), NR: g.number()}
	for i := range c.Args {
		c.Args[i] = g.near(g.value())
	}
	if g.chance(2) {
		c.Arch ^= 1 << g.IntN(32)
	}
	if g.chance(10) {
		return c
	}
	name := pick(g, g.calls)
	s := &g.policy.Syscalls[g.IntN(len(g.policy.Syscalls))]
	var aim *seccomp.NameWithConditions
	switch {
	case len(s.NamesWithConditions) > 0 && g.chance(80):
		aim = &s.NamesWithConditions[g.IntN(len(s.NamesWithConditions))]
		name = aim.Name
	case len(s.Names) > 0:
		name = pick(g, s.Names)
	}
	if lo, hi, isRange := strings.Cut(name, "-"); isRange {
		a, _ := strconv.ParseUint(lo, 0, 32)
		b, _ := strconv.ParseUint(hi, 0, 32)
		c.NR = uint32(pick(g, []uint64{a, b, a - 1, b + 1, (a + b) / 2}))
	} else if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		c.NR = uint32(n)
	} else if nr, ok := abi.Number(name); ok {
		c.NR = nr
	}
	if via, sub, ok := abi.Multiplexed(name); ok && g.chance(30) {
		c.NR, _ = abi.Number(via)
		c.Args[0] = uint64(sub) ^ g.Uint64N(3)*(1<<g.IntN(64))
	}
	if aim != nil {
		g.aimAt(&c, aim)
	}
	if abi.NumberFirst && g.chance(60) { // as the kernel shows it
		copy(c.Args[1:], c.Args[:])
		c.Args[0] = uint64(c.NR)
	}
	if abi.WordBits == 32 && g.chance(95) {
		for i := range c.Args {
			c.Args[i] &= 1<<32 - 1
		}
	}
	return c
}

// aimAt gives arguments values next to those an entry compares them with.
func (g *generator) aimAt(c *oracle.Call, e *seccomp.NameWithConditions) {
	for i := range e.Conditions {
		k := &e.Conditions[i]
		index := k.Argument
		if k.Name != "" {
			params, _ := g.machine.Params(e.Name)
			for n, p := range params {
				if p.Name == k.Name {
					index = uint32(n)
				}
			}
		}
		v := k.Value
		switch {
		case len(k.Values) > 0:
			v = pick(g, k.Values)
		case k.Mask != 0:
			v = k.Value&k.Mask | g.value()&^k.Mask
		}
		switch {
		case g.chance(60):
		case g.chance(30):
			v = ^v
		default:
			v = g.near(v)
		}
		c.Args[index] = v
	}
}
