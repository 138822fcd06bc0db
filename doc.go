// Package seccomp confines a program to the system calls it needs, with the
// Linux kernel's seccomp filters. It is pure Go.
//
//	filter := seccomp.Filter{
//		NoNewPrivs: true,
//		Flag:       seccomp.FilterFlagTSync,
//		Policy: seccomp.Policy{
//			DefaultAction: seccomp.ActionAllow,
//			Syscalls: []seccomp.SyscallGroup{
//				{Action: seccomp.ActionErrno, Names: []string{"execve", "execveat", "ptrace"}},
//			},
//		},
//	}
//	if err := seccomp.LoadFilter(filter); err != nil {
//		log.Fatal(err)
//	}
//
// From here on, every thread of the process fails to execute or trace programs,
// with EPERM, for the rest of its life.
//
// # Which policy?
//
// A denylist, as above, allows what it does not name, also what Linux gains
// later. An allowlist refuses it:
//
//	seccomp.Policy{
//		DefaultAction: seccomp.ErrnoName("ENOSYS"),
//		Syscalls: []seccomp.SyscallGroup{
//			{Action: seccomp.ActionAllow, Names: []string{"@go-runtime", "@go-net", "openat"}},
//		},
//	}
//
// Groups are tried in order and the first one that matches decides; within a
// group, entries are alternatives. Names that start with @ are sets of calls: see
// Groups. NamesWithConditions compares arguments: see Condition. What a policy
// says of arguments is about registers, never about what a pointer points to.
//
// # Only a child process
//
// StartChild starts an exec.Cmd under a filter and leaves the calling process
// as it is. The filter has to allow what the command needs and execve.
//
// # What happens to a call that is not allowed?
//
// The policy's actions say it: ActionErrno has it fail, ActionKillProcess ends
// the process by SIGSYS, ActionLog only logs it, ActionUserNotify asks a
// supervisor. ErrnoName("ENOSYS") makes it look as if the kernel were older, for
// which most callers are prepared. A zero Action is "not set" and an error.
//
// # Other ABIs
//
// x86_64 programs can also make calls as i386 or x32 programs do, and most other
// 64-bit machines have such a second entrance. A policy covers the ABIs that it
// names, or the native one; calls through any other kill the process, unless
// Policy.BadArchAction says otherwise. x32 calls fail with ENOSYS.
//
// # What was compiled?
//
// Policy.Compile gives the program with notes on what may surprise: names that
// this ABI lacks, conditions that never hold. Each program is proved to decide
// every call as its policy does before it is returned. Compile works on every
// system, for every ABI.
//
// # Kernel versions
//
// Loading needs Linux 3.17. Newer actions and flags name their version in their
// documentation; Action.Supported and FilterFlag.Supported ask the running
// kernel. What it lacks is an error that is ErrNotSupported; Policy.Adapt
// replaces what can be replaced, for those who ask for it. On other systems,
// every function that would confine returns an error that is
// errors.ErrUnsupported.
package seccomp
