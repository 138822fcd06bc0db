// Package arch knows the system call ABIs of Linux: their numbers, the
// parameters of each call, the kernel release each call came with, and the
// constants and errors that programs name in its arguments and results.
//
//	info, err := arch.GetInfo("") // the ABI of this program
//	if err != nil {
//		return err
//	}
//	nr, ok := info.Number("openat")     // 257 on x86_64
//	params, ok := info.Params("openat") // dfd, filename, flags, mode
//	since, ok := arch.Since("openat2")  // 5.6
//
// # Which ABIs?
//
// Those of Go's Linux ports in 32 and 64 bits, and those the same kernels also
// run: x32, mips n32 in both byte orders, ppc, riscv32, s390, sparc and
// sparc64; and m68k, parisc, parisc64, sh and sheb. All lists them. A process may enter the kernel through any ABI that
// Compat lists, whatever it was compiled for; a filter has to expect each.
//
// # Where do the tables come from?
//
// From golang.org/x/sys at the version in go.mod (numbers, constants, errnos),
// and the facts files in internal/gen/data, which were extracted from Debian's
// kernel source package (prototypes, and for the ABIs x/sys has not also
// numbers, constants and errnos), the history of x/sys and the syscalls(2) page
// (releases). Every file says so at its top.
//
// A new kernel arrives with x/sys, usually within weeks of its release:
//
//	go get -u golang.org/x/sys && go generate ./...
//
// Calls that are new in it have no parameters yet, and their release is the
// one x/sys names. To refresh the facts too, on a Debian machine (apt-get,
// dpkg-deb, tar, xz; 170 MB are downloaded):
//
//	go run ./arch/internal/gen -fetch
//
// # How exact is a parameter's width?
//
// Param.Bits follows the prototype of the entry point the ABI's table names.
// The kernel converts a register to the declared type before it does anything
// else, so an int is its low 32 bits. A parameter declared unsigned long is 64
// bits here, also where the kernel's code then uses the low half only, as
// clone does with its flags (kernel/fork.c: lower_32_bits).
package arch

//go:generate go run ./internal/gen
