package arch

import (
	"slices"
	"strings"
	"testing"
)

func info(t testing.TB, name string) *Info {
	t.Helper()
	i, err := GetInfo(name)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestNames(t *testing.T) {
	tests := map[string]string{
		"amd64": "x86_64", "x86-64": "x86_64", "X86_64": "x86_64", "386": "i386", "i686": "i386", "x86": "i386", "x32": "x32",
		"arm64": "aarch64", "arm": "arm", "armv7l": "arm", "loong64": "loongarch64", "mips": "mips", "mipsle": "mipsel",
		"mips64": "mips64", "mips64le": "mipsel64", "mips64n32": "mips64n32", "mipsel64n32": "mipsel64n32", "ppc": "ppc",
		"ppc64": "ppc64", "ppc64le": "ppc64le", "riscv64": "riscv64", "riscv32": "riscv32", "s390": "s390", "s390x": "s390x",
		"sparc": "sparc", "sparc64": "sparc64", "m68k": "m68k", "parisc": "parisc", "hppa": "parisc", "parisc64": "parisc64",
		"hppa64": "parisc64", "sh": "sh", "sh4": "sh", "sheb": "sheb", "sh4eb": "sheb",
	}
	for alias, want := range tests {
		if got := info(t, alias); got.Name != want {
			t.Errorf("GetInfo(%q) is %s, want %s", alias, got.Name, want)
		}
	}
	if _, err := GetInfo("x86_46"); err == nil || !strings.Contains(err.Error(), `"x86_46"`) || !strings.Contains(err.Error(), "x86_64") {
		t.Errorf("GetInfo(x86_46): %v; want an error naming it and x86_64", err)
	}
	if _, err := GetInfo(strings.Repeat("z", 1000)); err == nil {
		t.Error("a name of 1000 letters is accepted")
	}
}

// TestNumbers states numbers known from the kernel's tables; the tests against
// headers and tracefs check whole tables.
func TestNumbers(t *testing.T) {
	tests := []struct {
		abi, name string
		nr        uint32
	}{
		{"x86_64", "read", 0}, {"x86_64", "openat", 257}, {"x86_64", "clone3", 435}, {"i386", "socketcall", 102},
		{"i386", "mmap2", 192}, {"x32", "read", 0x40000000}, {"x32", "ioctl", 0x40000000 | 514}, {"x32", "execve", 0x40000000 | 520},
		{"x32", "pwritev2", 0x40000000 | 547}, {"aarch64", "openat", 56}, {"arm", "openat", 322}, {"arm", "cacheflush", 0xf0002},
		{"arm", "set_tls", 0xf0005}, {"arm", "breakpoint", 0xf0001}, {"arm", "get_tls", 0xf0006}, {"mips", "read", 4003},
		{"mips64", "read", 5000}, {"mips64n32", "read", 6000}, {"mipsel64n32", "clone3", 6435}, {"ppc64le", "openat", 286},
		{"s390", "clone", 120}, {"s390x", "openat", 288}, {"sparc64", "clone", 217}, {"sparc", "openat", 284},
		{"riscv64", "riscv_flush_icache", 259}, {"riscv32", "clock_gettime64", 403}, {"loongarch64", "statx", 291},
		{"sh", "close", 6}, {"sh", "socketcall", 102}, {"sh", "cacheflush", 123}, {"sheb", "openat", 295}, {"m68k", "openat", 288},
		{"m68k", "socket", 356}, {"m68k", "atomic_barrier", 336}, {"parisc", "socket", 17}, {"parisc", "clock_gettime64", 403},
		{"parisc64", "openat", 275}, {"parisc64", "clock_gettime", 256},
	}
	for _, tt := range tests {
		i := info(t, tt.abi)
		if nr, ok := i.Number(tt.name); nr != tt.nr || !ok {
			t.Errorf("%s: %s is %#x, %v; want %#x", tt.abi, tt.name, nr, ok, tt.nr)
		}
		if name, _ := i.SyscallName(tt.nr); name != tt.name {
			t.Errorf("%s: %#x is %q, want %q", tt.abi, tt.nr, name, tt.name)
		}
	}
	if name, ok := info(t, "x32").SyscallName(0); ok {
		t.Errorf("x32: 0 without the x32 bit is %q", name)
	}
	if _, ok := info(t, "x86_64").SyscallName(0x40000000); ok {
		t.Error("x86_64 has a call with the x32 bit")
	}
}

func TestOfCall(t *testing.T) {
	x86 := info(t, "x86_64").ID
	for _, tt := range []struct {
		id   AuditArch
		nr   uint32
		want string
	}{{x86, 0, "x86_64"}, {x86, 547, "x86_64"}, {x86, 0x40000000, "x32"}, {x86, 0x40000223, "x32"}, {x86, 0xffffffff, "x86_64"},
		{info(t, "i386").ID, 0x40000000, "i386"}, {info(t, "mipsel64n32").ID, 6000, "mipsel64n32"},
		{0x4000002a, 0, "sh"}, {0x2a, 0, "sheb"}, {4, 0, "m68k"}, {15, 0, "parisc"}, {0x8000000f, 0, "parisc64"}} {
		if i, ok := OfCall(tt.id, tt.nr); !ok || i.Name != tt.want {
			t.Errorf("OfCall(%v, %#x) = %v, %v; want %s", tt.id, tt.nr, i, ok, tt.want)
		}
	}
	if i, ok := OfCall(5, 0); ok {
		t.Errorf("an unknown architecture is %s", i.Name)
	}
}

// TestTables checks every table for what holds of any table.
func TestTables(t *testing.T) {
	all := All()
	if !slices.IsSortedFunc(all, func(a, b *Info) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("All is not sorted by name")
	}
	for _, i := range all {
		info(t, i.Name) // fills the maps
		if len(i.SyscallNames) < 290 {
			t.Errorf("%s: %d calls only", i.Name, len(i.SyscallNames))
		}
		if i.table.name != i.Name {
			t.Errorf("%s has the table of %s", i.Name, i.table.name)
		}
		for name, nr := range i.SyscallNames {
			got, ok := i.Number(name)
			if !ok || got != uint32(nr|i.SeccompMask) {
				t.Errorf("%s: Number(%s) = %d, %v; the map says %d", i.Name, name, got, ok, nr)
			}
			first, ok := i.SyscallName(got)
			if other := i.SyscallNumbers[nr]; !ok || first != other {
				t.Errorf("%s: SyscallName(%d) = %q, %v; the map says %q", i.Name, got, first, ok, other)
			}
			if !Known(name) {
				t.Errorf("%s is not Known", name)
			}
			checkParams(t, i, name)
		}
		for _, c := range i.Compat() {
			if c == i || c.BigEndian != i.BigEndian {
				t.Errorf("%s: Compat has %s", i.Name, c.Name)
			}
		}
	}
	if Known("opneat") || Known("") {
		t.Error("Known accepts names no ABI has")
	}
}

func checkParams(t *testing.T, i *Info, name string) {
	t.Helper()
	params, _ := i.Params(name)
	if len(params) > 6 {
		t.Errorf("%s: %s has %d parameters", i.Name, name, len(params))
	}
	for _, p := range params {
		if p.Bits != 32 && p.Bits != i.WordBits || p.Name == "" || p.Type == "" || strings.ContainsAny(p.Name, " *") {
			t.Errorf("%s: %s: parameter %+v", i.Name, name, p)
		}
		if p.Pointer && p.Bits != i.WordBits && !strings.HasPrefix(p.Type, "compat_uptr_t") {
			t.Errorf("%s: %s: a pointer of %d bits", i.Name, name, p.Bits)
		}
	}
}

// TestParams states prototypes as the kernel's definitions have them
// (include/linux/syscalls.h, kernel/fork.c and arch/*/kernel/sys*.c).
func TestParams(t *testing.T) {
	tests := []struct{ abi, name, want string }{
		{"x86_64", "socket", "family:i32 type:i32 protocol:i32"},
		{"x86_64", "ioctl", "fd:u32 cmd:u32 arg:u64"},
		{"x86_64", "openat", "dfd:i32 filename:p64 flags:i32 mode:u32"},
		{"x86_64", "prctl", "option:i32 arg2:u64 arg3:u64 arg4:u64 arg5:u64"},
		{"x86_64", "clone", "clone_flags:u64 newsp:u64 parent_tidptr:p64 child_tidptr:p64 tls:u64"},
		{"x86_64", "unshare", "unshare_flags:u64"},
		{"x86_64", "setns", "fd:i32 flags:i32"},
		{"x86_64", "personality", "personality:u32"},
		{"x86_64", "ptrace", "request:i64 pid:i64 addr:u64 data:u64"},
		{"x86_64", "mmap", "addr:u64 len:u64 prot:u64 flags:u64 fd:u64 off:u64"},
		{"x86_64", "newfstatat", "dfd:i32 filename:p64 statbuf:p64 flag:i32"},
		{"x86_64", "getpid", ""},
		{"x86_64", "rt_sigreturn", ""},
		{"x86_64", "getrandom", "ubuf:p64 len:u64 flags:u32"},
		{"x32", "ioctl", "fd:u32 cmd:u32 arg:u32"},
		{"x32", "socket", "family:i32 type:i32 protocol:i32"},
		{"i386", "clone", "clone_flags:u32 newsp:u32 parent_tidptr:p32 tls:u32 child_tidptr:p32"},
		{"aarch64", "clone", "clone_flags:u64 newsp:u64 parent_tidptr:p64 tls:u64 child_tidptr:p64"},
		{"arm", "clone", "clone_flags:u32 newsp:u32 parent_tidptr:p32 tls:u32 child_tidptr:p32"},
		{"s390x", "clone", "newsp:u64 clone_flags:u64 parent_tidptr:p64 child_tidptr:p64 tls:u64"},
		{"s390", "clone", "newsp:u32 clone_flags:u32 parent_tidptr:p32 child_tidptr:p32 tls:u32"},
		{"loongarch64", "clone", "clone_flags:u64 newsp:u64 parent_tidptr:p64 child_tidptr:p64 tls:u64"},
		{"riscv64", "clone", "clone_flags:u64 newsp:u64 parent_tidptr:p64 tls:u64 child_tidptr:p64"},
		{"ppc64le", "clone", "clone_flags:u64 newsp:u64 parent_tidptr:p64 tls:u64 child_tidptr:p64"},
		{"mipsel64", "clone", "clone_flags:u64 newsp:u64 parent_tidptr:p64 tls:u64 child_tidptr:p64"},
		{"sparc64", "clone", "clone_flags:u64 newsp:u64 parent_tidptr:p64 child_tidptr:p64 tls:u64"},
		{"arm", "pread64", "fd:u32 buf:p32 count:u32 pad:u32 pos_lo:u32 pos_hi:u32"},
		{"i386", "pread64", "fd:u32 ubuf:p32 count:u32 poslo:u32 poshi:u32"},
		{"arm", "fallocate", "fd:i32 mode:i32 offset_lo:u32 offset_hi:u32 len_lo:u32 len_hi:u32"},
		{"arm", "arm_fadvise64_64", "fd:i32 advice:i32 offset_lo:u32 offset_hi:u32 len_lo:u32 len_hi:u32"},
		{"s390", "mmap", "arg:p32"},
		{"m68k", "mmap", "arg:p32"},
		{"m68k", "clone", "clone_flags:u32 newsp:u32 parent_tidptr:p32 child_tidptr:p32 tls:u32"},
		{"m68k", "cacheflush", "addr:u32 scope:i32 cache:i32 len:u32"},
		{"m68k", "pread64", "fd:u32 buf:p32 count:u32 pos_hi:u32 pos_lo:u32"},
		{"sh", "mmap", "addr:u32 len:u32 prot:u32 flags:u32 fd:i32 off:u32"},
		{"sh", "pread64", "fd:u32 buf:p32 count:u32 dummy:i32 pos_lo:u32 pos_hi:u32"},
		{"sheb", "pread64", "fd:u32 buf:p32 count:u32 dummy:i32 pos_hi:u32 pos_lo:u32"},
		{"sh", "sync_file_range", "fd:i32 offset_lo:u32 offset_hi:u32 nbytes_lo:u32 nbytes_hi:u32 flags:u32"},
		{"parisc", "clone", "clone_flags:u32 newsp:u32 parent_tidptr:p32 tls:u32 child_tidptr:p32"},
		{"parisc64", "clone", "clone_flags:u64 newsp:u64 parent_tidptr:p64 tls:u64 child_tidptr:p64"},
		{"parisc", "truncate64", "path:p32 high:u32 low:u32"},
		{"parisc64", "truncate64", "path:p64 length:u64"},
		{"parisc", "fanotify_mark", "fanotify_fd:i32 flags:u32 mask_hi:u32 mask_lo:u32 dfd:i32 pathname:p32"},
	}
	for _, tt := range tests {
		params, ok := info(t, tt.abi).Params(tt.name)
		if got := summary(params); got != tt.want || !ok {
			t.Errorf("%s: %s(%s), %v\nwant (%s)", tt.abi, tt.name, got, ok, tt.want)
		}
	}
	if p, ok := info(t, "x86_64").Params("opneat"); ok {
		t.Errorf("opneat has parameters %v", p)
	}
	params, _ := info(t, "x86_64").Params("fchmod")
	if m := params[1].Mask(); m != 0xffff {
		t.Errorf("fchmod's mode (umode_t): mask %#x", m)
	}
	if m := params[0].Mask(); m != 0xffffffff {
		t.Errorf("fchmod's fd: mask %#x", m)
	}
}

func summary(params []Param) string {
	var out []string
	for _, p := range params {
		letter := "u"
		if p.Signed {
			letter = "i"
		}
		if p.Pointer {
			letter = "p"
		}
		bits := "64"
		if p.Bits == 32 {
			bits = "32"
		}
		out = append(out, p.Name+":"+letter+bits)
	}
	return strings.Join(out, " ")
}

func TestMultiplexed(t *testing.T) {
	tests := []struct {
		abi, name, call string
		sub             uint32
	}{
		{"i386", "socket", "socketcall", 1}, {"i386", "sendmmsg", "socketcall", 20}, {"i386", "accept4", "socketcall", 18},
		{"i386", "shmat", "ipc", 21}, {"i386", "semtimedop", "ipc", 4}, {"s390x", "connect", "socketcall", 3},
		{"s390x", "msgctl", "ipc", 14}, {"s390", "bind", "socketcall", 2}, {"mips", "listen", "socketcall", 4},
		{"ppc64le", "semop", "ipc", 1}, {"sparc", "accept", "socketcall", 5}, {"sparc64", "shmctl", "ipc", 24},
		{"x86_64", "socket", "", 0}, {"aarch64", "socket", "", 0}, {"arm", "socket", "", 0}, {"i386", "openat", "", 0},
		{"mips64", "socket", "", 0}, {"i386", "", "", 0},
		{"sh", "socket", "socketcall", 1}, {"sheb", "shmget", "ipc", 23}, {"m68k", "sendmsg", "socketcall", 16},
		{"m68k", "semop", "ipc", 1}, {"parisc", "socket", "", 0}, {"parisc64", "semget", "", 0},
	}
	for _, tt := range tests {
		call, sub, ok := info(t, tt.abi).Multiplexed(tt.name)
		if call != tt.call || sub != tt.sub || ok != (tt.call != "") {
			t.Errorf("%s: %s is %s(%d), %v; want %s(%d)", tt.abi, tt.name, call, sub, ok, tt.call, tt.sub)
		}
	}
}

func TestNearest(t *testing.T) {
	tests := map[string]string{"opneat": "openat", "getrandm": "getrandom", "soket": "socket", "EXECVE": "execve",
		"clone33": "clone3", "io_uring": "io_uring_enter", "proces_madvise": "process_madvise", "fstatat": "fstatat64"}
	for name, want := range tests {
		got := Nearest(name, 5)
		if !slices.Contains(got, want) {
			t.Errorf("Nearest(%q) = %v, want %s among them", name, got, want)
		}
		for _, g := range got {
			if !Known(g) {
				t.Errorf("Nearest(%q): %q is no system call", name, g)
			}
		}
	}
	if got := Nearest("opneat", 1); len(got) != 1 || got[0] != "openat" {
		t.Errorf("the nearest to opneat: %v", got)
	}
	if got := Nearest("xyzzyxyzzy", 3); len(got) != 0 {
		t.Errorf("nothing resembles xyzzyxyzzy, but %v", got)
	}
	if Nearest(strings.Repeat("a", 10000), 3) != nil || Nearest("read", 0) != nil {
		t.Error("Nearest answers when it should not")
	}
}
