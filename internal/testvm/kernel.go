package testvm

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bootable returns a form of a kernel image that qemu's -kernel accepts: some
// of its boards know neither gzip nor the EFI stub's self-unpacking "zboot"
// (drivers/firmware/efi/libstub/zboot-header.S). The result is kept beside the image.
func bootable(image string) (string, error) {
	raw, err := os.ReadFile(image)
	if err != nil {
		return "", err
	}
	plain, err := unpackImage(raw)
	if err != nil {
		return "", fmt.Errorf("unpack kernel %s: %w", image, err)
	}
	if plain == nil {
		return image, nil
	}
	out := filepath.Join(filepath.Dir(filepath.Dir(image)), "plain-"+filepath.Base(filepath.Dir(image)), filepath.Base(image))
	if st, err := os.Stat(out); err == nil && st.Size() == int64(len(plain)) {
		return out, nil
	}
	return out, writeAtomic(out, 0o644, func(w io.Writer) error {
		_, err := w.Write(plain)
		return err
	})
}

// unpackImage returns nil when the image is not packed.
func unpackImage(raw []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(raw, []byte{0x1f, 0x8b}):
		return gunzip(raw)
	case len(raw) > 64 && bytes.HasPrefix(raw, []byte("MZ")) && string(raw[4:8]) == "zimg":
		off, size := binary.LittleEndian.Uint32(raw[8:]), binary.LittleEndian.Uint32(raw[12:])
		if uint64(off)+uint64(size) > uint64(len(raw)) {
			return nil, fmt.Errorf("zboot payload [%d, +%d] lies outside the file's %d bytes", off, size, len(raw))
		}
		payload := raw[off : off+size]
		kind, _, _ := strings.Cut(string(raw[24:56]), "\x00")
		if kind == "gzip" {
			return gunzip(payload)
		}
		return decompress(kind, payload)
	}
	return nil, nil
}

func gunzip(b []byte) ([]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	zr.Multistream(false) // zboot pads after the stream
	return io.ReadAll(zr)
}

// decompress uses the compressor's own program, which is named as zboot names the format.
func decompress(kind string, b []byte) ([]byte, error) {
	program := map[string]string{"zstd": "zstd", "zstd22": "zstd", "xz": "xz", "xzkern": "xz", "lzma": "lzma", "lz4": "lz4"}[kind]
	if program == "" {
		return nil, fmt.Errorf("unknown zboot compression %q", kind)
	}
	cmd := exec.Command(program, "-dc")
	cmd.Stdin = bytes.NewReader(b)
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		return nil, fmt.Errorf("%s -dc: %w%s", program, err, stderrOf(err))
	}
	return out, nil
}
