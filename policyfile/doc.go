// Package policyfile reads policies from files and writes them.
//
//	file, err := policyfile.ReadFile("web.yaml")
//	if err != nil {
//		return err // policy web.yaml:14:7: unknown syscall "opneat" (did you mean "openat"?)
//	}
//	compiled, err := file.Compile(nil)
//
// # What does a policy look like?
//
// YAML, or the same as JSON; the key seccomp around it may be left out:
//
//	seccomp:
//	  default_action: errno(EPERM)        # kill_process, kill_thread, trap, errno, trace, log, allow, user_notify
//	  abis: [native, compat]              # as Policy.ABIs; none is the native one
//	  bad_arch_action: kill_process       # for calls through any other ABI
//	  kernel: "6.12"                      # calls that Linux gained later fail with ENOSYS
//	  strict: false                       # true: a name that an ABI lacks is an error
//	  syscalls:                           # the first group that matches decides
//	  - action: allow
//	    names: [read, write, "@io-event"] # names, groups, numbers of the native ABI (1000, 512-547)
//	    names_with_args:                  # all arguments must match
//	    - name: socket
//	      arguments:
//	      - argument: domain              # or position: 0
//	        operation: Equal              # see seccomp.Operation
//	        value: AF_INET|AF_INET6       # a number, a constant, or names joined by |
//	    - name: clone
//	      arguments:
//	      - argument: 0
//	        operation: MaskedEqual
//	        mask: CLONE_NEWUSER|CLONE_NEWNS
//	        value: 0
//	        width: 64                     # 32 or 64; none follows the kernel's prototype
//	    - name: ioctl
//	      arguments:
//	      - {argument: 1, operation: In, values: [TCGETS, 0x5413]}
//	  - action: errno(ENOSYS)
//	    abis: [i386]                      # the group is for these ABIs only
//	    names: [vm86, 400-500]
//
// # What is refused?
//
// All that is not understood, with file, line and column: unknown and duplicate
// keys, wrong types, names that Linux does not have, more than one document,
// more than MaxSize bytes. What depends on an ABI is found by File.Compile,
// which names the line too.
//
// # Which policies come with the package?
//
// Builtins lists them. ReadFile takes them by name: "builtin:default".
package policyfile
