package elfscan

import (
	"debug/elf"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
)

func machineName(f *image.File) string {
	switch f.Machine {
	case elf.EM_MIPS:
		return "mips"
	}
	return f.Machine.String()
}
