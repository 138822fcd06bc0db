package arch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

var numberRE = regexp.MustCompile(`(?m)^#define\s+__NR_(\w+)\s+\(?(?:__X32_SYSCALL_BIT\s*\+\s*)?(\d+)\)?\s*$`)

// TestHeaders compares with the kernel headers C programs are compiled with.
func TestHeaders(t *testing.T) {
	for abi, file := range map[string]string{"x86_64": "unistd_64.h", "i386": "unistd_32.h", "x32": "unistd_x32.h"} {
		t.Run(abi, func(t *testing.T) {
			text := readHeader(t, file)
			rows := numberRE.FindAllStringSubmatch(text, -1)
			if len(rows) < 300 {
				t.Fatalf("%s defines %d numbers only", file, len(rows))
			}
			i := info(t, abi)
			for _, m := range rows {
				want, err := strconv.ParseUint(m[2], 10, 32)
				if err != nil {
					t.Fatal(err)
				}
				got, ok := i.Number(m[1])
				if !ok || got != uint32(want)|uint32(i.SeccompMask) {
					t.Errorf("%s is %#x, %v; the header says %d", m[1], got, ok, want)
				}
			}
		})
	}
}

func readHeader(t *testing.T, file string) string {
	for _, pattern := range []string{"/usr/include/*/asm/", "/usr/include/asm/"} {
		paths, err := filepath.Glob(pattern + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			b, err := os.ReadFile(p)
			if err == nil {
				return string(b)
			}
			if !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
	t.Skipf("no %s under /usr/include: the kernel's headers for C (linux-libc-dev) are not installed, or not for x86", file)
	return ""
}
