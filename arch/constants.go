package arch

import (
	"slices"
	"strings"
)

// ConstKind says how a constant is combined with others.
type ConstKind int

const (
	Enum ConstKind = iota // one of several values: AF_INET, F_DUPFD, an ioctl request
	Flag                  // bits to be ORed: CLONE_NEWUSER, O_CREAT, PROT_EXEC
)

func (k ConstKind) String() string {
	if k == Flag {
		return "flag"
	}
	return "enum"
}

// A difference is the value of a name on one ABI, where it is not the common
// one, or the absence of the name.
type difference struct {
	name    uint16
	present bool
	value   uint64
}

// Constant returns the value that a name of the kernel's headers has on this
// ABI: AF_INET, CLONE_NEWUSER, O_NOFOLLOW, TIOCSTI. Negative values, such as
// AT_FDCWD, are the 64-bit two's complement.
//
// On x32, mips64n32, riscv32, s390 and sparc, whose constants are those of a
// relative, names whose value depends on the size of a structure (many ioctl
// requests, F_SETLK and its kind) are not known. On m68k, parisc, parisc64, sh
// and sheb the constants are those that the kernel's headers define plainly.
func (i *Info) Constant(name string) (value uint64, kind ConstKind, ok bool) {
	n, ok := searchNames(constNameText, constNameAt[:], name)
	if !ok {
		return 0, Enum, false
	}
	value, ok = i.constant(n)
	if !ok {
		return 0, Enum, false
	}
	if constFlags[n/8]>>(n%8)&1 == 1 {
		kind = Flag
	}
	return value, kind, true
}

// ConstantNames returns, sorted, the constants of this ABI whose names start
// with a prefix.
func (i *Info) ConstantNames(prefix string) []string {
	var out []string
	start, _ := searchNames(constNameText, constNameAt[:], prefix)
	for n := start; n < len(constNameAt)-1; n++ {
		name := constNameText[constNameAt[n]:constNameAt[n+1]]
		if !strings.HasPrefix(name, prefix) {
			break
		}
		if _, ok := i.constant(n); ok {
			out = append(out, name)
		}
	}
	return out
}

// Errno returns the number of an error name, such as ENOSYS: 38, and 89 on MIPS.
func (i *Info) Errno(name string) (uint16, bool) {
	n, ok := searchNames(errnoNameText, errnoNameAt[:], name)
	if !ok {
		return 0, false
	}
	v, ok := i.errno(n)
	return uint16(v), ok
}

// secondErrnoNames are other names of errors: ErrnoName prefers the first.
var secondErrnoNames = [...]string{"ECANCELLED", "EDEADLOCK", "EFSBADCRC", "EFSCORRUPTED", "ENOTSUP", "EREFUSED", "EWOULDBLOCK"}

// ErrnoName returns the name of an error number.
func (i *Info) ErrnoName(errno uint16) (string, bool) {
	second := ""
	for n := range len(errnoNameAt) - 1 {
		v, ok := i.errno(n)
		if !ok || v != uint64(errno) {
			continue
		}
		name := errnoNameText[errnoNameAt[n]:errnoNameAt[n+1]]
		if !slices.Contains(secondErrnoNames[:], name) {
			return name, true
		}
		second = name
	}
	return second, second != ""
}

func (i *Info) constant(name int) (uint64, bool) {
	return valueOf(name, constNameCommon[:], constNameDiffer[constNameOf[i.index()]])
}

func (i *Info) errno(name int) (uint64, bool) {
	return valueOf(name, errnoNameCommon[:], errnoNameDiffer[errnoNameOf[i.index()]])
}

// valueOf looks a name up among what differs on an ABI, then in the common values.
func valueOf(name int, common []uint64, own []difference) (uint64, bool) {
	at, ok := slices.BinarySearchFunc(own, name, func(d difference, name int) int { return int(d.name) - name })
	if ok {
		return own[at].value, own[at].present
	}
	return common[name], true
}

// index is the position of the ABI in the generated tables.
func (i *Info) index() int { return int(i.table.index) }

// searchNames finds a name in a sorted table of names, or where it would be.
func searchNames(text string, at []uint32, name string) (int, bool) {
	lo, hi := 0, len(at)-1
	for lo < hi {
		mid := (lo + hi) / 2
		if text[at[mid]:at[mid+1]] < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(at)-1 && text[at[lo]:at[lo+1]] == name
}
