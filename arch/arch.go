package arch

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// AuditArch identifies an ABI the way the kernel reports it in the arch field
// of struct seccomp_data: an AUDIT_ARCH_ value of linux/audit.h.
type AuditArch uint32

// String returns the kernel's constant name, such as "AUDIT_ARCH_X86_64", or
// the number in hexadecimal when no ABI of this package has it.
func (a AuditArch) String() string {
	for i := range infos {
		if infos[i].ID == a && infos[i].auditName != "" {
			return "AUDIT_ARCH_" + infos[i].auditName
		}
	}
	return fmt.Sprintf("AuditArch(%#x)", uint32(a))
}

// Info describes one system call ABI. The values are shared: treat them, and
// the maps in them, as read-only.
type Info struct {
	// Name is Linux's name of the ABI, such as "x86_64" or "mips64n32".
	Name string

	// ID is what seccomp_data.arch holds for a call through this ABI. x86_64
	// and x32 share theirs.
	ID AuditArch

	// SyscallNames and SyscallNumbers map names to numbers and back, the
	// numbers without SeccompMask. GetInfo fills them; in an Info that All or
	// Compat returned they are nil unless GetInfo was asked for the same ABI.
	// Number and SyscallName need no maps.
	SyscallNames   map[string]int
	SyscallNumbers map[int]string

	// SeccompMask is set in every number the kernel reports: 0x40000000 on
	// x32, otherwise 0.
	SeccompMask int

	// GOARCH is the Go port that uses the ABI, "" if there is none.
	GOARCH string

	// BigEndian is the byte order of the arguments in seccomp_data.
	BigEndian bool

	// WordBits is the width of an argument register as user space sees it: 32
	// or 64. It is 64 on x32 and mips64n32, whose pointers have 32 bits.
	WordBits int

	// NumberFirst says that seccomp_data.args does not hold the call's arguments
	// where a filter expects them: on m68k, Linux puts the call's number first and
	// the arguments one place later
	// (arch/m68k/include/asm/syscall.h: syscall_get_arguments).
	NumberFirst bool

	auditName string
	aliases   []string
	compat    []string
	since     Version
	table     *abiTable
	maps      sync.Once
}

// abiTable is the generated part of an Info.
type abiTable struct {
	name   string
	index  uint8
	calls  []call   // sorted by number, the kernel's own name of a number first
	byName []uint16 // indexes of calls, sorted by name
}

type call struct {
	nr    uint32
	name  uint16 // index into callNameAt
	proto uint16 // index into protoAt
}

func callName(i uint16) string { return callNameText[callNameAt[i]:callNameAt[i+1]] }

// GetInfo returns the ABI with a name: Linux's (x86_64, aarch64), Go's (amd64,
// arm64) or a usual alias of them (x86-64, armv7l), in any case of letters.
// The empty name is the ABI of the running program.
func GetInfo(name string) (*Info, error) {
	i, err := lookup(name)
	if err != nil {
		return nil, err
	}
	i.maps.Do(i.fillMaps)
	return i, nil
}

func lookup(name string) (*Info, error) {
	key := strings.ToLower(name)
	if key == "" {
		key = runtime.GOARCH
	}
	for n := range infos {
		i := &infos[n]
		if i.Name == key || i.GOARCH == key && key != "" || slices.Contains(i.aliases, key) {
			return i, nil
		}
	}
	var known []string
	for n := range infos {
		known = append(known, infos[n].Name)
		known = append(known, infos[n].aliases...)
		if infos[n].GOARCH != "" {
			known = append(known, infos[n].GOARCH)
		}
	}
	return nil, fmt.Errorf("unknown architecture %q (nearest: %s)", name, strings.Join(nearest(key, known, 3), ", "))
}

// All returns every ABI, sorted by name.
func All() []*Info {
	out := make([]*Info, len(infos))
	for n := range infos {
		out[n] = &infos[n]
	}
	return out
}

// OfCall returns the ABI of a call from the arch and nr fields of its struct
// seccomp_data: the number tells x32 from x86_64. An nr of -1, which a tracer
// sets to skip a call, has the x32 bit but is x86_64's.
func OfCall(id AuditArch, nr uint32) (*Info, bool) {
	var found *Info
	for n := range infos {
		i := &infos[n]
		if i.ID != id {
			continue
		}
		if mask := uint32(i.SeccompMask); mask != 0 && (nr&mask == 0 || nr == 0xffffffff) {
			continue
		}
		if found == nil || i.SeccompMask != 0 {
			found = i
		}
	}
	return found, found != nil
}

// Compat returns the other ABIs that a kernel whose native ABI is i may accept
// system calls through, depending on its configuration.
func (i *Info) Compat() []*Info {
	var out []*Info
	for _, name := range i.compat {
		if c, err := lookup(name); err == nil {
			out = append(out, c)
		}
	}
	return out
}

func (i *Info) fillMaps() {
	i.SyscallNames = make(map[string]int, len(i.table.calls))
	i.SyscallNumbers = make(map[int]string, len(i.table.calls))
	for _, c := range i.table.calls {
		name := callName(c.name)
		i.SyscallNames[name] = int(c.nr)
		if _, ok := i.SyscallNumbers[int(c.nr)]; !ok {
			i.SyscallNumbers[int(c.nr)] = name
		}
	}
}

// find returns the entry of a name.
func (i *Info) find(name string) (*call, bool) {
	at, ok := slices.BinarySearchFunc(i.table.byName, name, func(c uint16, name string) int {
		return strings.Compare(callName(i.table.calls[c].name), name)
	})
	if !ok {
		return nil, false
	}
	return &i.table.calls[i.table.byName[at]], true
}

// Number returns the number of a system call as seccomp_data.nr holds it, the
// x32 bit included.
func (i *Info) Number(name string) (uint32, bool) {
	c, ok := i.find(name)
	if !ok {
		return 0, false
	}
	return c.nr | uint32(i.SeccompMask), true
}

// SyscallName returns the name of the system call that seccomp_data.nr means on
// this ABI. Where a number has several names it is that of the kernel's table.
func (i *Info) SyscallName(nr uint32) (string, bool) {
	mask := uint32(i.SeccompMask)
	if nr&mask != mask {
		return "", false
	}
	nr &^= mask
	at, ok := slices.BinarySearchFunc(i.table.calls, nr, func(c call, nr uint32) int {
		switch {
		case c.nr < nr:
			return -1
		case c.nr > nr:
			return 1
		}
		return 0
	})
	if !ok {
		return "", false
	}
	return callName(i.table.calls[at].name), true
}

// Known reports whether some ABI has a system call of the name.
func Known(name string) bool {
	_, ok := nameIndex(name)
	return ok
}

func nameIndex(name string) (int, bool) {
	return searchNames(callNameText, callNameAt[:], name)
}
