package explain

import (
	"slices"
	"sync"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/symbols"
)

// A number is a call of an ABI as seccomp_data.nr holds it.
type number struct {
	nr   uint32
	name string
}

var callTables sync.Map // ABI name to []number

// calls lists the calls of an ABI by number.
func calls(abi *arch.Info) []number {
	if known, ok := callTables.Load(abi.Name); ok {
		return known.([]number)
	}
	info, err := arch.GetInfo(abi.Name) // with its table of numbers
	if err != nil {
		return nil
	}
	list := make([]number, 0, len(info.SyscallNumbers))
	for nr, name := range info.SyscallNumbers {
		list = append(list, number{uint32(nr) | uint32(info.SeccompMask), name})
	}
	slices.SortFunc(list, func(a, b number) int {
		if a.nr < b.nr {
			return -1
		}
		return 1
	})
	callTables.Store(abi.Name, list)
	return list
}

var namers sync.Map // ABI name to *symbols.Namer

// Symbols names values on an ABI.
func Symbols(abi *arch.Info) *symbols.Namer {
	if n, ok := namers.Load(abi.Name); ok {
		return n.(*symbols.Namer)
	}
	n, _ := namers.LoadOrStore(abi.Name, symbols.For(abi))
	return n.(*symbols.Namer)
}

// kinds tells the kinds of a call's arguments.
func kinds(abi *arch.Info, call string) kinder {
	return func(arg int) symbols.Kind {
		if arg == ArgIP {
			return symbols.Plain
		}
		return Symbols(abi).Kind(call, arg)
	}
}
