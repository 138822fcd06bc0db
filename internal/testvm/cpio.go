package testvm

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"sort"
	"strings"
)

// A cpio "newc" archive is the one form of initramfs every kernel unpacks
// (Documentation/driver-api/early-userspace/buffer-format.rst). Writing it
// is a header of 13 hexadecimal fields per file; the libraries for it bring
// whole operating systems with them.

// archive is a file system to be packed; the order of entries is by name, so
// the same content gives the same bytes.
type archive struct {
	entries map[string]entry
}

type entry struct {
	mode    uint32 // S_IF* and permissions
	data    []byte
	rdevMaj uint32
	rdevMin uint32
}

// cpio's file types are stat(2)'s on every host.
const (
	typeDir  = 0o040000
	typeChar = 0o020000
	typeFile = 0o100000
	typeLink = 0o120000
	typeMask = 0o170000
)

func newArchive() *archive { return &archive{entries: map[string]entry{}} }

// add places a regular file at an absolute or relative path; parents are made.
func (a *archive) add(name string, perm fs.FileMode, data []byte) {
	a.put(name, entry{mode: typeFile | uint32(perm.Perm()), data: data})
}

// device places a character device.
func (a *archive) device(name string, perm fs.FileMode, major, minor uint32) {
	a.put(name, entry{mode: typeChar | uint32(perm.Perm()), rdevMaj: major, rdevMin: minor})
}

func (a *archive) symlink(name, target string) {
	a.put(name, entry{mode: typeLink | 0o777, data: []byte(target)})
}

func (a *archive) dir(name string) { a.put(name, entry{mode: typeDir | 0o755}) }

func (a *archive) put(name string, e entry) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return
	}
	for p := path.Dir(name); p != "."; p = path.Dir(p) {
		if _, ok := a.entries[p]; !ok {
			a.entries[p] = entry{mode: typeDir | 0o755}
		}
	}
	a.entries[name] = e
}

// writeTo writes the archive. Sorting by name puts parents before children,
// which the kernel needs.
func (a *archive) writeTo(w io.Writer) error {
	names := make([]string, 0, len(a.entries))
	for n := range a.entries {
		names = append(names, n)
	}
	sort.Strings(names)
	for i, n := range names {
		if err := writeEntry(w, uint32(i+1), n, a.entries[n]); err != nil {
			return fmt.Errorf("pack %s: %w", n, err)
		}
	}
	return writeEntry(w, 0, "TRAILER!!!", entry{})
}

func writeEntry(w io.Writer, ino uint32, name string, e entry) error {
	if uint64(len(e.data)) > 0xffffffff {
		return fmt.Errorf("%d bytes do not fit a cpio header", len(e.data))
	}
	links := uint32(1)
	if e.mode&typeMask == typeDir {
		links = 2
	}
	h := "070701"
	for _, v := range []uint32{ino, e.mode, 0, 0, links, 0, uint32(len(e.data)), 0, 0,
		e.rdevMaj, e.rdevMin, uint32(len(name) + 1), 0} {
		h += fmt.Sprintf("%08X", v)
	}
	h += name + "\x00"
	h += strings.Repeat("\x00", pad4(len(h)))
	if _, err := io.WriteString(w, h); err != nil {
		return err
	}
	if _, err := w.Write(e.data); err != nil {
		return err
	}
	_, err := io.WriteString(w, strings.Repeat("\x00", pad4(len(e.data))))
	return err
}

func pad4(n int) int { return (4 - n%4) % 4 }
