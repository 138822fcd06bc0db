package testvm

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readNewc reads an archive by the letter of the kernel's buffer-format.rst.
func readNewc(t *testing.T, b []byte) []string {
	t.Helper()
	var got []string
	at := 0
	for {
		if len(b)-at < 110 || string(b[at:at+6]) != "070701" {
			t.Fatalf("no header at byte %d of %d", at, len(b))
		}
		field := func(i int) int {
			v, err := strconv.ParseUint(string(b[at+6+8*i:at+14+8*i]), 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			return int(v)
		}
		mode, size, namesize := field(1), field(6), field(11)
		name := string(b[at+110 : at+110+namesize-1])
		if b[at+110+namesize-1] != 0 {
			t.Fatalf("name %q does not end in a NUL", name)
		}
		data := (at + 110 + namesize + 3) / 4 * 4
		if name == "TRAILER!!!" {
			return got
		}
		s := fmt.Sprintf("%06o %s", mode, name)
		if mode&0o170000 == 0o020000 {
			s += fmt.Sprintf(" %d:%d", field(9), field(10))
		}
		if size > 0 {
			s += fmt.Sprintf(" %q", b[data:data+size])
		}
		got = append(got, s)
		at = (data + size + 3) / 4 * 4
	}
}

func TestArchive(t *testing.T) {
	a := newArchive()
	a.add("/src/policyfile/testdata/a.yaml", 0o644, []byte("abcde"))
	a.add("init", 0o755, []byte("x"))
	a.dir("proc")
	a.symlink("bin/sh", "busybox")
	a.device("dev/console", 0o600, 5, 1)
	a.add("/", 0o644, []byte("the root is not a file"))
	var b bytes.Buffer
	if err := a.writeTo(&b); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"040755 bin", `120777 bin/sh "busybox"`, "040755 dev", "020600 dev/console 5:1",
		`100755 init "x"`, "040755 proc", "040755 src", "040755 src/policyfile", "040755 src/policyfile/testdata",
		`100644 src/policyfile/testdata/a.yaml "abcde"`,
	}
	if diff := cmp.Diff(want, readNewc(t, b.Bytes())); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if strings.Count(b.String(), "TRAILER!!!") != 1 || b.Len()%4 != 0 {
		t.Errorf("the archive does not end as it should: %d bytes", b.Len())
	}
}
