package cbpf

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

func TestDecodeEncode(t *testing.T) {
	p := Program{{Op: 0x20, K: 4}, {Op: 0x15, Jt: 1, Jf: 2, K: 0xc000003e}, {Op: 0x06, K: 0x7fff0000}}
	little := "\x20\x00\x00\x00\x04\x00\x00\x00\x15\x00\x01\x02\x3e\x00\x00\xc0\x06\x00\x00\x00\x00\x00\xff\x7f"
	big := "\x00\x20\x00\x00\x00\x00\x00\x04\x00\x15\x01\x02\xc0\x00\x00\x3e\x00\x06\x00\x00\x7f\xff\x00\x00"
	for _, c := range []struct {
		order binary.ByteOrder
		text  string
	}{{binary.LittleEndian, little}, {binary.BigEndian, big}} {
		if got := string(p.Encode(c.order)); got != c.text {
			t.Errorf("%v: Encode: have %x, want %x", c.order, got, c.text)
		}
		got, err := Decode([]byte(c.text), c.order)
		if err != nil || !slices.Equal(got, p) {
			t.Errorf("%v: Decode: have %v, %v, want %v", c.order, got, err, p)
		}
		if got, err := DetectOrder([]byte(c.text)); err != nil || got != c.order {
			t.Errorf("DetectOrder: have %v, %v, want %v", got, err, c.order)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "empty"},
		{"1234567", "7 bytes are not a whole number of 8-byte instructions (7 too many)"},
		{"123456789", "9 bytes are not a whole number of 8-byte instructions (1 too many)"},
	} {
		if _, err := Decode([]byte(c.in), binary.LittleEndian); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Decode(%q): have %v, want %q", c.in, err, c.want)
		}
		if _, err := DetectOrder([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("DetectOrder(%q): have %v, want %q", c.in, err, c.want)
		}
	}
}

// An order is found for invalid programs as well when they resemble one; none
// is guessed otherwise.
func TestDetectOrderOfInvalid(t *testing.T) {
	truncated := Program{{Op: 0x20, K: 4}, {Op: 0x15, Jt: 1, Jf: 2, K: 1}}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if got, err := DetectOrder(truncated.Encode(order)); err != nil || got != order {
			t.Errorf("have %v, %v, want %v", got, err, order)
		}
	}
	if got, err := DetectOrder(make([]byte, 16)); err == nil {
		t.Errorf("zeros: have %v, want an error", got)
	}
}

// Every filter that other compilers made is valid and survives a round trip.
func TestFiltersOfOtherCompilers(t *testing.T) {
	files, _ := filepath.Glob("../../shared/bench/filters/*.bpf")
	if len(files) == 0 {
		t.Skip("the filters of other compilers are not present")
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		order, err := DetectOrder(b)
		if err != nil || order != binary.ByteOrder(binary.LittleEndian) {
			t.Errorf("%s: order %v, %v", file, order, err)
			continue
		}
		p, err := Decode(b, order)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if !slices.Equal(p.Encode(order), b) {
			t.Errorf("%s: encoding differs from the file", file)
		}
	}
}

func TestWords(t *testing.T) {
	d := Data{NR: 1, Arch: 2, IP: 0x0000000400000003, Args: [6]uint64{0x0000000600000005, 0, 0, 0, 0, 0x0000000800000007}}
	want := [16]uint32{1, 2, 3, 4, 5, 6, 14: 7, 15: 8}
	if got := d.Words(false); got != want {
		t.Errorf("little: have %v, want %v", got, want)
	}
	want = [16]uint32{1, 2, 4, 3, 6, 5, 14: 8, 15: 7}
	if got := d.Words(true); got != want {
		t.Errorf("big: have %v, want %v", got, want)
	}
}

var bpfReturn = bpf.RawInstruction{Op: 0x06, K: 0x7fff0000}
