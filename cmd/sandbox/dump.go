package main

import (
	"fmt"
	"io"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// dump prints the program as text from which cbpf.Assemble makes it again.
func dump(w io.Writer, c *seccomp.Compiled) error {
	text := cbpf.Disassemble(c.Raw(), cbpf.DisassembleOptions{
		BigEndian: c.ByteOrder().String() == "BigEndian",
		Symbols:   symbols(c.ABIs()),
	})
	_, err := fmt.Fprint(w, text)
	return err
}

// symbols names the parts of calls through the ABIs.
func symbols(abis []*arch.Info) cbpf.Symbols {
	// of finds the ABI of a number: x86_64 and x32 share an audit architecture.
	of := func(id, nr uint32) *arch.Info {
		for _, abi := range abis {
			if uint32(abi.ID) == id && nr&uint32(abi.SeccompMask) == uint32(abi.SeccompMask) {
				return abi
			}
		}
		return nil
	}
	return cbpf.Symbols{
		Arch: func(id uint32) string {
			for _, abi := range arch.All() {
				if uint32(abi.ID) == id && abi.SeccompMask == 0 {
					return abi.Name
				}
			}
			return ""
		},
		Syscall: func(id, nr uint32) string {
			if abi := of(id, nr); abi != nil {
				name, _ := abi.SyscallName(nr)
				return name
			}
			return ""
		},
		Argument: func(id, nr uint32, index int) string {
			abi := of(id, nr)
			if abi == nil {
				return ""
			}
			name, _ := abi.SyscallName(nr)
			if params, ok := abi.Params(name); ok && index < len(params) {
				return params[index].Name
			}
			return ""
		},
		Errno: func(id uint32, errno uint16) string {
			for _, abi := range abis {
				if id == 0 || uint32(abi.ID) == id {
					name, _ := abi.ErrnoName(errno)
					return name
				}
			}
			return ""
		},
	}
}
