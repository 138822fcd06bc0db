package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestHeaderReader states what is certain of a header, and what is not.
func TestHeaderReader(t *testing.T) {
	h := &headerReader{arch: "parisc", own: map[string]bool{"O_CREAT": true, "HAVE_TYPES": true}, text: map[string]string{}, doubtful: map[string]bool{}}
	h.read(`#ifndef _PARISC_FCNTL_H
#define _PARISC_FCNTL_H
#define O_CREAT		000000400 /* not fcntl */
#define MAP_BOTH	(MAP_ONE | \
			 MAP_TWO)
#define MAP_ONE		(1UL << 4)
#define MAP_TWO		0x2U
#define AT_FDCWD	-100
#define TIOCGPGRP	_IOR('T', 30, int)
#endif
`)
	h.read(`#ifndef _ASM_GENERIC_FCNTL_H
#ifndef O_CREAT
#define O_CREAT 00000100
#endif
#ifndef O_TRUNC
#define O_TRUNC 00001000
#endif
#if __BITS_PER_LONG == 64
#define F_GETLK 5
#endif
#ifdef __KERNEL__
#define O_INSIDE 1
#endif
#define AT_TWICE 1
#define AT_TWICE 2
#ifndef HAVE_TYPES
enum sock_type { SOCK_STREAM = 1 };
#endif
enum bpf_cmd {
	BPF_ZERO,
	BPF_SEVEN = 7,
	BPF_EIGHT, /* next */
	BPF_LAST = BPF_EIGHT,
};
#endif
`)
	for name, want := range map[string]uint64{"O_CREAT": 0x100, "O_TRUNC": 0x200, "MAP_BOTH": 0x12, "AT_FDCWD": ^uint64(99),
		"BPF_ZERO": 0, "BPF_SEVEN": 7, "BPF_EIGHT": 8, "BPF_LAST": 8} {
		if v, ok := h.value(name, 0); !ok || v != want {
			t.Errorf("%s is %#x, %v; want %#x", name, v, ok, want)
		}
	}
	for _, name := range []string{"TIOCGPGRP", "F_GETLK", "O_INSIDE", "AT_TWICE", "SOCK_STREAM", "_PARISC_FCNTL_H"} {
		if v, ok := h.value(name, 0); ok {
			t.Errorf("%s is %#x, want unknown", name, v)
		}
	}
}

// TestPlainEntry reads entry points that are no SYSCALL_DEFINE.
func TestPlainEntry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sys.c")
	src := `asmlinkage int sys_declared(int a);
asmlinkage long parisc_truncate64(const char __user * path,
		unsigned int high, unsigned int low)
{
}
asmlinkage int
sys_barrier (void)
{
}
`
	if err := os.WriteFile(path, []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	tree := &kernelTree{defs: map[string][]definition{}}
	if err := tree.readSource(path, "arch/parisc/kernel/sys.c", "parisc"); err != nil {
		t.Fatal(err)
	}
	for entry, want := range map[string]string{"parisc_truncate64": "const char * path, unsigned int high, unsigned int low", "sys_barrier": "void"} {
		if got, ok := tree.find(entry, abi{archDir: "parisc", bits: 32}); !ok || got.String() != want {
			t.Errorf("%s(%s), %v; want (%s)", entry, got, ok, want)
		}
	}
	if _, ok := tree.find("sys_declared", abi{archDir: "parisc"}); ok {
		t.Error("a declaration counts as a definition")
	}
}
