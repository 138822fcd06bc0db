package explain

import (
	"fmt"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// abiOfCall is the ABI of a call, nil when none is known.
func abiOfCall(id, nr uint32) *arch.Info {
	if abi, ok := arch.OfCall(arch.AuditArch(id), nr); ok {
		return abi
	}
	return nil
}

// TextOrder tells whether the text of a program is for a big-endian machine:
// order, "little" or "big", says so, else the text's first line, else otherwise.
func TextOrder(text, order string, otherwise bool) (bool, error) {
	switch order {
	case "little":
		return false, nil
	case "big":
		return true, nil
	case "":
	default:
		return false, fmt.Errorf("%q: want little or big", order)
	}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[0] == ".endian" {
			return fields[1] == "big", nil
		}
	}
	return otherwise, nil
}

// AssemblySymbol looks up names in the text of a program: system calls of an
// ABI, constants and AUDIT_ARCH names.
func AssemblySymbol(abi *arch.Info) func(string) (uint32, bool) {
	return func(name string) (uint32, bool) {
		if nr, ok := abi.Number(name); ok {
			return nr, true
		}
		if v, _, ok := abi.Constant(name); ok {
			return uint32(v), true
		}
		for _, other := range arch.All() {
			if other.ID.String() == name || other.Name == name {
				return uint32(other.ID), true
			}
		}
		return 0, false
	}
}

// DisassemblySymbols names what a disassembly shows. Assume, when not nil, is
// the ABI where a program does not check it.
func DisassemblySymbols(assume *arch.Info) cbpf.Symbols {
	s := cbpf.Symbols{
		Arch: func(id uint32) string {
			if abi := abiOfCall(id, 0); abi != nil {
				return abi.Name
			}
			return ""
		},
		Syscall: func(id, nr uint32) string {
			name, _ := callName(id, nr)
			return name
		},
		Argument: func(id, nr uint32, index int) string {
			name, abi := callName(id, nr)
			if abi == nil {
				return ""
			}
			return param(abi, name, index).Name
		},
		Value: func(id, nr uint32, index int, high bool, value uint32) string {
			name, abi := callName(id, nr)
			if abi == nil || high {
				return ""
			}
			text, _ := Symbols(abi).Name(name, index, uint64(value), 32)
			return text
		},
		Errno: func(id uint32, errno uint16) string {
			abi := abiOfCall(id, 0)
			if abi == nil {
				if abi = assume; abi == nil {
					return ""
				}
			}
			name, _ := abi.ErrnoName(errno)
			return name
		},
	}
	if assume != nil {
		s.AssumeArch = uint32(assume.ID)
	}
	return s
}

func callName(id, nr uint32) (string, *arch.Info) {
	abi := abiOfCall(id, nr)
	if abi == nil {
		return "", nil
	}
	name, ok := abi.SyscallName(nr)
	if !ok {
		return "", nil
	}
	return name, abi
}
