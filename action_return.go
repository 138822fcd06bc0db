package seccomp

import (
	"fmt"

	"github.com/elastic/go-seccomp-bpf/arch"
)

const (
	killThreadReturn = uint32(0) // SECCOMP_RET_KILL_THREAD
	errnoEPERM       = uint32(1) // the same on every ABI
)

// Return is the value that a filter returns to the kernel for a on the given
// ABI: SECCOMP_RET_* with the data in the low 16 bits.
func (a Action) Return(abi *arch.Info) (uint32, error) {
	if err := a.check(); err != nil {
		return 0, err
	}
	kind, named := a.split()
	data := uint32(a & dataMask)
	switch {
	case kind == ActionKillThread:
		return killThreadReturn, nil
	case named && data != 0:
		name := errnoNames[data-1]
		n, ok := abi.Errno(name)
		if !ok {
			return 0, fmt.Errorf("action %s: %s has no errno %s", a, abi.Name, name)
		}
		data = uint32(n)
	case !named && kind == ActionErrno && data == 0:
		data = errnoEPERM
	}
	return uint32(kind) | data, nil
}
