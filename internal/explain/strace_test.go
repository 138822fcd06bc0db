package explain

import (
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// TestStraceCall reads lines as strace 6.1 prints them.
func TestStraceCall(t *testing.T) {
	for line, want := range map[string]string{
		`openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3`:     `openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC)`,
		`1234  close(3)                        = 0`:                   `close(3)`,
		`[pid    77] read(3, "a) = b, (\"", 8) = 8`:                   `read(3, "a) = b, (\"", 8)`,
		`77 12:00:01.123456 getpid() = 77`:                            `getpid()`,
		`77 futex(0x7f, FUTEX_WAIT_PRIVATE, 0, NULL <unfinished ...>`: `futex(0x7f, FUTEX_WAIT_PRIVATE, 0, NULL)`,
		`77 <... futex resumed>) = 0`:                                 ``,
		`--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---`:      ``,
		`+++ exited with 0 +++`:                                       ``,
		`strace: Process 78 attached`:                                 ``,
		`# a comment`:                                                 ``,
		``:                                                            ``,
		`read`:                                                        `read`,
		`wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 78`: `wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL)`,
	} {
		if got := StraceCall(line); got != want {
			t.Errorf("%s\nis %q, want %q", line, got, want)
		}
	}
}

// TestStraceConstants: values from linux/futex.h and asm-generic/signal.h.
func TestStraceConstants(t *testing.T) {
	abi, err := arch.GetInfo("x86_64")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]uint64{
		"futex(0, FUTEX_WAIT_PRIVATE)": 128, "futex(0, FUTEX_WAKE_PRIVATE)": 129,
		"futex(0, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME)": 9 | 128 | 256,
		"tgkill(0, SIGRTMIN)": 32, "tgkill(0, SIGRT_1)": 33, "tgkill(0, SIGRT_32)": 64,
	} {
		call, err := ParseCall(text, abi)
		if err != nil || call.Data.Args[1] != want {
			t.Errorf("%s: %v (%v), want %d", text, call, err, want)
		}
	}
	for _, text := range []string{"tgkill(0, SIGRT_33)", "tgkill(0, SIGRT_x)", "futex(0, FUTEX_NO_PRIVATE)", "futex(0, AF_UNIX_PRIVATE)"} {
		if call, err := ParseCall(text, abi); err == nil {
			t.Errorf("%s is read as %v", text, call)
		}
	}
}
