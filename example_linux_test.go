package seccomp_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

// Load a denylist for all threads of this process.
func Example() {
	if !inChild("Example") {
		return
	}
	filter := seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ActionAllow,
			Syscalls: []seccomp.SyscallGroup{
				{Action: seccomp.ActionErrno, Names: []string{"execve", "execveat"}},
			},
		},
	}
	if err := seccomp.LoadFilter(filter); err != nil {
		fmt.Println("load:", err)
		return
	}
	err := exec.Command("true").Run()
	fmt.Println("not permitted:", errors.Is(err, os.ErrPermission))
	// Output: not permitted: true
}

// Allow what a Go program needs, and make all else look absent.
func ExampleLoadFilter_allowlist() {
	if !inChild("ExampleLoadFilter_allowlist") {
		return
	}
	err := seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ErrnoName("ENOSYS"),
			Syscalls: []seccomp.SyscallGroup{
				{Action: seccomp.ActionAllow, Names: []string{"@go-runtime"}},
			},
		},
	})
	fmt.Println("loaded:", err == nil)
	fmt.Println(os.Mkdir("directory", 0o755))
	// Output:
	// loaded: true
	// mkdir directory: function not implemented
}

// Decide by the arguments of a call: refuse one use of prctl(2).
func ExampleCondition() {
	if !inChild("ExampleCondition") {
		return
	}
	err := seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ActionAllow,
			Syscalls: []seccomp.SyscallGroup{{
				Action: seccomp.ErrnoName("EACCES"),
				NamesWithConditions: []seccomp.NameWithConditions{{
					Name: "prctl",
					Conditions: seccomp.ArgumentConditions{
						{Name: "option", Operation: seccomp.Equal, Symbol: "PR_SET_DUMPABLE"},
					},
				}},
			}},
		},
	})
	fmt.Println("loaded:", err == nil)
	fmt.Println("get:", prctl(unix.PR_GET_DUMPABLE))
	fmt.Println("set:", prctl(unix.PR_SET_DUMPABLE))
	// Output:
	// loaded: true
	// get: <nil>
	// set: permission denied
}

// Confine a command and leave this process as it is.
func ExampleStartChild() {
	cmd := exec.Command("mkdir", "/tmp/directory")
	err := seccomp.StartChild(cmd, seccomp.Filter{
		NoNewPrivs: true,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ActionAllow,
			ABIs:          []string{"native", "compat"},
			Syscalls: []seccomp.SyscallGroup{
				{Action: seccomp.ActionKillProcess, Names: []string{"mkdir", "mkdirat"}},
			},
		},
	})
	if err != nil {
		fmt.Println("start:", err)
		return
	}
	var exit *exec.ExitError
	if errors.As(cmd.Wait(), &exit) {
		fmt.Println(exit)
	}
	// Output: signal: bad system call
}

func ExampleGroup() {
	calls, err := seccomp.Group("@swap")
	fmt.Println(calls, err)
	// Output: [swapoff swapon] <nil>
}

// See the program that a policy becomes.
func ExamplePolicy_Compile() {
	policy := seccomp.Policy{
		DefaultAction: seccomp.ActionKillProcess,
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionAllow, Names: []string{"read", "open"}}, // riscv64 has no open
		},
	}
	program, err := policy.Compile(&seccomp.CompileOptions{ABI: riscv64()})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, note := range program.Notes {
		fmt.Println(note)
	}
	if err := program.Dump(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// riscv64: open: the ABI has no such call
	// 0: ld [4]
	// 1: jneq #3221225715,2
	// 2: ld [0]
	// 3: jeq #63,1
	// 4: ret #2147483648
	// 5: ret #2147418112
}
