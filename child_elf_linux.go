package seccomp

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"runtime"
	"unsafe"
)

// elfMachines has e_machine and e_flags of the ABIs that Go has. The flags
// matter where a kernel runs several ABIs of one machine: MIPS (o32 has
// 0x1000) and ppc64 (2 says that the entry point is no function descriptor).
var elfMachines = map[string]struct {
	machine elf.Machine
	flags   uint32
}{
	"386":      {elf.EM_386, 0},
	"amd64":    {elf.EM_X86_64, 0},
	"arm":      {elf.EM_ARM, 0x05000000},
	"arm64":    {elf.EM_AARCH64, 0},
	"loong64":  {elf.EM_LOONGARCH, 0x43},
	"mips":     {elf.EM_MIPS, 0x50001000},
	"mipsle":   {elf.EM_MIPS, 0x50001000},
	"mips64":   {elf.EM_MIPS, 0x60000000},
	"mips64le": {elf.EM_MIPS, 0x60000000},
	"ppc64":    {elf.EM_PPC64, 2},
	"ppc64le":  {elf.EM_PPC64, 2},
	"riscv64":  {elf.EM_RISCV, 0x4},
	"s390x":    {elf.EM_S390, 0},
}

// image is an executable file with the code at codeAddress and the data,
// writable, at tableAddress.
func image(code, data []byte) ([]byte, error) {
	m, ok := elfMachines[runtime.GOARCH]
	if !ok {
		return nil, fmt.Errorf("internal error: no executable format for %s; please report this", runtime.GOARCH)
	}
	class, order := elf.ELFCLASS64, elf.ELFDATA2LSB
	if wordSize == 4 {
		class = elf.ELFCLASS32
	}
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		order = elf.ELFDATA2MSB
	}
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(class), byte(order), byte(elf.EV_CURRENT)}
	const codeOffset = 0x100 // after the headers
	segments := []elf.Prog64{
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: codeAddress, Paddr: codeAddress,
			Filesz: codeOffset + uint64(len(code)), Memsz: codeOffset + uint64(len(code)), Align: largestPage},
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: largestPage, Vaddr: tableAddress, Paddr: tableAddress,
			Filesz: uint64(len(data)), Memsz: uint64(len(data)), Align: largestPage},
		{Type: uint32(elf.PT_GNU_STACK), Flags: uint32(elf.PF_R | elf.PF_W), Align: 16},
	}
	var out bytes.Buffer
	write := func(v any) { _ = binary.Write(&out, binary.NativeEndian, v) } // to memory: cannot fail
	if class == elf.ELFCLASS64 {
		write(&elf.Header64{Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(m.machine), Version: uint32(elf.EV_CURRENT),
			Entry: codeAddress + codeOffset, Phoff: uint64(unsafe.Sizeof(elf.Header64{})), Flags: m.flags,
			Ehsize: uint16(unsafe.Sizeof(elf.Header64{})), Phentsize: uint16(unsafe.Sizeof(elf.Prog64{})), Phnum: uint16(len(segments))})
		write(segments)
	} else {
		write(&elf.Header32{Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(m.machine), Version: uint32(elf.EV_CURRENT),
			Entry: codeAddress + codeOffset, Phoff: uint32(unsafe.Sizeof(elf.Header32{})), Flags: m.flags,
			Ehsize: uint16(unsafe.Sizeof(elf.Header32{})), Phentsize: uint16(unsafe.Sizeof(elf.Prog32{})), Phnum: uint16(len(segments))})
		for _, s := range segments {
			write(&elf.Prog32{Type: s.Type, Off: uint32(s.Off), Vaddr: uint32(s.Vaddr), Paddr: uint32(s.Paddr),
				Filesz: uint32(s.Filesz), Memsz: uint32(s.Memsz), Flags: s.Flags, Align: uint32(s.Align)})
		}
	}
	file := make([]byte, largestPage+len(data))
	copy(file, out.Bytes())
	copy(file[codeOffset:], code)
	copy(file[largestPage:], data)
	return file, nil
}
