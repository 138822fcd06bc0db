package cbpf

import (
	"fmt"

	"golang.org/x/net/bpf"
)

func text(in bpf.RawInstruction) string {
	return fmt.Sprintf(".raw %#04x %d %d %#x", in.Op, in.Jt, in.Jf, in.K)
}
