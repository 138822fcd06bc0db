package image

import (
	"encoding/binary"
	"io"
	"math/rand"
	"os"
	"strings"
	"testing"
)

// numbered is a file in which every word of four bytes is a quarter of its
// offset.
type numbered int64

func (n numbered) ReadAt(b []byte, off int64) (int, error) {
	for i := range b {
		if off+int64(i) >= int64(n) {
			return i, io.EOF
		}
		at := uint64(off) + uint64(i)
		b[i] = byte(at >> 2 >> (8 * (at & 3)))
	}
	return len(b), nil
}

// TestPages reads more than the cache has room for, in places that are near
// each other and far.
func TestPages(t *testing.T) {
	const size = 2*maxPages*pageSize + 100
	f := &File{r: numbered(size), fileSize: size, Order: binary.LittleEndian, pages: map[uint64][]byte{},
		loads: []Prog{{Vaddr: 4096, Filesz: size / 2, Memsz: size / 2}, {Vaddr: size, Off: size / 2, Filesz: size / 2, Memsz: size}}}
	r := rand.New(rand.NewSource(1))
	at := uint64(0)
	for range 20000 {
		if r.Intn(4) == 0 {
			at = uint64(r.Int63n(size))
		}
		at = min((at+uint64(r.Intn(pageSize)))&^3, size-4)
		addr := at + 4096
		if at >= size/2 {
			addr = size + at - size/2
		}
		if v, ok := f.Uint(addr, 4); !ok || v != at>>2 {
			t.Fatalf("at %#x is %#x, %v, want %#x", at, v, ok, at>>2)
		}
	}
	if v, ok := f.Uint(size+size/2, 8); !ok || v != 0 {
		t.Errorf("behind the file's part of a segment is %#x, %v, want zero", v, ok)
	}
	if _, ok := f.Uint(4096+size/2, 4); ok {
		t.Error("read between the segments")
	}
}

// TestGoNames compares what is found by name with all names.
func TestGoNames(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(r, info.Size())
	if err != nil {
		t.Skipf("tests are no ELF files here: %v", err)
	}
	table, err := f.GoTable()
	if table == nil {
		t.Fatalf("no function table: %v", err)
	}
	prefixes := []string{"testing.(*", "runtime.mallocgcSmallScanNoHeader", "os.Exit", "none"}
	want := map[int]string{}
	for i := range table.Len() {
		for _, p := range prefixes {
			if name := table.Name(i); strings.HasPrefix(name, p) {
				want[i] = name
			}
		}
	}
	table.Find(prefixes, func(i int, name string) {
		if want[i] != name {
			t.Errorf("found %d, %s", i, name)
		}
		delete(want, i)
	})
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
	has := table.HasNames([]string{"testing.tRunner", "testing.tRunne", "esting.tRunner", "main.main", "no.Such"})
	if !has["testing.tRunner"] || !has["main.main"] || len(has) != 2 {
		t.Errorf("names: %v", has)
	}
}
