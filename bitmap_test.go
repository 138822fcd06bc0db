package seccomp

import (
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// TestBitmapOfEachABI emulates the kernel's seccomp_is_const_allow for an
// allowlist of two thirds of each ABI's calls: its bitmap answers them all.
func TestBitmapOfEachABI(t *testing.T) {
	machines := []string{"x86_64", "i386", "arm", "aarch64", "riscv64", "s390x", "ppc64", "ppc64le", "loongarch64",
		"mips", "mipsel", "mips64", "mips64n32", "mipsel64", "sparc64", "parisc", "sh"}
	if testing.Short() { // for emulated machines: what is compiled is the same everywhere
		machines = machines[:1]
	}
	for _, name := range machines {
		abi, err := arch.GetInfo(name)
		if err != nil {
			t.Fatal(err)
		}
		allow := SyscallGroup{Action: ActionAllow}
		for call := range abi.SyscallNames {
			if nr, ok := abi.Number(call); ok && nr%3 != 0 {
				allow.Names = append(allow.Names, call)
			}
		}
		p := Policy{ABIs: []string{name}, DefaultAction: ActionErrno, Syscalls: []SyscallGroup{allow}}
		for objective := range emitObjectives {
			c, err := p.Compile(&CompileOptions{ABI: abi, Objective: objective})
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range allow.Names {
				nr, _ := abi.Number(call)
				if !cbpf.Program(c.Raw()).ConstAllow(uint32(abi.ID), nr) {
					t.Errorf("%s, objective %d: %s (%d) is not in the bitmap", name, objective, call, nr)
				}
			}
		}
	}
}
