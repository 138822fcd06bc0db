package seccomp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// oneCall is a program that makes one call, through the entry given, and exits
// with its errno as the status.
func oneCall(t *testing.T, entry []byte, nr, firstArg uint32) string {
	t.Helper()
	var code []byte
	imm := func(op byte, v uint32) { code = binary.LittleEndian.AppendUint32(append(code, op), v) }
	imm(0xbb, firstArg) // mov ebx
	imm(0xbf, firstArg) // mov edi
	imm(0xb8, nr)       // mov eax
	code = append(code, entry...)
	code = append(code, 0xf7, 0xd8, 0x89, 0xc7) // neg eax; mov edi, eax
	imm(0xb8, unix.SYS_EXIT_GROUP)
	code = append(code, viaSyscall...)
	file, err := image(code, make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "onecall")
	if err := os.WriteFile(path, file, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	viaSyscall = []byte{0x0f, 0x05}
	viaInt80   = []byte{0xcd, 0x80}
)

// takesInt80 tells whether the kernel takes i386 calls from 64-bit programs.
// One built without IA32_EMULATION, started with ia32_emulation=off, or under
// a hypervisor that runs 64-bit code only, makes the gate a fault: then there
// is no way in to close.
func takesInt80(t *testing.T) bool {
	t.Helper()
	const getppid = 64 // i386's
	err := exec.Command(oneCall(t, viaInt80, getppid, 0)).Run()
	switch {
	case err == nil:
		t.Fatal("the parent's pid is 0")
	case signalOf(err) == unix.SIGSEGV:
		return false
	case signalOf(err) != 0:
		t.Fatalf("an unconfined int 0x80 ended with %v", err)
	}
	return true
}

// TestEveryWayIntoTheKernel makes calls as x86_64, i386 and x32 code does.
func TestEveryWayIntoTheKernel(t *testing.T) {
	const killed = -1
	allowAll := func(abis ...string) Policy {
		return Policy{DefaultAction: ActionAllow, ABIs: abis, Syscalls: []SyscallGroup{
			{Action: ActionErrno | 99, Names: []string{"capget", "socket"}},
		}}
	}
	badArch := allowAll()
	badArch.BadArchAction = ActionErrno | 98
	numbers := allowAll()
	numbers.Syscalls[0].Names = []string{"-1", "512", "1000"}
	int80 := takesInt80(t)
	for _, tt := range []struct {
		name   string
		policy Policy
		entry  []byte
		nr     uint32
		arg    uint32
		want   int // exit status
	}{
		{"x86_64 capget", allowAll(), viaSyscall, unix.SYS_CAPGET, 0, 99},
		{"i386, not covered", allowAll(), viaInt80, 184, 0, killed},
		{"i386, not covered, not denied", allowAll(), viaInt80, 24, 0, killed},
		{"i386, bad arch action", badArch, viaInt80, 24, 0, 98},
		{"i386 capget", allowAll("native", "i386"), viaInt80, 184, 0, 99},
		{"i386 socket", allowAll("native", "i386"), viaInt80, 359, 0, 99},
		{"i386 socketcall", allowAll("native", "i386"), viaInt80, 102, 1, 99},
		{"i386 mprotect, which has the number of capget", allowAll("native", "i386"), viaInt80, unix.SYS_CAPGET, 1, int(unix.EINVAL)},
		{"x32 capget", allowAll(), viaSyscall, 0x40000000 | unix.SYS_CAPGET, 0, int(unix.ENOSYS)},
		{"x32 getpid", allowAll(), viaSyscall, 0x40000000 | unix.SYS_GETPID, 0, int(unix.ENOSYS)},
		{"x32's own, without the bit", allowAll(), viaSyscall, 512, 0, int(unix.ENOSYS)},
		{"x32's own, named", numbers, viaSyscall, 512, 0, 99},
		{"x32's last own", allowAll(), viaSyscall, 547, 0, int(unix.ENOSYS)},
		{"-1", allowAll(), viaSyscall, 0xffffffff, 0, int(unix.ENOSYS)},
		{"-1, named", numbers, viaSyscall, 0xffffffff, 0, 99},
		{"1000, named", numbers, viaSyscall, 1000, 0, 99},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !int80 && bytes.Equal(tt.entry, viaInt80) {
				t.Skip("this kernel lets nothing in through int 0x80")
			}
			cmd := exec.Command(oneCall(t, tt.entry, tt.nr, tt.arg))
			if err := StartChild(cmd, Filter{NoNewPrivs: true, Policy: tt.policy}); err != nil {
				t.Fatal(err)
			}
			err := cmd.Wait()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			switch got := cmd.ProcessState.ExitCode(); {
			case tt.want == killed && signalOf(err) != unix.SIGSYS:
				t.Errorf("child ended with %v, want SIGSYS", err)
			case tt.want != killed && got != tt.want:
				t.Errorf("child ended with %v, want exit status %d", err, tt.want)
			}
		})
	}
}
