package elfscan_test

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// hostile is an x86_64 file that is put together header by header.
type hostile struct {
	header elf.Header64
	progs  []elf.Prog64
	sects  []elf.Section64
	data   []byte // at 0x1000, and mapped at 0x401000

	extended bool // the number of sections is in the first
}

const (
	hostileData = 0x1000
	hostileBase = 0x400000
	hostileAddr = hostileBase + hostileData
)

// newHostile starts with a program that calls getpid, mapped as one readable,
// writable and executable segment.
func newHostile() *hostile {
	h := &hostile{data: make([]byte, 0x8000)}
	copy(h.data, "\xb8\x27\x00\x00\x00\x0f\x05\x0f\x0b") // mov eax,39; syscall; ud2
	h.header = elf.Header64{Ident: [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64),
		Version: 1, Entry: hostileAddr, Phoff: 64, Ehsize: 64, Phentsize: 56, Shentsize: 64}
	h.load(hostileData, hostileAddr, uint64(len(h.data)), uint64(len(h.data)))
	return h
}

func (h *hostile) load(off, addr, filesz, memsz uint64) {
	h.prog(elf.PT_LOAD, off, addr, filesz, memsz)
}

func (h *hostile) prog(t elf.ProgType, off, addr, filesz, memsz uint64) {
	h.progs = append(h.progs, elf.Prog64{Type: uint32(t), Flags: 7, Off: off, Vaddr: addr, Paddr: addr, Filesz: filesz, Memsz: memsz, Align: 0x1000})
}

// dynamic puts a dynamic section with tags at the end of the data.
func (h *hostile) dynamic(tags ...uint64) {
	at := len(h.data) - 8*(len(tags)+2)
	for i, v := range append(tags, 0, 0) {
		binary.LittleEndian.PutUint64(h.data[at+8*i:], v)
	}
	h.prog(elf.PT_DYNAMIC, uint64(hostileData+at), uint64(hostileAddr+at), uint64(8*len(tags)), uint64(8*len(tags)))
}

func (h *hostile) put32(at int, v ...uint32) {
	for i, w := range v {
		binary.LittleEndian.PutUint32(h.data[at+4*i:], w)
	}
}

// bytes lays the file out: headers, data, and section headers at the end. More
// program headers than fit before the data follow them.
func (h *hostile) bytes() []byte {
	var b bytes.Buffer
	head := h.header
	tail := int64(hostileData + len(h.data))
	if len(h.progs)*56+64 > hostileData {
		head.Phoff = uint64(tail)
		tail += int64(len(h.progs) * 56)
	}
	if head.Phnum == 0 {
		head.Phnum = uint16(len(h.progs))
	}
	if len(h.sects) > 0 {
		head.Shoff = uint64(tail)
		if !h.extended {
			head.Shnum = uint16(len(h.sects))
		}
	}
	_ = binary.Write(&b, binary.LittleEndian, head) // a bytes.Buffer does not fail
	if head.Phoff == 64 {
		_ = binary.Write(&b, binary.LittleEndian, h.progs)
	}
	b.Write(make([]byte, hostileData-b.Len()))
	b.Write(h.data)
	if head.Phoff != 64 {
		_ = binary.Write(&b, binary.LittleEndian, h.progs)
	}
	_ = binary.Write(&b, binary.LittleEndian, h.sects)
	return b.Bytes()
}

// hostileFiles are files that claim what is not there, or the same many times,
// and what the error or the notes of a partial result say; "" if the program
// is read all the same.
var hostileFiles = []struct {
	name, want string
	make       func(h *hostile)
}{
	{"2^32 section headers by extended numbering", "section headers ignored", func(h *hostile) {
		h.sects, h.extended = []elf.Section64{{Size: 1 << 32}}, true
	}},
	{"2^64-1 section headers by extended numbering", "section headers ignored", func(h *hostile) {
		h.sects, h.extended = []elf.Section64{{Size: 1<<64 - 1, Link: 1 << 31}}, true
		h.header.Shstrndx = 0xffff
	}},
	{"65535 program headers", "65535 program headers", func(h *hostile) { h.header.Phnum = 0xffff }},
	{"4096 segments on top of each other and 60000 sections", "segments overlap", func(h *hostile) {
		for i := uint64(1); i < 4096; i++ {
			h.load(hostileData, hostileAddr+8*i, 1024, 1024)
		}
		h.sects = make([]elf.Section64, 60000)
		for i := range h.sects {
			h.sects[i] = elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_EXECINSTR), Off: hostileData, Addr: hostileAddr + uint64(i%0x4000), Size: 0x4000}
		}
	}},
	{"segments that map the file again and again", "map the file more than twice", func(h *hostile) {
		for i := uint64(1); i < 4096; i++ {
			h.load(hostileData, hostileAddr+i<<20, uint64(len(h.data)), uint64(len(h.data)))
		}
	}},
	{"segments of 4 GiB in all, from the same bytes", "map the file more than twice", func(h *hostile) {
		h.data = append(h.data, make([]byte, 2<<20)...)
		for i := uint64(1); i < 1900; i++ {
			h.load(hostileData, hostileAddr+i<<21, 2<<20, 2<<20)
		}
	}},
	{"a segment of 4 GiB beyond its bytes in the file", "", func(h *hostile) { h.progs[0].Memsz = 1<<32 - hostileAddr - 1 }},
	{"nested sections", "", func(h *hostile) {
		h.sects = make([]elf.Section64, 1000)
		for i := range h.sects {
			h.sects[i] = elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_EXECINSTR), Off: hostileData + uint64(i), Addr: hostileAddr + uint64(i), Size: 0x4000 - uint64(2*i)}
		}
	}},
	{"DT_HASH of 2^32-1 symbols", "dynamic symbol table of", func(h *hostile) {
		h.put32(0x1000, 1<<32-1, 1<<32-1)
		h.dynamic(uint64(elf.DT_HASH), hostileAddr+0x1000, uint64(elf.DT_SYMTAB), hostileAddr, uint64(elf.DT_STRTAB), hostileAddr, uint64(elf.DT_STRSZ), 1<<63)
	}},
	{"DT_GNU_HASH of 2^32-1 buckets", "hash table at", func(h *hostile) {
		h.put32(0x1000, 1<<32-1, 1, 1<<32-1, 6)
		h.dynamic(uint64(elf.DT_GNU_HASH), hostileAddr+0x1000, uint64(elf.DT_SYMTAB), hostileAddr, uint64(elf.DT_STRTAB), hostileAddr, uint64(elf.DT_STRSZ), 1<<63)
	}},
	{"DT_GNU_HASH with a chain that does not end", "dynamic symbol table of", func(h *hostile) {
		h.put32(0x1000, 1, 1, 1, 6, 0, 0, 1<<32-8)
		h.dynamic(uint64(elf.DT_GNU_HASH), hostileAddr+0x1000, uint64(elf.DT_SYMTAB), hostileAddr+0x100, uint64(elf.DT_STRTAB), hostileAddr, uint64(elf.DT_STRSZ), 1<<63)
		h.progs[0].Memsz = 1 << 31
	}},
	{"symbols in zeros beyond the file", "dynamic symbol table of", func(h *hostile) {
		h.put32(0x1000, 1<<32-1, 1<<32-1)
		h.progs[0].Memsz = 1 << 31
		h.dynamic(uint64(elf.DT_HASH), hostileAddr+0x1000, uint64(elf.DT_SYMTAB), hostileAddr+1<<20, uint64(elf.DT_STRTAB), hostileAddr, uint64(elf.DT_STRSZ), 1<<63)
	}},
	{"relocation tables of 2^64-1 bytes", "relocation table at", func(h *hostile) {
		h.dynamic(uint64(elf.DT_RELA), hostileAddr, uint64(elf.DT_RELASZ), 1<<64-1, uint64(elf.DT_JMPREL), hostileAddr, uint64(elf.DT_PLTRELSZ), 1<<64-24, 35, 1<<64-8, 36, hostileAddr)
	}},
	{"a relocation table that relocates itself", "", func(h *hostile) {
		for at := 0x1000; at < 0x4000; at += 24 {
			h.put32(at, uint32(hostileAddr+at+8), 0, uint32(elf.R_X86_64_RELATIVE), 0, uint32(hostileAddr+at), 0)
		}
		h.dynamic(uint64(elf.DT_RELA), hostileAddr+0x1000, uint64(elf.DT_RELASZ), 0x3000, uint64(elf.DT_JMPREL), hostileAddr+0x1008, uint64(elf.DT_PLTRELSZ), 0x2ff0, uint64(elf.DT_PLTREL), 7)
	}},
	{"RELR of bitmaps alone", "", func(h *hostile) {
		for at := 0x1000; at < 0x7000; at++ {
			h.data[at] = 0xff
		}
		h.dynamic(36, hostileAddr+0x1000, 35, 0x6000)
	}},
	{"RELR that names one word again and again", "", func(h *hostile) {
		for at := 0x1000; at < 0x7000; at += 16 {
			h.put32(at, hostileAddr+0x7000, 0, 1<<32-1, 1<<32-1)
		}
		h.dynamic(36, hostileAddr+0x1000, 35, 0x6000)
	}},
	{"a Go function table of 2^32 functions", "has 4294967296 functions", func(h *hostile) {
		h.put32(0x1000, 0xfffffff1, 0x08010000, 0, 1, 0, 0, 0, 0)
		h.sects = []elf.Section64{{}, {Name: 1, Type: 1, Flags: 2, Off: hostileData + 0x1000, Addr: hostileAddr + 0x1000, Size: 0x1000},
			{Type: uint32(elf.SHT_STRTAB), Off: hostileData + 0x4000, Size: 0x100}}
		copy(h.data[0x4000:], "\x00.gopclntab\x00")
		h.header.Shstrndx = 2
	}},
	{".eh_frame whose entries have no length, or all", "", func(h *hostile) {
		h.put32(0x1000, 4, 0, 1<<32-1, 1<<32-1, 1<<32-1, 0)
		h.put32(0x1020, 1<<32-1, 1<<32-8, 1<<32-1)
		h.ehFrame(0x1000)
	}},
	{".eh_frame of entries that overlap their CIE", "", func(h *hostile) {
		copy(h.data[0x1000:], "\x10\x00\x00\x00\x00\x00\x00\x00\x01zR\x00\x01\x78\x10\x01\x1b\x00\x00\x00")
		for at := 0x1014; at < 0x7000; at += 16 { // each an FDE of the CIE for code from its own length to the end of the code
			h.put32(at, 12, uint32(at+4-0x1000), uint32(0x1000-at-8+at%0xfff), 0x7000)
		}
		h.ehFrame(0x1000)
	}},
	{"a symbol table of 2^32 entries", "a section reaches beyond the end", func(h *hostile) {
		h.sects = []elf.Section64{{}, {Type: uint32(elf.SHT_SYMTAB), Off: hostileData, Size: 24 << 32, Link: 1, Entsize: 24},
			{Type: uint32(elf.SHT_SYMTAB), Off: hostileData, Size: uint64(len(h.data)), Link: 2, Entsize: 1}}
	}},
	{"60000 symbol tables in the same bytes", "", func(h *hostile) {
		h.sects = make([]elf.Section64, 60000)
		for i := range h.sects {
			h.sects[i] = elf.Section64{Type: uint32(elf.SHT_SYMTAB), Off: hostileData, Size: uint64(len(h.data)), Link: 1, Entsize: 24}
		}
	}},
	{"16384 libraries, and as many search paths", "too many places", func(h *hostile) {
		for at := 0x1000; at < 0x2000; at++ {
			h.data[at] = ':' - byte(at%2) // 9:9:9:…
		}
		tags := []uint64{uint64(elf.DT_STRTAB), hostileAddr, uint64(elf.DT_STRSZ), 0x8000}
		h.data = append(h.data, make([]byte, 1<<19)...)
		h.progs[0].Filesz, h.progs[0].Memsz = uint64(len(h.data)), uint64(len(h.data))
		for i := uint64(0); i < 16000; i++ {
			tags = append(tags, uint64(elf.DT_NEEDED), 0x1000+2*(i%2000), uint64(elf.DT_RPATH), 0x1001)
		}
		h.dynamic(tags...)
	}},
	{"an interpreter of 2^63 bytes, and 2000 of them", "reaches beyond the end", func(h *hostile) {
		for range 2000 {
			h.prog(elf.PT_INTERP, hostileData, hostileAddr, 1<<63-1, 1<<62)
		}
	}},
	{"notes that say they are 2^32-1 bytes", "", func(h *hostile) {
		h.put32(0x1000, 1<<32-1, 1<<32-1, 3)
		for range 4000 {
			h.prog(elf.PT_NOTE, hostileData+0x1000, hostileAddr+0x1000, 0x7000, 0x7000)
		}
	}},
	{"code that calls everywhere", "", func(h *hostile) {
		h.data = append(h.data, bytes.Repeat([]byte{0xe8, 1, 0, 0, 0, 0x0f, 0x05}, 1<<17)...)
		h.progs[0].Filesz, h.progs[0].Memsz = uint64(len(h.data)), uint64(len(h.data))
	}},
}

func (h *hostile) ehFrame(at int) {
	h.sects = []elf.Section64{{}, {Name: 1, Type: 1, Flags: 2, Off: uint64(hostileData + at), Addr: uint64(hostileAddr + at), Size: 0x6000},
		{Type: uint32(elf.SHT_STRTAB), Off: hostileData + 0x7000, Size: 0x100}}
	copy(h.data[0x7000:], "\x00.eh_frame\x00")
	h.header.Shstrndx = 2
}

// Bounds on the memory that is allocated in all, most of it garbage soon, and
// on seconds of CPU time: a hundred times what the scan of an honest file of
// a megabyte takes; and for files that are as large as they say.
const (
	hostileMemory = 800 << 20
	hugeMemory    = 1 << 30
	codeMemory    = 1200 << 20 // for each MiB of code
	hostileTime   = 20
)

// bounded scans and fails on an error that is not about the format, or when
// more than the bounds was used.
func bounded(t *testing.T, r io.ReaderAt, size int64, opt *elfscan.Options, most uint64) (*elfscan.Result, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuSeconds()
	o := elfscan.Options{Sysroot: t.TempDir()}
	if opt != nil {
		o = *opt
	}
	o.Size = size
	res, err := elfscan.Scan(context.Background(), r, &o)
	used := cpuSeconds() - start
	runtime.ReadMemStats(&after)
	memory := after.TotalAlloc - before.TotalAlloc
	if (res == nil) == (err == nil) {
		t.Fatalf("result %v, error %v", res, err)
	}
	if err != nil && !errors.Is(err, elfscan.ErrFormat) {
		t.Errorf("error %v is not about the format", err)
	}
	t.Logf("%d MiB, %.1f s, error %v", memory>>20, used, err)
	if res != nil {
		t.Logf("partial %v, calls %d, notes %.300q", res.Partial, len(res.Calls), res.Notes)
	}
	if memory > most || used > hostileTime {
		t.Errorf("%d MiB allocated and %.1f s used, want at most %d MiB and %d s", memory>>20, used, most>>20, hostileTime)
	}
	return res, err
}

func TestHostileFiles(t *testing.T) {
	for _, c := range hostileFiles {
		t.Run(c.name, func(t *testing.T) {
			h := newHostile()
			c.make(h)
			b := h.bytes()
			res, err := bounded(t, bytes.NewReader(b), int64(len(b)), nil, hostileMemory)
			switch {
			case err != nil:
				if c.want == "" || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
			case !slices.Contains(names(res), "getpid"):
				t.Error("getpid is missed")
			case res.Partial != (c.want != "") || !strings.Contains(strings.Join(res.Notes, "\n"), c.want):
				t.Errorf("partial %v, notes %q, want %q", res.Partial, res.Notes, c.want)
			}
		})
	}
}

// sparse is a file of any size: some bytes, and zeros or a pattern behind them.
type sparse struct {
	head []byte
	fill []byte
}

func newSparse(head []byte, fill string) sparse {
	return sparse{head, bytes.Repeat([]byte(fill), 4096)}
}

func (s sparse) ReadAt(b []byte, off int64) (int, error) {
	n := 0
	if off < int64(len(s.head)) {
		n = copy(b, s.head[off:])
	}
	if len(s.fill) == 0 {
		clear(b[n:])
		return len(b), nil
	}
	for i := n; i < len(b); {
		i += copy(b[i:], s.fill[(off+int64(i))%int64(len(s.fill)):])
	}
	return len(b), nil
}

// TestHostileSize: what a reader claims to hold is read only as far as it has
// to be.
func TestHostileSize(t *testing.T) {
	for _, c := range hostileFiles {
		for _, fill := range []string{"", "\x01\x00\x00\x00"} {
			t.Run(fmt.Sprintf("%s and %q", c.name, fill), func(t *testing.T) {
				h := newHostile()
				c.make(h)
				n := uint64(len(h.data))
				h.load(hostileData+n, hostileAddr+n, 512<<20, 512<<20)
				h.progs[len(h.progs)-1].Flags = uint32(elf.PF_R | elf.PF_W)
				bounded(t, newSparse(h.bytes(), fill), 1<<40, nil, hugeMemory)
			})
		}
	}
}

// TestHostileCode: code that is not, or is one reference beside the other.
func TestHostileCode(t *testing.T) {
	for _, fill := range []string{"", "\xff", "\xe8\x01\x00\x00\x00", "\x0f\x05", "\xe9\x00\x00\x00\x00", "\xc3", "\x48\x8d\x05\x00\x00\x00\x00", "\x74\x01"} {
		t.Run(fmt.Sprintf("%q", fill), func(t *testing.T) {
			h := newHostile()
			h.progs[0].Filesz, h.progs[0].Memsz = 1<<20, 1<<20
			bounded(t, newSparse(h.bytes(), fill), 1<<40, nil, codeMemory)
			h.progs[0].Filesz, h.progs[0].Memsz = 2<<30, 2<<30
			if _, err := bounded(t, newSparse(h.bytes(), fill), 1<<40, nil, hostileMemory); err == nil {
				t.Error("2 GiB of code are read")
			}
		})
	}
}

func writeFile(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o755); err != nil {
		t.Fatal(err)
	}
}
