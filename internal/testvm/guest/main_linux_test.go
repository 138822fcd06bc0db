package guest

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
	"github.com/elastic/go-seccomp-bpf/internal/testvm/console"
)

func TestMain(m *testing.M) {
	testchild.Dispatch()
	os.Exit(m.Run())
}

// inGuest skips a test outside the matrix and returns the guest's name.
func inGuest(t *testing.T) string {
	t.Helper()
	name := os.Getenv(console.GuestVariable)
	if name == "" {
		t.Skip("not a guest of go run ./internal/testvm/cmd/matrix")
	}
	return name
}

// kernel returns the running kernel's version and machine, from uname(2).
func kernel(t *testing.T) (arch.Version, string) {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(u.Release[:])
	parts := strings.SplitN(release, ".", 3)
	v, err := arch.ParseVersion(parts[0] + "." + strings.FieldsFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' })[0])
	if err != nil {
		t.Fatalf("uname says %q: %v", release, err)
	}
	return v, unix.ByteSliceToString(u.Machine[:])
}

// wide is whether the running program's ABI has 64-bit registers.
var wide = ^uintptr(0)>>32 != 0

// denied is the errno of calls that the policies here deny: one that the
// kernel does not give by itself.
const denied = unix.ENOTNAM

// denylist allows everything but the groups given, of the program's own ABI only.
func denylist(groups ...seccomp.SyscallGroup) seccomp.Filter {
	return seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: groups}}
}

func deny(names ...string) seccomp.SyscallGroup {
	return seccomp.SyscallGroup{Action: seccomp.Errno(denied), Names: names}
}

func denyWhen(name string, conditions ...seccomp.Condition) seccomp.SyscallGroup {
	return seccomp.SyscallGroup{Action: seccomp.Errno(denied),
		NamesWithConditions: []seccomp.NameWithConditions{{Name: name, Conditions: conditions}}}
}

func native(t *testing.T) *arch.Info {
	t.Helper()
	info, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	if info.GOARCH != runtime.GOARCH {
		t.Fatalf("the running ABI is %s (GOARCH %s), want GOARCH %s", info.Name, info.GOARCH, runtime.GOARCH)
	}
	return info
}
