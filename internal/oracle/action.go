package oracle

import (
	"fmt"
	"strconv"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

// returns is what linux/seccomp.h calls the actions.
var returns = map[string]uint32{
	"kill_process": 0x80000000,
	"kill_thread":  0x00000000,
	"trap":         0x00030000,
	"errno":        0x00050000,
	"user_notify":  0x7fc00000,
	"trace":        0x7ff00000,
	"log":          0x7ffc0000,
	"allow":        0x7fff0000,
}

// encode turns an action, as it is written, into the value for the kernel.
func encode(a seccomp.Action, abi *arch.Info) (uint32, error) {
	kind, data, hasData := strings.Cut(strings.TrimSuffix(a.String(), ")"), "(")
	ret, ok := returns[kind]
	switch {
	case !ok:
		return 0, fmt.Errorf("%v is not an action", a)
	case !hasData && kind == "errno":
		return ret | 1, nil // EPERM
	case !hasData:
		return ret, nil
	}
	if n, err := strconv.ParseUint(data, 0, 16); err == nil {
		return ret | uint32(n), nil
	}
	n, ok := abi.Errno(data)
	if !ok {
		return 0, fmt.Errorf("%s has no errno %s", abi.Name, data)
	}
	return ret | uint32(n), nil
}

// refuses tells whether the call is not made, whatever anybody else says.
func refuses(a seccomp.Action) bool {
	switch kind, _, _ := strings.Cut(a.String(), "("); kind {
	case "errno", "trap", "kill_process", "kill_thread":
		return true
	}
	return false
}
