package elfscan_test

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// library is a file that ld.so would load: it calls getpid from DT_INIT.
type library struct {
	interp, soname, rpath, runpath string
	needed                         []string
	flags1                         uint64
	machine                        elf.Machine // 0: x86_64
}

func (l library) bytes() []byte {
	h := newHostile()
	strs := []byte{0}
	str := func(s string) uint64 {
		at := len(strs)
		strs = append(append(strs, s...), 0)
		return uint64(at)
	}
	const strtab = 0x1000
	tags := []uint64{uint64(elf.DT_STRTAB), hostileAddr + strtab, uint64(elf.DT_STRSZ), 0x1000, uint64(elf.DT_INIT), hostileAddr, uint64(elf.DT_FLAGS_1), l.flags1}
	add := func(tag elf.DynTag, s string) {
		if s != "" {
			tags = append(tags, uint64(tag), str(strings.TrimPrefix(s, "empty")))
		}
	}
	add(elf.DT_SONAME, l.soname)
	add(elf.DT_RPATH, l.rpath)
	add(elf.DT_RUNPATH, l.runpath)
	for _, n := range l.needed {
		add(elf.DT_NEEDED, n)
	}
	h.dynamic(tags...)
	if l.interp != "" {
		h.prog(elf.PT_INTERP, hostileData+strtab+str(l.interp), 0, uint64(len(l.interp)+1), uint64(len(l.interp)+1))
	}
	copy(h.data[strtab:], strs)
	if l.machine != 0 {
		h.header.Machine = uint16(l.machine)
	}
	return h.bytes()
}

const (
	glibcInterp = "/lib64/ld-linux-x86-64.so.2"
	muslInterp  = "/lib/ld-musl-x86_64.so.1"
)

// searches are roots, and what of them ld.so(8), or musl, loads for /app/bin/main.
var searches = []struct {
	name  string
	main  library
	files map[string]any // libraries, text, or "-> target" for links
	path  []string
	want  []string // without the program
	note  string
}{
	{"RPATH is inherited", library{needed: []string{"liba.so"}, rpath: "$ORIGIN/../lib"},
		map[string]any{"/app/lib/liba.so": library{needed: []string{"libb.so"}}, "/app/lib/libb.so": library{}},
		nil, []string{"/app/lib/liba.so", "/app/lib/libb.so"}, ""},
	{"RUNPATH is not", library{needed: []string{"liba.so"}, runpath: "${ORIGIN}/../lib"},
		map[string]any{"/app/lib/liba.so": library{needed: []string{"libb.so"}}, "/app/lib/libb.so": library{}, "/usr/lib/libb.so": library{}},
		nil, []string{"/app/lib/liba.so", "/usr/lib/libb.so"}, ""},
	{"RUNPATH hides RPATH of the same file, even if empty", library{needed: []string{"liba.so"}, rpath: "/one", runpath: "empty"},
		map[string]any{"/one/liba.so": library{}, "/lib/liba.so": library{}}, nil, []string{"/lib/liba.so"}, ""},
	{"a library with RUNPATH inherits no RPATH", library{needed: []string{"liba.so"}, rpath: "/one"},
		map[string]any{"/one/liba.so": library{needed: []string{"libb.so"}, runpath: "/none"}, "/one/libb.so": library{}, "/lib/libb.so": library{}},
		nil, []string{"/one/liba.so", "/lib/libb.so"}, ""},
	{"RPATH, then LD_LIBRARY_PATH, then RUNPATH", library{needed: []string{"liba.so", "libb.so"}, rpath: "/r"},
		map[string]any{"/r/liba.so": library{needed: []string{"libc1.so"}, runpath: "/run"}, "/env/liba.so": library{}, "/env/libb.so": library{},
			"/env/libc1.so": library{}, "/run/libc1.so": library{}},
		[]string{"/env"}, []string{"/r/liba.so", "/env/libb.so", "/env/libc1.so"}, ""},
	{"musl: LD_LIBRARY_PATH first, and RUNPATH inherited", library{interp: muslInterp, needed: []string{"liba.so", "libd.so"}, runpath: "$ORIGIN/../lib"},
		map[string]any{"/app/lib/liba.so": library{needed: []string{"libb.so", "libpthread.so.0"}}, "/app/lib/libb.so": library{}, "/app/lib/libd.so": library{}, "/env/libd.so": library{},
			muslInterp: library{soname: "libc.so"}},
		[]string{"/env"}, []string{"/app/lib/liba.so", "/env/libd.so", "/app/lib/libb.so", muslInterp}, ""},
	{"musl: the path file, beside its directory", library{interp: "/opt/lib/ld-musl-x86_64.so.1", needed: []string{"liba.so"}},
		map[string]any{"/opt/lib/ld-musl-x86_64.so.1": library{}, "/opt/etc/ld-musl-x86_64.path": "/p\n/q:/s\n", "/s/liba.so": library{}, "/lib/liba.so": library{}},
		nil, []string{"/s/liba.so", "/opt/lib/ld-musl-x86_64.so.1"}, ""},
	{"built-in directories are read from ld.so", library{interp: glibcInterp, needed: []string{"liba.so", "libb.so"}, runpath: "/app/$LIB"},
		map[string]any{glibcInterp: "ld.so /nix/store/x-glibc/lib64/", "/nix/store/x-glibc/lib64/liba.so": library{}, "/usr/lib/liba.so": library{}, "/app/lib64/libb.so": library{}},
		nil, []string{"/nix/store/x-glibc/lib64/liba.so", "/app/lib64/libb.so", glibcInterp}, ""},
	{"ld.so.cache goes before the built-in directories", library{interp: glibcInterp, needed: []string{"liba.so"}},
		map[string]any{glibcInterp: "ld.so /lib/", "/etc/ld.so.cache": "cache liba.so=/far/liba.so", "/far/liba.so": library{}, "/lib/liba.so": library{}},
		nil, []string{"/far/liba.so", glibcInterp}, ""},
	{"a stale ld.so.cache", library{interp: glibcInterp, needed: []string{"liba.so"}},
		map[string]any{glibcInterp: "ld.so /lib/", "/etc/ld.so.cache": "cache liba.so=/gone/liba.so", "/lib/liba.so": library{}},
		nil, []string{"/lib/liba.so", glibcInterp}, ""},
	{"ld.so.conf without a cache", library{interp: glibcInterp, needed: []string{"liba.so"}},
		map[string]any{glibcInterp: "ld.so /lib/", "/etc/ld.so.conf": "# all\ninclude ld.so.conf.d/*.conf\n", "/etc/ld.so.conf.d/z.conf": "include ../more/[a-z].conf # x\n",
			"/etc/more/n.conf": "/opt/x \n", "/opt/x/liba.so": library{}},
		nil, []string{"/opt/x/liba.so", glibcInterp}, "ldconfig"},
	{"an ld.so.conf that includes itself", library{needed: []string{"liba.so"}},
		map[string]any{"/etc/ld.so.conf": "include *.conf ld.so.* /etc/ld.so.conf\n/opt/x\n", "/opt/x/liba.so": library{}}, nil, []string{"/opt/x/liba.so"}, ""},
	{"DF_1_NODEFLIB hides the built-in directories alone", library{interp: glibcInterp, needed: []string{"liba.so"}, flags1: uint64(elf.DF_1_NODEFLIB)},
		map[string]any{glibcInterp: "ld.so /lib/", "/etc/ld.so.cache": "cache liba.so=/lib/liba.so liba.so=/far/liba.so", "/far/liba.so": library{}, "/lib/liba.so": library{}},
		nil, []string{"/far/liba.so", glibcInterp}, ""},
	{"variants for processors are read too", library{interp: glibcInterp, needed: []string{"liba.so"}, runpath: "/x"},
		map[string]any{glibcInterp: "ld.so /lib/", "/x/liba.so": library{}, "/x/glibc-hwcaps/x86-64-v3/liba.so": library{needed: []string{"libb.so"}}, "/lib/libb.so": library{},
			"/x/glibc-hwcaps/x86-64-v4/other": "", "/x/haswell/liba.so": library{}},
		nil, []string{"/x/liba.so", glibcInterp, "/x/glibc-hwcaps/x86-64-v3/liba.so", "/lib/libb.so", "/x/haswell/liba.so"}, "x86-64-v3"},
	{"libraries of other machines and what is no path are skipped", library{needed: []string{"liba.so"}, rpath: "/arm:/etc/passwd/x:" + strings.Repeat("/l", 1000) + ":/lib"},
		map[string]any{"/arm/liba.so": library{machine: elf.EM_AARCH64}, "/etc/passwd": "", "/lib/liba.so": library{}}, nil, []string{"/lib/liba.so"}, ""},
	{"ld.so.preload", library{interp: glibcInterp, needed: []string{"liba.so"}},
		map[string]any{glibcInterp: "ld.so /lib/", "/etc/ld.so.preload": "# first\n/opt/pre.so\n", "/opt/pre.so": library{}, "/lib/liba.so": library{}},
		nil, []string{"/opt/pre.so", "/lib/liba.so", glibcInterp}, ""},
	{"two files of one name inside are two libraries", library{needed: []string{"liba.so.1", "/opt/liba.so"}},
		map[string]any{"/lib/liba.so.1": library{soname: "liba.so.1"}, "/opt/liba.so": library{soname: "liba.so.1"}}, nil, []string{"/lib/liba.so.1", "/opt/liba.so"}, ""},
	{"a library that is called as the program", library{soname: "main", needed: []string{"liba.so"}, rpath: "/x"},
		map[string]any{"/x/liba.so": library{soname: "main", needed: []string{"liba.so", "main", "libb.so"}}, "/x/libb.so": library{}}, nil, []string{"/x/liba.so", "/x/libb.so"}, ""},
	{"a circle", library{needed: []string{"liba.so"}, rpath: "$ORIGIN/$ORIGIN/../lib:$ORIGIN/../lib"},
		map[string]any{"/app/lib/liba.so": library{needed: []string{"libb.so"}}, "/app/lib/libb.so": library{needed: []string{"liba.so", "libb.so"}}},
		nil, []string{"/app/lib/liba.so", "/app/lib/libb.so"}, ""},
	{"absolute links stay in the root", library{needed: []string{"liba.so"}, rpath: "/link:/up"},
		map[string]any{"/link": "-> /real/dir", "/real/dir/liba.so": "-> ../../../../../../other/liba.so", "/other/liba.so": library{}}, nil, []string{"/link/liba.so"}, ""},
}

// fakeCache is an ld.so.cache of glibc 2.2 and later (sysdeps/generic/dl-cache.h).
func fakeCache(entries []string) []byte {
	var b bytes.Buffer
	b.WriteString("glibc-ld.so.cache1.1")
	header := [7]uint32{uint32(len(entries))}
	_ = binary.Write(&b, binary.LittleEndian, header) // a bytes.Buffer does not fail
	var strs []byte
	base := 48 + 24*len(entries)
	for _, e := range entries {
		name, path, _ := strings.Cut(e, "=")
		at := uint32(base + len(strs))
		_ = binary.Write(&b, binary.LittleEndian, [6]uint32{0x303, at, at + uint32(len(name)) + 1})
		strs = append(append(append(append(strs, name...), 0), path...), 0)
	}
	b.Write(strs)
	return b.Bytes()
}

func makeRoot(t *testing.T, files map[string]any) string {
	t.Helper()
	root := t.TempDir()
	for name, what := range files {
		path := filepath.Join(root, name)
		if l, ok := what.(library); ok {
			writeFile(t, path, l.bytes())
			continue
		}
		text := what.(string)
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b := []byte(text)
		if dirs, ok := strings.CutPrefix(text, "ld.so "); ok {
			b = append(library{}.bytes(), "\x00"+strings.ReplaceAll(dirs, " ", "\x00")+"\x00"...)
		}
		if entries, ok := strings.CutPrefix(text, "cache "); ok {
			b = fakeCache(strings.Fields(entries))
		}
		writeFile(t, path, b)
	}
	return root
}

func modules(r *elfscan.Result) (out []string) {
	for _, m := range r.Modules[1:] {
		out = append(out, m.Path)
	}
	return out
}

func TestSearch(t *testing.T) {
	for _, c := range searches {
		t.Run(c.name, func(t *testing.T) {
			root := makeRoot(t, c.files)
			b := c.main.bytes()
			if err := os.MkdirAll(filepath.Join(root, "app/lib"), 0o755); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(root, "/app/bin/main"), b)
			if err := os.Symlink("/app/bin/main", filepath.Join(root, "start")); err != nil {
				t.Fatal(err)
			}
			res, err := bounded(t, bytes.NewReader(b), int64(len(b)), &elfscan.Options{Path: "/start", Sysroot: root, LibraryPath: c.path}, hostileMemory)
			if err != nil {
				t.Fatal(err)
			}
			if got := modules(res); !slices.Equal(got, c.want) || res.Partial {
				t.Errorf("partial %v, read %q, want %q; notes %q", res.Partial, got, c.want, res.Notes)
			}
			if !strings.Contains(strings.Join(res.Notes, "\n"), c.note) {
				t.Errorf("notes %q, want %q", res.Notes, c.note)
			}
		})
	}
}

// TestHostileRoots: what stands in place of libraries does not block, and what
// is missing is said.
func TestHostileRoots(t *testing.T) {
	chain := map[string]any{}
	for i := range 10000 {
		chain[fmt.Sprintf("/lib/lib%d.so", i)] = fmt.Sprint(i)
	}
	for _, c := range []struct {
		name  string
		main  library
		files map[string]any
		pipe  string // a FIFO
		want  string
	}{
		{"a FIFO", library{needed: []string{"liba.so"}}, nil, "/lib/liba.so", "not a regular file"},
		{"a FIFO for a configuration", library{needed: []string{"liba.so"}}, nil, "/etc/ld.so.conf", "not found"},
		{"a directory", library{needed: []string{"liba.so"}}, map[string]any{"/lib/liba.so/x": ""}, "", "not a regular file"},
		{"a device", library{needed: []string{"liba.so"}}, map[string]any{"/lib/liba.so": "-> /dev/zero"}, "", "not found"},
		{"links in a circle", library{needed: []string{"liba.so"}}, map[string]any{"/lib/liba.so": "-> libb.so", "/lib/libb.so": "-> /lib/liba.so"}, "", "not found"},
		{"directories that link to each other", library{needed: []string{"liba.so"}, rpath: "/a/a/a"}, map[string]any{"/a": "-> b", "/b": "-> a/c"}, "", "not found"},
		{"a linker script", library{needed: []string{"liba.so"}}, map[string]any{"/lib/liba.so": "/* GNU ld script */\nGROUP ( /lib/libb.so )\n"}, "", "no ELF magic number"},
		{"no interpreter", library{interp: glibcInterp}, nil, "", glibcInterp},
		{"an interpreter that is the program", library{interp: "/app/bin/main", needed: []string{"main"}}, nil, "", "not found"},
		{"a library outside of the root", library{needed: []string{"../../../../../../../../etc/hostname", "liba.so"}, rpath: "/../../../../../../../etc"}, map[string]any{"/lib/liba.so": "-> ../../../../../../../etc/hostname"}, "", "not found"},
		{"a name for a terminal", library{needed: []string{"li\x1b[31m\n.so"}}, nil, "", "li\ufffd[31m\ufffd.so"},
		{"a hostile cache", library{needed: []string{"liba.so"}}, map[string]any{"/etc/ld.so.cache": "glibc-ld.so.cache1.1" + strings.Repeat("\xff", 100)}, "", "not found"},
		{"10,000 libraries in a chain", library{needed: []string{"lib0.so"}}, chain, "", "more than 512 libraries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range c.files {
				var n int
				if k, _ := fmt.Sscanf(i, "/lib/lib%d.so", &n); k == 1 {
					c.files[i] = library{needed: []string{fmt.Sprintf("lib%d.so", n+1)}}
				}
			}
			root := makeRoot(t, c.files)
			b := c.main.bytes()
			writeFile(t, filepath.Join(root, "/app/bin/main"), b)
			if c.pipe != "" {
				makeFIFO(t, filepath.Join(root, c.pipe))
			}
			res, err := bounded(t, bytes.NewReader(b), int64(len(b)), &elfscan.Options{Path: "/app/bin/main", Sysroot: root}, hostileMemory)
			switch {
			case err != nil:
				if !strings.Contains(err.Error(), c.want) {
					t.Error(err)
				}
			case !res.Partial || !strings.Contains(strings.Join(res.Notes, "\n"), c.want):
				t.Errorf("partial %v, notes %q, want %q", res.Partial, res.Notes, c.want)
			}
		})
	}
}

// TestUnprintable: what files have for names reaches no terminal as it is.
func TestUnprintable(t *testing.T) {
	main := library{needed: []string{"li\x1b[31m.so"}}.bytes()
	root := makeRoot(t, map[string]any{"/lib/li\x1b[31m.so": library{}})
	writeFile(t, filepath.Join(root, "/app/bin/main"), main)
	res, err := elfscan.Scan(context.Background(), bytes.NewReader(main), &elfscan.Options{Path: "/app/bin/main", Sysroot: root, Size: int64(len(main))})
	if err != nil {
		t.Fatal(err)
	}
	if want := "/lib/li\ufffd[31m.so"; !slices.ContainsFunc(res.Modules, func(m elfscan.Module) bool { return m.Path == want }) || strings.Contains(fmt.Sprintf("%+v", res), "\x1b") {
		t.Errorf("result %+v, want module %q", res, want)
	}
	script := "#!/bin/\x1b[31mx\n"
	if _, err := elfscan.Scan(context.Background(), strings.NewReader(script), nil); !errors.Is(err, elfscan.ErrFormat) || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("error %q", err)
	}
}
