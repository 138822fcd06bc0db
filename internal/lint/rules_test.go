package lint

import "strings"

// deny is a denylist for x86_64 with some entries.
func deny(entries ...string) subject {
	return subject{text: "default_action: allow\nabis: [x86_64]\nsyscalls:\n" + strings.Join(entries, "\n") + "\n"}
}

// allow is an allowlist for x86_64 with what every program needs, and more.
func allow(names string, entries ...string) subject {
	if names != "" {
		names = ", " + names
	}
	return subject{text: "default_action: errno(EPERM)\nabis: [x86_64]\nsyscalls:\n" +
		"- {action: allow, names: [read, write, exit_group, rt_sigreturn, execve" + names + "]}\n" + strings.Join(entries, "\n") + "\n"}
}

func on(s subject, abis, machine string) subject {
	s.text = strings.Replace(s.text, "[x86_64]", "["+abis+"]", 1)
	s.machine = machine
	return s
}

func kernel(s subject, version string) subject {
	s.kernel = version
	return s
}

// program is a program for x86_64 that looks at the number in A, after the
// architecture was checked.
func program(lines ...string) subject {
	return subject{text: "        ld arch\n        jneq #0xc000003e, kill\n        ld nr\n        " +
		strings.Join(lines, "\n        ") + "\n        ret allow\nkill:   ret kill_process\n"}
}

// noArch is a program that does not look at the architecture.
func noArch(lines ...string) subject {
	return subject{text: "        ld nr\n        " + strings.Join(lines, "\n        ") + "\n        ret allow\nkill:   ret kill_process\n"}
}

func when(action, call, argument string) string {
	return "- {action: " + action + ", names_with_args: [{name: " + call + ", arguments: [{" + argument + "}]}]}"
}

// long is a program of 4080 instructions.
var long = strings.Repeat("        ld nr\n", 4079) + "        ret allow\n"

var ruleTests = []struct {
	rule, name string
	bad, good  subject
	severity   Severity
	witness    string // its ABI, the call and the action
	says       string
	place      string
}{
	{rule: "arch-unchecked", bad: noArch("jeq #101, kill"), good: program("jeq #101, kill"), severity: Error,
		witness: "i386 restart_syscall() allow", says: "0 is read here and restart_syscall there"},
	{rule: "abi-escape", name: "x32", bad: program("jeq #101, kill"), good: program("jge #0x40000000, kill", "jeq #101, kill"), severity: Error,
		witness: "x32 ptrace() allow", says: "x86_64 refuses ptrace, and x32 makes them"},
	{rule: "abi-escape", name: "i386", bad: subject{text: "        ld arch\n        jeq #0x40000003, ok\n        jneq #0xc000003e, kill\n        ld nr\n        jge #0x40000000, kill\n        jeq #101, kill\nok:     ret allow\nkill:   ret kill_process\n"},
		good: on(deny("- {action: errno(EPERM), names: [ptrace]}"), "x86_64, i386", ""), severity: Error,
		witness: "i386 ptrace() allow", says: "x86_64 refuses ptrace, and i386 makes them"},
	{rule: "x32-low-numbers", bad: program("jge #0x40000000, kill", "jeq #101, kill"), good: deny("- {action: errno(EPERM), names: [ptrace]}"), severity: Warning,
		witness: "x86_64 521() allow", says: "number 521, which is ptrace before Linux 5.4"},
	{rule: "x32-low-numbers", name: "new kernel", bad: kernel(program("jge #0x40000000, kill", "jeq #101, kill"), "5.3"),
		good: kernel(program("jge #0x40000000, kill", "jeq #101, kill"), "5.4"), severity: Warning},
	{rule: "wide-compare", name: "int", bad: deny(when("errno(EPERM)", "socket", "argument: 0, operation: Equal, value: AF_ALG, width: 64")),
		good: deny(when("errno(EPERM)", "socket", "argument: 0, operation: Equal, value: AF_ALG")), severity: Error,
		witness: "x86_64 socket(0x100000026) allow", says: "0xffffffff00000000"},
	{rule: "wide-compare", name: "refused when dirty", bad: allow("", when("allow", "socket", "argument: 0, operation: Equal, value: AF_UNIX, width: 64")),
		good: allow("", when("allow", "socket", "argument: 0, operation: Equal, value: AF_UNIX")), severity: Info,
		witness: "x86_64 socket(0x100000001) errno(EPERM)"},
	{rule: "wide-compare", name: "clone's flags", bad: deny(when("errno(EPERM)", "clone", "argument: 0, operation: Equal, value: 0x10000011"), "- {action: errno(ENOSYS), names: [clone3]}"),
		good: deny(when("errno(EPERM)", "clone", "argument: 0, operation: Equal, value: 0x10000011, width: 32"), "- {action: errno(ENOSYS), names: [clone3]}"), severity: Error,
		witness: "x86_64 clone(0x110000011) allow", says: "clone is decided by bits of clone_flags that the kernel ignores"},
	{rule: "wide-compare", name: "umode_t", bad: deny(when("errno(EPERM)", "fchmod", "argument: 1, operation: Equal, value: 0o4755, width: 32")),
		good: deny(when("errno(EPERM)", "fchmod", "argument: 1, operation: Equal, value: 0o4755")), severity: Error, says: "bits of mode that the kernel ignores (0xffffffffffff0000)"},
	{rule: "wide-compare", name: "pointer", bad: deny(when("errno(EPERM)", "ioctl", "argument: 1, operation: Equal, value: TIOCSTI, width: 64")),
		good: deny(when("errno(EPERM)", "mmap", "argument: 1, operation: GreaterThan, value: 0x100000000")), severity: Error},
	{rule: "equivalent-open", name: "chmod", bad: deny("- {action: errno(EPERM), names: [chmod, fchmodat]}"),
		good: deny("- {action: errno(EPERM), names: [chmod, fchmodat, fchmodat2]}"), severity: Error,
		witness: "x86_64 fchmodat2() allow", says: "chmod is refused, and fchmodat2, which can do the same, is open"},
	{rule: "equivalent-open", name: "open", bad: deny("- {action: errno(EPERM), names: [open, openat, creat]}"),
		good: deny("- {action: errno(EPERM), names: [open, openat, creat, openat2]}"), severity: Error, witness: "x86_64 openat2() allow"},
	{rule: "equivalent-open", name: "clone3", bad: allow("clone3", when("allow", "clone", "argument: 0, operation: BitsNotSet, value: CLONE_NEWUSER")),
		good: allow("", when("allow", "clone", "argument: 0, operation: BitsNotSet, value: CLONE_NEWUSER"), "- {action: errno(ENOSYS), names: [clone3]}"), severity: Warning,
		witness: "x86_64 clone3() allow", says: "clone is restricted by its arguments, and clone3"},
	{rule: "equivalent-open", name: "socketcall", bad: subject{machine: "i386", text: "        ld arch\n        jneq #0x40000003, kill\n        ld nr\n        jeq #359, kill\n        ret allow\nkill:   ret kill_process\n"},
		good: on(deny("- {action: errno(EPERM), names: [socket]}"), "i386", "i386"), severity: Error,
		witness: "i386 socketcall() allow", says: "socket is refused, and socketcall, which can do the same, is open"},
	{rule: "equivalent-open", name: "socketcall of another ABI", bad: subject{text: "        ld arch\n        jeq #0x40000003, i386\n        jneq #0xc000003e, kill\n        ld nr\n        jge #0x40000000, kill\n        jeq #41, kill\n        ret allow\ni386:   ld nr\n        jeq #359, kill\n        ret allow\nkill:   ret kill_process\n"},
		good: on(deny("- {action: errno(EPERM), names: [socket]}"), "x86_64, i386", ""), severity: Error,
		witness: "i386 socketcall() allow", says: "on i386, socket is refused"},
	{rule: "io-uring-open", bad: deny("- {action: errno(EPERM), names: [connect]}"),
		good: deny("- {action: errno(EPERM), names: [connect]}", "- {action: errno(ENOSYS), names: [io_uring_setup]}"), severity: Warning,
		witness: "x86_64 io_uring_setup() allow", says: "connect are refused"},
	{rule: "enosys", name: "clone3", bad: allow("clone"), good: allow("clone", "- {action: errno(ENOSYS), names: [clone3]}"), severity: Warning,
		witness: "x86_64 clone3() errno(EPERM)", says: "glibc 2.34"},
	{rule: "enosys", name: "faccessat2", bad: allow("faccessat"), good: allow("faccessat, faccessat2"), severity: Warning, witness: "x86_64 faccessat2() errno(EPERM)", says: "glibc 2.33"},
	{rule: "enosys", name: "statx", bad: allow("newfstatat"), good: allow("newfstatat", "- {action: errno(ENOSYS), names: [statx]}"), severity: Warning, witness: "x86_64 statx() errno(EPERM)", says: "glibc 2.28"},
	{rule: "enosys", name: "getrandom", bad: allow("openat"), good: allow("openat, getrandom"), severity: Warning, witness: "x86_64 getrandom() errno(EPERM)", says: "Go 1.24"},
	{rule: "enosys", name: "rseq", bad: allow("", "- {action: kill_process, names: [rseq]}"), good: allow(""), severity: Warning, witness: "x86_64 rseq() kill_process", says: "does not survive"},
	{rule: "enosys", name: "time64", bad: on(allow("clock_gettime"), "i386", "i386"), good: on(allow("clock_gettime, clock_gettime64"), "i386", "i386"), severity: Warning,
		witness: "i386 clock_gettime64() errno(EPERM)", says: "musl 1.2"},
	{rule: "missing-essential", name: "exit_group", bad: subject{text: "default_action: errno(EPERM)\nabis: [x86_64]\nsyscalls:\n- {action: allow, names: [read, execve, rt_sigreturn]}\n"},
		good: allow(""), severity: Error, witness: "x86_64 exit_group() errno(EPERM)", says: "a process cannot end"},
	{rule: "missing-essential", name: "rt_sigreturn", bad: subject{text: "default_action: errno(EPERM)\nabis: [x86_64]\nsyscalls:\n- {action: allow, names: [read, execve, exit_group]}\n"},
		good: allow(""), severity: Error, witness: "x86_64 rt_sigreturn() errno(EPERM)", says: "no signal handler can return"},
	{rule: "missing-essential", name: "execve", bad: subject{text: "default_action: errno(EPERM)\nabis: [x86_64]\nsyscalls:\n- {action: allow, names: [read, rt_sigreturn, exit_group]}\n"},
		good: allow(""), severity: Info, witness: "x86_64 execve() errno(EPERM)", says: "execve is refused"},
	{rule: "kill-thread", bad: deny("- {action: kill_thread, names: [acct]}"), good: deny("- {action: kill_process, names: [acct]}"), severity: Warning,
		witness: "x86_64 acct() kill_thread"},
	{rule: "unknown-action", bad: program("jneq #163, 1", "ret #0x12340000"), good: program("jneq #163, 1", "ret errno(1)"), severity: Error, says: "0x12340000"},
	{rule: "action-kernel", name: "kill_process", bad: kernel(deny("- {action: kill_process, names: [acct]}"), "4.13"),
		good: kernel(deny("- {action: kill_process, names: [acct]}"), "4.14"), severity: Error, says: "kill_process needs Linux 4.14"},
	{rule: "action-kernel", name: "log", bad: kernel(deny("- {action: log, names: [acct]}"), "4.13"),
		good: kernel(deny("- {action: log, names: [acct]}"), "4.14"), severity: Error},
	{rule: "action-kernel", name: "user_notify", bad: kernel(deny("- {action: user_notify, names: [acct]}"), "4.20"),
		good: kernel(deny("- {action: user_notify, names: [acct]}"), "5.0"), severity: Error, witness: "x86_64 acct() user_notif", says: "needs Linux 5.0"},
	{rule: "no-room", name: "tight", bad: subject{text: long, stack: 5}, good: subject{text: long, stack: 4}, severity: Warning,
		says: "of the 32768 instructions"},
	{rule: "no-room", name: "too large", bad: subject{text: long, stack: 9}, good: subject{text: long, stack: 4}, severity: Error,
		says: "it cannot be loaded"},
	{rule: "dead-rule", name: "shadowed", bad: deny("- {action: errno(EPERM), names: [acct]}", "- {action: kill_process, names: [acct]}"),
		good: deny("- {action: errno(EPERM), names: [acct]}", "- {action: kill_process, names: [ptrace]}"), severity: Warning,
		witness: "x86_64 acct() errno(EPERM)", says: "an earlier entry already decides"},
	{rule: "dead-rule", name: "conditions", bad: deny("- {action: errno(EPERM), names: [socket]}", when("errno(EPERM)", "socket", "argument: 0, operation: Equal, value: AF_ALG")),
		good: deny(when("errno(EPERM)", "socket", "argument: 0, operation: Equal, value: AF_ALG")), severity: Warning, witness: "x86_64 socket(AF_ALG) errno(EPERM)", place: "test.yaml:5"},
	{rule: "dead-rule", name: "contained", bad: deny(when("errno(EPERM)", "socket", "argument: 0, operation: GreaterThan, value: 9"), when("errno(EACCES)", "socket", "argument: 0, operation: Equal, value: AF_ALG")),
		good: deny(when("errno(EACCES)", "socket", "argument: 0, operation: Equal, value: AF_ALG"), when("errno(EPERM)", "socket", "argument: 0, operation: GreaterThan, value: 9")), severity: Warning,
		witness: "x86_64 socket(AF_ALG) errno(EPERM)", says: "decided alike without the entry", place: "test.yaml:5"},
	{rule: "dead-rule", name: "default", bad: allow("", "- {action: errno(EPERM), names: [acct]}"), good: allow("", "- {action: errno(EACCES), names: [acct]}"),
		severity: Info, witness: "x86_64 acct() errno(EPERM)", says: "the default action", place: "test.yaml:5"},
	{rule: "never-matches", name: "mask", bad: deny(when("errno(EPERM)", "socket", "argument: 1, operation: MaskedEqual, mask: 0xf, value: 0x10")),
		good: deny(when("errno(EPERM)", "socket", "argument: 1, operation: MaskedEqual, mask: 0x1f, value: 0x10")), severity: Warning, witness: "x86_64 socket() errno(EPERM)", says: "bits that the mask clears (0x10)", place: "test.yaml:4"},
	{rule: "never-matches", name: "contradiction", bad: deny(when("errno(EPERM)", "kill", "argument: 1, operation: LessThan, value: 3}, {argument: 1, operation: GreaterThan, value: 10")),
		good: deny(when("errno(EPERM)", "kill", "argument: 1, operation: LessThan, value: 30}, {argument: 1, operation: GreaterThan, value: 10")), severity: Warning,
		witness: "x86_64 kill() allow", says: "no call meets all of the conditions", place: "test.yaml:4"},
	{rule: "never-matches", name: "width", bad: on(deny(when("errno(EPERM)", "mmap2", "argument: 1, operation: Equal, value: 0x100000000")), "i386", "i386"),
		good: on(deny(when("errno(EPERM)", "mmap2", "argument: 1, operation: Equal, value: 0x10000000")), "i386", "i386"), severity: Warning, witness: "i386 mmap2() allow"},
	{rule: "unchecked-arguments", bad: on(allow("", when("allow", "socket", "argument: 0, operation: Equal, value: AF_UNIX")), "i386", "i386"),
		good: allow("", when("allow", "socket", "argument: 0, operation: Equal, value: AF_UNIX")), severity: Info,
		witness: "i386 socketcall(1) errno(EPERM)", says: "conditions cannot be checked behind socketcall"},
}
