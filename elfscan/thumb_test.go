package elfscan

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// TestThumbIsRefused: without a decoder the result would be wrong, so a file
// whose entry is Thumb code is an error.
func TestThumbIsRefused(t *testing.T) {
	var file bytes.Buffer
	ident := [16]byte{0x7f, 'E', 'L', 'F', 1, 1, 1}
	const base, headers = 0x10000, 52 + 32
	for _, v := range []any{
		elf.Header32{Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_ARM), Version: 1, Entry: base + headers + 1,
			Phoff: 52, Flags: 0x05000000, Ehsize: 52, Phentsize: 32, Phnum: 1},
		elf.Prog32{Type: uint32(elf.PT_LOAD), Vaddr: base, Filesz: headers + 8, Memsz: headers + 8, Flags: uint32(elf.PF_R | elf.PF_X), Align: 4096},
		[4]uint16{0x2701, 0x2000, 0xdf00, 0xe7fe}, // movs r7, #1; movs r0, #0; svc 0; b .
	} {
		if err := binary.Write(&file, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Scan(t.Context(), bytes.NewReader(file.Bytes()), nil)
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "Thumb") {
		t.Errorf("error %v, want one about Thumb code", err)
	}
}
