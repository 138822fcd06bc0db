package main

// An abi says where the generator finds the facts of one system call ABI.
type abi struct {
	name      string // Linux's name
	archDir   string // directory under arch/ in the kernel source
	table     string // syscall.tbl, relative to the kernel source
	tableABIs string // values of the table's second column that belong to it
	base      int    // added to the table's numbers
	bits      int    // of a register
	bigEndian bool
	pairs     bool   // 64-bit values in an even register pair (32-bit ABIs)
	goarch    string // x/sys port with the numbers, "" if there is none
	constants string // x/sys port with the constants
	sibling   bool   // the constants port is a relative: size-encoded values are left out
	same      string // ABI with the same table, differing in byte order only
	headers   bool   // constants and errors are those of the kernel's headers
	plain     bool   // entry points are also plain functions in the architecture's sources
}

// abis lists every ABI. The order is that of the generated tables.
var abis = []abi{
	{name: "aarch64", archDir: "arm64", table: "arch/arm64/tools/syscall_64.tbl", tableABIs: "common 64 renameat rlimit memfd_secret", bits: 64, goarch: "arm64"},
	{name: "arm", archDir: "arm", table: "arch/arm/tools/syscall.tbl", tableABIs: "common eabi", bits: 32, pairs: true, goarch: "arm"},
	{name: "i386", archDir: "x86", table: "arch/x86/entry/syscalls/syscall_32.tbl", tableABIs: "i386", bits: 32, goarch: "386"},
	{name: "loongarch64", archDir: "loongarch", table: "scripts/syscall.tbl", tableABIs: "common 64 memfd_secret", bits: 64, goarch: "loong64"},
	{name: "m68k", archDir: "m68k", table: "arch/m68k/kernel/syscalls/syscall.tbl", tableABIs: "common", bits: 32, bigEndian: true, headers: true, plain: true},
	{name: "mips", archDir: "mips", table: "arch/mips/kernel/syscalls/syscall_o32.tbl", tableABIs: "o32", base: 4000, bits: 32, bigEndian: true, pairs: true, goarch: "mips"},
	{name: "mips64", archDir: "mips", table: "arch/mips/kernel/syscalls/syscall_n64.tbl", tableABIs: "common n64", base: 5000, bits: 64, bigEndian: true, goarch: "mips64"},
	{name: "mips64n32", archDir: "mips", table: "arch/mips/kernel/syscalls/syscall_n32.tbl", tableABIs: "n32", base: 6000, bits: 64, bigEndian: true, constants: "mips64", sibling: true},
	{name: "mipsel", archDir: "mips", table: "arch/mips/kernel/syscalls/syscall_o32.tbl", tableABIs: "o32", base: 4000, bits: 32, pairs: true, goarch: "mipsle"},
	{name: "mipsel64", same: "mips64", bits: 64, archDir: "mips", goarch: "mips64le"},
	{name: "mipsel64n32", same: "mips64n32", bits: 64, archDir: "mips", constants: "mips64le", sibling: true},
	{name: "parisc", archDir: "parisc", table: "arch/parisc/kernel/syscalls/syscall.tbl", tableABIs: "common 32", bits: 32, bigEndian: true, pairs: true, headers: true, plain: true},
	{name: "parisc64", archDir: "parisc", table: "arch/parisc/kernel/syscalls/syscall.tbl", tableABIs: "common 64", bits: 64, bigEndian: true, headers: true, plain: true},
	{name: "ppc", archDir: "powerpc", table: "arch/powerpc/kernel/syscalls/syscall.tbl", tableABIs: "common nospu 32", bits: 32, bigEndian: true, pairs: true, goarch: "ppc"},
	{name: "ppc64", archDir: "powerpc", table: "arch/powerpc/kernel/syscalls/syscall.tbl", tableABIs: "common nospu 64", bits: 64, bigEndian: true, goarch: "ppc64"},
	{name: "ppc64le", same: "ppc64", bits: 64, archDir: "powerpc", goarch: "ppc64le"},
	{name: "riscv32", archDir: "riscv", table: "scripts/syscall.tbl", tableABIs: "common 32 riscv memfd_secret", bits: 32, constants: "riscv64", sibling: true},
	{name: "riscv64", archDir: "riscv", table: "scripts/syscall.tbl", tableABIs: "common 64 riscv rlimit memfd_secret", bits: 64, goarch: "riscv64"},
	{name: "s390", archDir: "s390", bits: 32, bigEndian: true, constants: "s390x", sibling: true},
	{name: "s390x", archDir: "s390", table: "arch/s390/kernel/syscalls/syscall.tbl", tableABIs: "common 64", bits: 64, bigEndian: true, goarch: "s390x"},
	{name: "sh", archDir: "sh", table: "arch/sh/kernel/syscalls/syscall.tbl", tableABIs: "common", bits: 32, headers: true, plain: true},
	{name: "sheb", archDir: "sh", table: "arch/sh/kernel/syscalls/syscall.tbl", tableABIs: "common", bits: 32, bigEndian: true, headers: true, plain: true},
	{name: "sparc", archDir: "sparc", table: "arch/sparc/kernel/syscalls/syscall.tbl", tableABIs: "common 32", bits: 32, bigEndian: true, constants: "sparc64", sibling: true},
	{name: "sparc64", archDir: "sparc", table: "arch/sparc/kernel/syscalls/syscall.tbl", tableABIs: "common 64", bits: 64, bigEndian: true, goarch: "sparc64"},
	{name: "x32", archDir: "x86", table: "arch/x86/entry/syscalls/syscall_64.tbl", tableABIs: "common x32", bits: 64, constants: "amd64", sibling: true},
	{name: "x86_64", archDir: "x86", table: "arch/x86/entry/syscalls/syscall_64.tbl", tableABIs: "common 64", bits: 64, goarch: "amd64"},
}
