package arch_test

import (
	"fmt"

	"github.com/elastic/go-seccomp-bpf/arch"
)

func Example() {
	info, err := arch.GetInfo("amd64")
	if err != nil {
		fmt.Println(err)
		return
	}
	nr, _ := info.Number("openat2")
	since, _ := info.Since("openat2")
	fmt.Println(info.Name, info.ID, nr, since)

	params, _ := info.Params("socket")
	for _, p := range params {
		fmt.Println(p.Type, p.Name, p.Bits)
	}
	// Output:
	// x86_64 AUDIT_ARCH_X86_64 437 5.6
	// int family 32
	// int type 32
	// int protocol 32
}

func ExampleNearest() {
	fmt.Println(arch.Nearest("opneat", 1))
	// Output: [openat]
}

func ExampleInfo_Compat() {
	info, err := arch.GetInfo("x86_64")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range info.Compat() {
		nr, _ := c.Number("ioctl")
		fmt.Println(c.Name, nr)
	}
	// Output:
	// i386 54
	// x32 1073742338
}
