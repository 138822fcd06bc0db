// Package tinyelf makes executables of a few instructions for tests.
package tinyelf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// Base is where the code starts.
const Base = 0x400000 + headers

const headers = 0x1000

// Make returns a static executable for a machine that consists of code alone,
// and starts at its beginning.
func Make(m elf.Machine, class elf.Class, order binary.ByteOrder, code []byte) []byte {
	var b bytes.Buffer
	ident := [16]byte{0x7f, 'E', 'L', 'F', byte(class), byte(elf.ELFDATA2LSB), 1}
	if order == binary.BigEndian {
		ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	write := func(v any) { _ = binary.Write(&b, order, v) } // a bytes.Buffer does not fail
	size := uint64(len(code))
	if class == elf.ELFCLASS64 {
		write(elf.Header64{Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(m), Version: 1, Entry: Base,
			Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64})
		write(elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Off: headers, Vaddr: Base, Paddr: Base,
			Filesz: size, Memsz: size, Align: headers})
	} else {
		write(elf.Header32{Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(m), Version: 1, Entry: Base,
			Phoff: 52, Ehsize: 52, Phentsize: 32, Phnum: 1, Shentsize: 40})
		write(elf.Prog32{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Off: headers, Vaddr: Base, Paddr: Base,
			Filesz: uint32(size), Memsz: uint32(size), Align: headers})
	}
	b.Write(make([]byte, headers-b.Len()))
	b.Write(code)
	return b.Bytes()
}
