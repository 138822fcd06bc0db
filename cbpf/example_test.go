package cbpf_test

import (
	"fmt"

	"github.com/elastic/go-seccomp-bpf/cbpf"
)

func ExampleProgram_Run() {
	p, err := cbpf.Assemble(`
		ld   nr
		jeq  #59, refuse
		ret  allow
	refuse:
		ret  errno(1)
	`, cbpf.AssembleOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, nr := range []uint32{1, 59} {
		call := cbpf.Data{NR: nr, Arch: 0xc000003e}
		words := call.Words(false)
		ret, executed := p.Run(&words)
		fmt.Printf("%d: %s after %d instructions\n", nr, cbpf.ReturnString(ret), executed)
	}
	// Output:
	// 1: allow after 3 instructions
	// 59: errno(1) after 3 instructions
}

func ExampleProgram_Validate() {
	p := cbpf.Program{{Op: 0x20, K: 2}, {Op: 0x06, K: cbpf.RetAllow}}
	fmt.Println(p.Validate())
	// Output:
	// invalid BPF program: instruction 0 (ld [2]): the offset 2 is not a multiple of 4
}

func ExampleDisassemble() {
	p := cbpf.Program{
		{Op: 0x20, K: 4},
		{Op: 0x15, Jf: 3, K: 0xc000003e},
		{Op: 0x20, K: 0},
		{Op: 0x15, Jt: 1, K: 59},
		{Op: 0x06, K: cbpf.RetAllow},
		{Op: 0x06, K: cbpf.RetErrno | 1},
	}
	names := cbpf.Symbols{
		Arch:    func(arch uint32) string { return map[uint32]string{0xc000003e: "x86_64"}[arch] },
		Syscall: func(arch, nr uint32) string { return map[uint32]string{59: "execve"}[nr] },
	}
	fmt.Print(cbpf.Disassemble(p, cbpf.DisassembleOptions{Symbols: names}))
	// Output:
	//         ld    arch
	//         jneq  #0xc000003e, L5           ; arch != x86_64
	//         ld    nr
	//         jeq   #59, L5                   ; nr == execve
	//         ret   allow
	// L5:     ret   errno(1)
}
