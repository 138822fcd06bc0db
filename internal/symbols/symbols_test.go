package symbols

import (
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
)

func info(t *testing.T, name string) *arch.Info {
	t.Helper()
	abi, err := arch.GetInfo(name)
	if err != nil {
		t.Fatal(err)
	}
	return abi
}

func TestValue(t *testing.T) {
	for _, test := range []struct {
		abi, call string
		arg       int
		value     uint64
		width     int
		want      string
	}{
		{"x86_64", "socket", 0, 16, 32, "AF_NETLINK"},
		{"x86_64", "socket", 1, 0x80801, 32, "SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC"},
		{"mips", "socket", 1, 1, 32, "SOCK_DGRAM"},
		{"x86_64", "openat", 0, 0xffffff9c, 32, "AT_FDCWD"},
		{"x86_64", "openat", 0, 3, 32, "3"},
		{"x86_64", "ioctl", 1, 0x5412, 32, "TIOCSTI"},
		{"ppc64le", "ioctl", 1, 0x5412, 32, "TIOCSTI"},
		{"x86_64", "prctl", 0, 1, 32, "PR_SET_PDEATHSIG"},
		{"x86_64", "prctl", 0, 22, 32, "PR_SET_SECCOMP"},
		{"x86_64", "prctl", 0, 0x2f, 32, "PR_CAP_AMBIENT"},
		{"x86_64", "fcntl", 1, 0, 32, "F_DUPFD"},
		{"x86_64", "fcntl", 1, 4, 32, "F_SETFL"},
		{"x86_64", "ptrace", 0, 0x10, 64, "PTRACE_ATTACH"},
		{"x86_64", "personality", 0, 8, 32, "PER_LINUX32"},
		{"x86_64", "chmod", 1, 0o6755, 32, "06755"},
		{"x86_64", "chmod", 1, 0o6000, 32, "S_ISGID|S_ISUID"},
		{"x86_64", "read", 2, 0x1000, 64, "0x1000"},
		{"x86_64", "kill", 1, 9, 32, "SIGKILL"},
		{"x86_64", "kill", 0, 0xffffffff, 32, "-1"},
	} {
		if got := For(info(t, test.abi)).Value(test.call, test.arg, test.value, test.width); got != test.want {
			t.Errorf("%s %s argument %d: %#x is %s, want %s", test.abi, test.call, test.arg, test.value, got, test.want)
		}
	}
}

func TestMask(t *testing.T) {
	n := For(info(t, "x86_64"))
	for _, test := range []struct {
		call string
		arg  int
		mask uint64
		bits int
		want string
	}{
		{"clone", 0, 0x10000000 | 0x20000, 64, "CLONE_NEWNS|CLONE_NEWUSER"},
		{"mmap", 2, 4, 64, "PROT_EXEC"},
		{"socket", 1, 0xffffffff &^ 0x80800, 32, "~(SOCK_NONBLOCK|SOCK_CLOEXEC)"},
		{"read", 2, 0xfff, 64, "0xfff"},
	} {
		if got := n.Mask(test.call, test.arg, test.mask, test.bits); got != test.want {
			t.Errorf("%s argument %d: mask %#x is %s, want %s", test.call, test.arg, test.mask, got, test.want)
		}
	}
}

// TestTable checks that each line names arguments that some ABI has, and
// constants that exist.
func TestTable(t *testing.T) {
	x86 := info(t, "x86_64")
	for a := range patterns() {
		if !arch.Known(a.call) {
			t.Errorf("%s is no system call", a.call)
			continue
		}
		if params, ok := x86.Params(a.call); ok && a.position >= len(params) {
			t.Errorf("%s has no argument %d", a.call, a.position)
		}
		if _, ok := x86.Number(a.call); ok && len(For(x86).Names(a.call, a.position)) == 0 {
			t.Errorf("%s argument %d: no constant matches %s", a.call, a.position, patternsOf(a.call, a.position))
		}
	}
}
