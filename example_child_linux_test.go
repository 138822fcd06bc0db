package seccomp_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/arch"
)

const childVariable = "SECCOMP_EXAMPLE_CHILD"

// inChild is true in a process that may be confined for good. Where it is
// false, it has run the example of that name in such a process and printed
// what that printed.
func inChild(name string) bool {
	if os.Getenv(childVariable) == name {
		os.Stdout = os.NewFile(3, "stdout of the example")
		return true
	}
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Println(err)
		return false
	}
	defer r.Close()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+name+"$")
	cmd.Env = append(os.Environ(), childVariable+"="+name)
	cmd.ExtraFiles = []*os.File{w}
	err = cmd.Start()
	w.Close()
	if err != nil {
		fmt.Println(err)
		return false
	}
	out, err := io.ReadAll(r)
	fmt.Print(string(out))
	if err != nil {
		fmt.Println(err)
	}
	_ = cmd.Wait() // package testing misses the output, which was printed here
	return false
}

func prctl(option int) error { return unix.Prctl(option, 0, 0, 0, 0) }

func riscv64() *arch.Info {
	info, err := arch.GetInfo("riscv64")
	if err != nil {
		fmt.Println(err)
	}
	return info
}
