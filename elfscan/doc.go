// Package elfscan finds the system calls that an executable can make, and
// constant arguments of theirs, by reading it: nothing is run, and neither a
// toolchain nor symbols are needed.
//
//	f, err := os.Open("/usr/local/bin/server")
//	if err != nil {
//		return err
//	}
//	defer f.Close()
//	res, err := elfscan.Scan(ctx, f, &elfscan.Options{Path: f.Name()})
//	if err != nil {
//		return err
//	}
//	policy, notes, err := res.Policy(nil)
//
// # What can be read?
//
// Executables and libraries in ELF for x86_64, i386, aarch64, arm, riscv64,
// ppc64, ppc64le, s390x and loongarch64, on any host: Go from 1.16 on (pure, cgo,
// position independent, stripped), and C, C++ and Rust, static or dynamic with
// glibc or musl. Of a dynamic executable all libraries that ld.so would load
// are read too.
//
// # How complete is the answer?
//
// Every system call instruction that the program can reach either has its
// number found, or is listed in [Result.Unresolved]; none is dropped. Code that
// is loaded or generated while the program runs is not seen: [Result.Loads]
// tells where the program can load some. What it looks up with dlsym(3) by a
// constant name is reachable in all libraries that define it. A number in a
// variable counts as found if all stores to it are seen and its address goes
// nowhere else; Go's packages runtime, syscall, internal/... and x/sys/unix are
// trusted with theirs. Jumps through tables are followed; they, and jumps
// through other pointers, are taken to lead to whatever code of their functions
// nothing else leads to, and to labels whose addresses are taken. Addresses
// that compilers count from those of other variables are followed within a
// function, but not from what ppc64's small code model loads. Tables of
// functions are read from where code refers to them up to where symbols, or in
// stripped files other references, tell that something else starts; references
// of a program's functions that nothing calls do not, if the table seems to go
// on, but those of a library's do. What a call returns that is passed a system
// call's name, as in libseccomp, is taken for its number. On x86_64, int 0x80
// is not looked for, because it enters through the i386 ABI.
//
// # What does it cost?
//
// For CoreDNS 1.15.0, a Go server of 112 MB, 0.48 s of CPU time on a shared AMD
// EPYC that takes 0.6 s for its sha256sum, and 102 MB of memory (/usr/bin/time -v
// seccomp-profiler scan FILE); go tool objdump takes 80 times as long in the same
// run (SECCOMP_SCAN=FILE go test -run '^$' -bench Scan ./elfscan). It depends less
// on the file's size than on how much of the program leads to system calls: only
// that is decoded, up to a limit, beyond which the result is marked partial. Of 360
// damaged libraries and programs none took more than 33 s and 360 MB there
// (SECCOMP_DAMAGED=40 go test -tags tools -v -run TestDamagedFiles ./elfscan).
//
// # Why is this call in the list?
//
// Each [Call] has [Evidence]: the function that supplies the number, where,
// and how the program gets there, and a [Grade].
//
// # What is gated?
//
// A call that cannot happen as the program is: one that needs a field of
// syscall.SysProcAttr that the program never sets, code of Go's own packages
// that only functions enable which the program does not have, a kernel that is
// older than seccomp(2), GODEBUG=efence=1 in the environment, or arguments other
// than the constants that all callers of a Go function pass. So is one that only
// reflection can lead to, by the name of a method of an open file, directory,
// process or socket which no interface of the program has: a program with
// templates contains them all, and is taken not to let its templates call them.
// Other methods, which templates and servers do call by name, are reachable.
// Of glibc: what only a second thread, attributes of threads and of posix_spawn,
// GLOB_TILDE, mkdtemp, or LD_PROFILE in the environment enables. [Result.Policy]
// leaves such calls out.
package elfscan
