//go:build tools && linux && amd64

package arch

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var fieldRE = regexp.MustCompile(`(?m)^\tfield:(.+);\toffset:\d+;\tsize:\d+;\tsigned:\d;$`)

// TestTracefs compares the parameters of x86_64 with those of the running
// kernel's entry points, as its syscall tracepoints describe them.
func TestTracefs(t *testing.T) {
	events := syscallEvents(t)
	dirs, err := filepath.Glob(filepath.Join(events, "sys_enter_*"))
	if err != nil || len(dirs) < 300 {
		t.Fatalf("%s has %d events (%v), want hundreds", events, len(dirs), err)
	}
	// Entry points whose name is not that of the table (arch/x86/entry/syscalls/syscall_64.tbl).
	renamed := map[string]string{"newstat": "stat", "newlstat": "lstat", "newfstat": "fstat", "newuname": "uname", "umount": "umount2",
		"sendfile64": "sendfile"}
	// Calls that later kernels gave more parameters, and how many they had before.
	grown := map[string]int{"bpf": 3}
	i, compared := info(t, "x86_64"), 0
	for _, dir := range dirs {
		entry := strings.TrimPrefix(filepath.Base(dir), "sys_enter_")
		name := entry
		if renamed[entry] != "" {
			name = renamed[entry]
		}
		params, ok := i.Params(name)
		if !ok {
			t.Logf("%s: no call of x86_64", entry)
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, "format"))
		if err != nil {
			t.Fatal(err)
		}
		compared++
		if n, ok := grown[name]; ok && strings.Count(string(b), "\tfield:")-5 == n {
			params = params[:n] // the running kernel is older than the change
		}
		if got, want := ours(params), theirs(string(b)); got != want {
			t.Errorf("%s:\nwe say          %s\nthe kernel says %s", entry, got, want)
		}
	}
	if compared < 330 {
		t.Errorf("compared %d calls only", compared)
	}
	t.Logf("compared %d calls", compared)
}

// ours and theirs give each parameter as its name and what the register holds.
func ours(params []Param) string {
	var out []string
	for _, p := range params {
		kind := strconv.Itoa(p.Bits)
		if p.Pointer {
			kind = "pointer"
		}
		out = append(out, p.Name+":"+kind)
	}
	return strings.Join(out, " ")
}

func theirs(format string) string {
	var out []string
	for _, m := range fieldRE.FindAllStringSubmatch(format, -1) {
		cut := strings.LastIndexByte(m[1], ' ')
		typ, name := m[1][:cut], m[1][cut+1:]
		// __foo_val is the text a pointer led to, which the tracepoint adds.
		added := strings.HasPrefix(name, "__") && strings.HasSuffix(name, "_val")
		if !strings.HasPrefix(name, "common_") && name != "__syscall_nr" && !added {
			out = append(out, strings.TrimLeft(name, "_")+":"+kindOfType(typ))
		}
	}
	return strings.Join(out, " ")
}

// kindOfType knows the types by hand: the test shares nothing with the generator.
func kindOfType(c string) string {
	for _, pointer := range []string{"*", "__sighandler_t", "cap_user_header_t", "cap_user_data_t"} {
		if strings.Contains(c, pointer) {
			return "pointer"
		}
	}
	c = strings.TrimPrefix(c, "const ")
	switch c {
	case "int", "unsigned int", "unsigned", "u32", "__u32", "__s32", "pid_t", "uid_t", "gid_t", "qid_t", "umode_t", "key_t",
		"key_serial_t", "clockid_t", "timer_t", "mqd_t", "rwf_t", "enum landlock_rule_type":
		return "32"
	case "unsigned long", "long", "size_t", "loff_t", "off_t", "u64", "__u64", "aio_context_t":
		return "64"
	}
	return "unknown type " + c
}

// syscallEvents finds the tracepoints; where tracefs is not mounted it mounts
// it for the time of the test.
func syscallEvents(t *testing.T) string {
	const events = "events/syscalls"
	if _, err := os.Stat("/sys/kernel/tracing/" + events); err == nil {
		return "/sys/kernel/tracing/" + events
	}
	if os.Geteuid() != 0 {
		t.Skip("tracefs is not mounted, or closed to this user: run as root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tracefs", dir, "tracefs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENODEV) {
			t.Skip("mounting tracefs:", err)
		}
		t.Fatal("mounting tracefs: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error("unmounting tracefs: ", err)
		}
	})
	if _, err := os.Stat(filepath.Join(dir, events)); err != nil {
		t.Skip("the kernel has no system call tracepoints (CONFIG_FTRACE_SYSCALLS)")
	}
	return filepath.Join(dir, events)
}
