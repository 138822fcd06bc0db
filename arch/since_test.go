package arch

import (
	"strings"
	"testing"
)

// TestSince states releases known from the kernel's history.
func TestSince(t *testing.T) {
	want := `3.17 seccomp getrandom memfd_create kexec_file_load
		3.18 bpf
		3.19 execveat
		4.3 membarrier userfaultfd
		4.4 mlock2
		4.5 copy_file_range
		4.6 preadv2 pwritev2
		4.9 pkey_alloc pkey_free pkey_mprotect
		4.11 statx
		4.18 rseq io_pgetevents
		5.1 io_uring_setup io_uring_enter io_uring_register pidfd_send_signal clock_gettime64 futex_time64 ppoll_time64
		5.2 open_tree move_mount fsopen fsconfig fsmount fspick
		5.3 clone3 pidfd_open
		5.6 openat2 pidfd_getfd
		5.8 faccessat2
		5.9 close_range
		5.10 process_madvise
		5.11 epoll_pwait2
		5.12 mount_setattr
		5.13 landlock_create_ruleset landlock_add_rule landlock_restrict_self
		5.14 memfd_secret quotactl_fd
		5.15 process_mrelease
		5.16 futex_waitv
		5.17 set_mempolicy_home_node
		6.5 cachestat
		6.6 fchmodat2 map_shadow_stack
		6.7 futex_wake futex_wait futex_requeue
		6.8 statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules
		6.10 mseal
		6.13 setxattrat getxattrat listxattrat removexattrat
		6.15 open_tree_attr
		6.17 file_getattr file_setattr
		2.6 openat unshare accept4 epoll_create1
		1.0 read write fork`
	for line := range strings.Lines(want) {
		f := strings.Fields(line)
		for _, name := range f[1:] {
			if v, ok := Since(name); !ok || v.String() != f[0] {
				t.Errorf("%s: %v, %v; want %s", name, v, ok, f[0])
			}
		}
	}
	if v, ok := Since("opneat"); ok {
		t.Errorf("opneat has a release, %v", v)
	}
}

func TestSinceByABI(t *testing.T) {
	for _, tt := range []struct{ abi, name, want string }{
		{"i386", "socket", "4.3"}, {"x86_64", "socket", "2.0"}, {"aarch64", "read", "3.7"}, {"i386", "arch_prctl", "4.12"},
		{"i386", "semget", "5.1"}, {"riscv64", "clone3", "5.3"}, {"loongarch64", "openat2", "5.19"}, {"x32", "read", "3.4"},
		{"aarch64", "map_shadow_stack", "6.7"}, {"aarch64", "clone3", "5.3"},
		{"m68k", "socket", "4.3"}, {"m68k", "semget", "5.1"}, {"sh", "shmat", "5.1"}, {"parisc", "socket", "2.0"}, {"m68k", "read", "1.0"},
	} {
		if v, ok := info(t, tt.abi).Since(tt.name); !ok || v.String() != tt.want {
			t.Errorf("%s: %s: %v, %v; want %s", tt.abi, tt.name, v, ok, tt.want)
		}
	}
}

// TestSinceComplete: every call of every table has a plausible release.
func TestSinceComplete(t *testing.T) {
	oldest := Version{1, 0}
	for _, i := range All() {
		for name := range info(t, i.Name).SyscallNames {
			v, ok := Since(name)
			own, okOwn := i.Since(name)
			if !ok || !okOwn || v.Compare(oldest) < 0 || own.Compare(v) < 0 || v.Major > 7 || v.Minor > 20 {
				t.Errorf("%s: %s: since %v, %v", i.Name, name, v, own)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	for s, want := range map[string]string{"5.13": "5.13", "6.1.0-18-amd64": "6.1", "6.18.44": "6.18", "2.6.39": "2.6", "7.0-rc1": "7.0"} {
		if v, err := ParseVersion(s); err != nil || v.String() != want {
			t.Errorf("ParseVersion(%q) = %v, %v", s, v, err)
		}
	}
	for _, s := range []string{"", "6", "6.", ".1", "six.one", "6.x", "-1.2", "6.1x", "99999999.1", "+6.1"} {
		if v, err := ParseVersion(s); err == nil {
			t.Errorf("ParseVersion(%q) = %v, want an error", s, v)
		}
	}
	if (Version{5, 9}).Compare(Version{5, 13}) != -1 || (Version{6, 0}).Compare(Version{5, 13}) != 1 || (Version{6, 0}).Compare(Version{6, 0}) != 0 {
		t.Error("Compare does not order releases")
	}
}
