package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestReadKernelTree reads a small tree with each form of definition.
func TestReadKernelTree(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"arch/s390/Kconfig": "config S390\n\tselect CLONE_BACKWARDS2\n",
		"arch/x86/Kconfig":  "config X86_32\n\tselect CLONE_BACKWARDS\n",
		"kernel/fork.c": `
#ifdef CONFIG_CLONE_BACKWARDS
SYSCALL_DEFINE2(clone, unsigned long, flags, int __user *, first)
#elif defined(CONFIG_CLONE_BACKWARDS2)
SYSCALL_DEFINE2(clone, unsigned long, newsp,
		unsigned long, flags)
#else
SYSCALL_DEFINE2(clone, unsigned long, flags, int __user *, last)
#endif
`,
		"fs/read_write.c": `
SYSCALL_DEFINE4(pread64, unsigned int, fd, char __user *, buf,
			size_t, count, loff_t, pos)
SYSCALL_DEFINE3(execve, const char __user *, filename,
		const char __user *const __user *, argv, const int, x)
COMPAT_SYSCALL_DEFINE5(pread64, unsigned int, fd, char __user *, buf,
		       size_t, count, compat_arg_u64_dual(pos))
SYSCALL_DEFINE0(pause)
`,
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree := &kernelTree{dir: dir, defs: map[string][]definition{}, kcfg: map[string]string{
		"s390": files["arch/s390/Kconfig"], "x86": files["arch/x86/Kconfig"]}}
	for _, name := range []string{"kernel/fork.c", "fs/read_write.c"} {
		if err := tree.readSource(filepath.Join(dir, name), name, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		abi  abi
		row  tableRow
		want string
	}{
		{abi{archDir: "x86", bits: 64}, tableRow{name: "clone", entry: "sys_clone"}, "unsigned long flags, int * last"},
		{abi{archDir: "x86", bits: 32}, tableRow{name: "clone", entry: "sys_clone"}, "unsigned long flags, int * first"},
		{abi{archDir: "s390", bits: 64}, tableRow{name: "clone", entry: "sys_clone"}, "unsigned long newsp, unsigned long flags"},
		{abi{archDir: "x86", bits: 64}, tableRow{name: "execve", entry: "sys_execve"}, "const char * filename, const char * const * argv, int x"},
		{abi{archDir: "x86", bits: 64}, tableRow{name: "pause", entry: "sys_pause"}, "void"},
		{abi{archDir: "x86", bits: 64}, tableRow{name: "pread64", entry: "sys_pread64"}, "unsigned int fd, char * buf, size_t count, loff_t pos"},
		{abi{archDir: "arm", bits: 32, pairs: true}, tableRow{name: "pread64", entry: "sys_pread64"},
			"unsigned int fd, char * buf, size_t count, u32 pad, u32 pos_lo, u32 pos_hi"},
		{abi{archDir: "s390", bits: 32, bigEndian: true}, tableRow{name: "pread64", entry: "sys_pread64", compat: "compat_sys_pread64"},
			"unsigned int fd, char * buf, size_t count, u32 pos_hi, u32 pos_lo"},
	} {
		if got, ok := tree.resolve(tt.row, tt.abi); !ok || got.String() != tt.want {
			t.Errorf("%s on %s, %d bits: %q, %v\nwant %q", tt.row.name, tt.abi.archDir, tt.abi.bits, got, ok, tt.want)
		}
	}
	if _, ok := tree.resolve(tableRow{name: "gone", entry: "sys_ni_syscall"}, abi{archDir: "x86", bits: 64}); ok {
		t.Error("a call the kernel does not implement has parameters")
	}
}

func TestManVersions(t *testing.T) {
	page := "\\f[B]accept4\\f[](2)\t2.6.28\nT{\n.BR accept (2)\nT}\t2.0\tT{\nSee notes\nT}\n\\f[B]bpf\\f[](2)\t3.18\n"
	got := manVersions(page)
	if len(got) != 3 || got["accept4"] != "2.6" || got["accept"] != "2.0" || got["bpf"] != "3.18" {
		t.Errorf("manVersions = %v", got)
	}
}

func TestConditions(t *testing.T) {
	got := conditionsAt("#if A\n#endif\n#ifdef B\n# ifndef C /* c */\n#elif D\nx\n")
	if want := []string{"defined(B)", "!(!defined(C))", "D"}; !slices.Equal(got, want) {
		t.Errorf("conditionsAt = %q, want %q", got, want)
	}
}

func TestUnclassifiedType(t *testing.T) {
	err := checkTypes(map[string][]call{"x86_64": {{nr: 1, name: "new", proto: "mystery_t x"}}})
	if err == nil {
		t.Error("a type that nobody classified is accepted")
	}
}

func TestKindOf(t *testing.T) {
	for name, want := range map[string]string{"AF_INET": "enum", "AT_FDCWD": "enum", "AT_EACCESS": "flag", "SOCK_STREAM": "enum", "SOCK_CLOEXEC": "flag",
		"S_IFCHR": "enum", "S_IFMT": "flag", "S_ISUID": "flag", "EPOLL_CTL_ADD": "enum", "EPOLLIN": "flag", "F_SEAL_GROW": "flag", "F_GETFD": "enum",
		"SECCOMP_FILTER_FLAG_LOG": "flag", "SECCOMP_MODE_FILTER": "enum", "NL80211_CMD_NEW_KEY": "", "IFLA_MTU": "", "AF_MAX": ""} {
		flag, ok := kindOf(name)
		got := ""
		if ok {
			got = map[bool]string{true: "flag", false: "enum"}[flag]
		}
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
