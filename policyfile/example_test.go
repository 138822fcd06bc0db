package policyfile_test

import (
	"fmt"
	"os"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

func ExampleRead() {
	const text = `
default_action: allow
syscalls:
- action: errno(EACCES)
  names: [connect, bind]
`
	file, err := policyfile.Read("net.yaml", strings.NewReader(text))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(file.Policy.Syscalls[0].Action, file.Policy.Syscalls[0].Names)
	fmt.Println(file.Position("syscalls[0].names[1]"))
	// Output:
	// errno(EACCES) [connect bind]
	// 5:20
}

// What is wrong with a file is said with its line and column.
func ExampleRead_wrong() {
	const text = `default_action: allow
syscalls:
- action: errno
  names: [umonut2]
`
	_, err := policyfile.Read("net.yaml", strings.NewReader(text))
	fmt.Println(err)
	// Output:
	// policy net.yaml:4:11: unknown syscall "umonut2" (did you mean "umount2" or "umount" or "mount"?)
}

// What depends on the ABI is found when the policy is compiled.
func ExampleFile_Compile() {
	const text = `default_action: allow
strict: true
syscalls:
- action: errno
  names: [openat, open]
`
	file, err := policyfile.Read("files.yaml", strings.NewReader(text))
	if err != nil {
		fmt.Println(err)
		return
	}
	arm64, err := arch.GetInfo("arm64")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = file.Compile(&seccomp.CompileOptions{ABI: arm64})
	fmt.Println(err)
	// Output:
	// policy files.yaml:5:19: aarch64 has no syscall "open", and the policy is strict
}

func ExampleWrite() {
	policy := seccomp.Policy{
		DefaultAction: seccomp.ErrnoName("ENOSYS"),
		Syscalls: []seccomp.SyscallGroup{{
			Action: seccomp.ActionAllow,
			Names:  []string{"read", "write", "exit_group"},
		}},
	}
	err := policyfile.Write(os.Stdout, &policy, &policyfile.WriteOptions{
		Comments: map[string]string{"syscalls[0].names[2]": "at the end"},
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// seccomp:
	//   default_action: errno(ENOSYS)
	//   syscalls:
	//   - action: allow
	//     names:
	//     - read
	//     - write
	//     # at the end
	//     - exit_group
}
