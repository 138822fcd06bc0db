package cbpf

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/internal/testchild"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	testchild.Dispatch()
	os.Exit(m.Run())
}

// native is this machine's byte order.
var native binary.ByteOrder = func() binary.ByteOrder {
	one := uint16(1)
	if *(*byte)(unsafe.Pointer(&one)) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}()

// load asks the kernel to install a filter on the calling thread.
func load(p Program, flags uintptr) (r uintptr, errno syscall.Errno) {
	fprog := unix.SockFprog{Len: uint16(len(p))}
	if len(p) > 0 {
		fprog.Filter = (*unix.SockFilter)(unsafe.Pointer(&p[0])) // the same layout
	}
	r, _, errno = syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&fprog)))
	runtime.KeepAlive(p)
	return r, errno
}

// packPrograms lines programs up for a child: their lengths, their encodings.
func packPrograms(programs []Program) []byte {
	var b []byte
	for _, p := range programs {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p.Encode(native)...)
	}
	return b
}

func unpackPrograms(b []byte) ([]Program, error) {
	var programs []Program
	for len(b) >= 4 {
		n := int(binary.LittleEndian.Uint32(b)) * InstructionSize
		b = b[4:]
		var p Program
		if n > 0 {
			var err error
			if p, err = Decode(b[:n], native); err != nil {
				return nil, err
			}
		}
		programs = append(programs, p)
		b = b[n:]
	}
	return programs, nil
}

// offerPrograms has the kernel judge many programs without installing any.
// Another thread is given a filter that the calling thread does not have;
// after that the kernel refuses to synchronise threads, by returning the id of
// that thread, but it does so only once it has accepted the program itself.
var offerPrograms = testchild.New("offer programs", func(in []byte) ([]byte, error) {
	programs, err := unpackPrograms(in)
	if err != nil {
		return nil, err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	ready := make(chan error)
	tid := 0
	go func() {
		runtime.LockOSThread()
		tid = syscall.Gettid()
		_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		if _, errno := load(Program{{Op: opRetK, K: RetAllow}}, 0); errno != 0 {
			ready <- errno
			return
		}
		ready <- nil
		select {}
	}()
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("installing a filter on another thread: %w", err)
	}
	verdicts := make([]byte, len(programs))
	for i, p := range programs {
		switch r, errno := load(p, unix.SECCOMP_FILTER_FLAG_TSYNC); {
		case errno == 0 && r == uintptr(tid):
			verdicts[i] = 'y'
		case errno == unix.EINVAL:
			verdicts[i] = 'n'
		default:
			return nil, fmt.Errorf("offering program %d (%d instructions): returned %d, errno %v", i, len(p), r, errno)
		}
	}
	return verdicts, nil
})

// compareVerdicts offers programs to Validate and to the kernel, and tells how
// many both accepted.
func compareVerdicts(t *testing.T, programs []Program) (accepted int) {
	t.Helper()
	verdicts := offerPrograms.Run(t, packPrograms(programs))
	if len(verdicts) != len(programs) {
		t.Fatalf("have %d verdicts of the kernel on %d programs", len(verdicts), len(programs))
	}
	wrong := 0
	for i, p := range programs {
		err := p.Validate()
		if kernel := verdicts[i] == 'y'; kernel != (err == nil) {
			if wrong++; wrong <= 5 {
				t.Errorf("program %d: the kernel accepts it: %v; Validate: %v\n%v", i, kernel, err, p)
			}
		}
		if err == nil {
			accepted++
		}
	}
	if wrong > 5 {
		t.Errorf("and %d more", wrong-5)
	}
	return accepted
}

func TestValidateAgreesWithKernel(t *testing.T) {
	r := newRand(t)
	count := 40_000
	if testing.Short() {
		count = 1_000 // for emulated machines
	}
	programs := make([]Program, count)
	for i := range programs {
		programs[i] = randomProgram(r)
	}
	accepted := compareVerdicts(t, programs)
	t.Logf("%d programs, %d accepted", len(programs), accepted)
	if min(accepted, len(programs)-accepted) < len(programs)/5 {
		t.Errorf("%d of %d programs accepted: the generator is lopsided", accepted, len(programs))
	}
}

// All 65,536 instruction codes, or in short mode the lowest 256 and every 64th
// of the rest, each with a harmless constant.
func TestEveryCodeAgreesWithKernel(t *testing.T) {
	var programs []Program
	for op := range 1 << 16 {
		if testing.Short() && op > 0xff && op%64 != 1 { // for emulated machines; what is accepted is below 0x100
			continue
		}
		// A store before it makes scratch reads valid.
		programs = append(programs, Program{{Op: opStore, K: 4}, {Op: uint16(op), K: 4},
			{Op: opRetK}, {Op: opRetK}, {Op: opRetK}, {Op: opRetK}, {Op: opRetK}})
	}
	if accepted := compareVerdicts(t, programs); accepted != len(acceptedOps) {
		t.Errorf("%d codes accepted, want %d", accepted, len(acceptedOps))
	}
}

// Each accepted code with every constant that matters, with both distances,
// and at both ends of a program.
func TestEveryConstantAgreesWithKernel(t *testing.T) {
	var programs []Program
	for _, op := range acceptedOps {
		for i, k := range interesting {
			if testing.Short() && i%3 != int(op)%3 { // a third, for emulated machines
				continue
			}
			programs = append(programs,
				Program{{Op: opStore, K: k & 15}, {Op: op, K: k}, {Op: opRetK}, {Op: opRetK}},
				Program{{Op: op, K: k}})
		}
		if testing.Short() && op%4 != 0 { // half of the codes, for emulated machines
			continue
		}
		for jt := range uint8(5) {
			for jf := range uint8(5) {
				programs = append(programs, Program{{Op: opStore}, {Op: op, Jt: jt, Jf: jf}, {Op: opRetK}, {Op: opRetA}, {Op: opRetK}})
			}
		}
	}
	if accepted := compareVerdicts(t, programs); accepted < 500 {
		t.Errorf("%d accepted", accepted)
	}
}

func TestLengthsAgreeWithKernel(t *testing.T) {
	var programs []Program
	for _, n := range []int{0, 1, 2, 4095, 4096, 4097, 65535} {
		p := make(Program, n)
		for i := range p {
			p[i] = bpfReturn
		}
		programs = append(programs, p)
	}
	if accepted := compareVerdicts(t, programs); accepted != 4 {
		t.Errorf("%d lengths accepted, want 4", accepted)
	}
}
