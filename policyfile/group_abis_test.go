package policyfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGroupABIs reads groups for some ABIs and ranges of numbers, and writes
// them back.
func TestGroupABIs(t *testing.T) {
	const text = `default_action: allow
abis: [x86_64, i386]
syscalls:
- action: errno(ENOSYS)
  abis: [i386]
  names: [vm86, 400-500, 0x300-0x3ff]
- action: kill_process
  names: [0x40000000-0xffffffff, -1]
`
	file, err := Read("p.yaml", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := file.Policy.Syscalls[0].ABIs; !cmp.Equal(got, []string{"i386"}) {
		t.Errorf("the group is for %v, want i386", got)
	}
	if got, want := file.Policy.Syscalls[1].Names, []string{"0x40000000-0xffffffff", "-1"}; !cmp.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
	var out strings.Builder
	if err := Write(&out, &file.Policy, nil); err != nil {
		t.Fatal(err)
	}
	again, err := Read("again.yaml", strings.NewReader(out.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, &out)
	}
	if diff := cmp.Diff(file.Policy, again.Policy); diff != "" {
		t.Errorf("written and read again, it differs:\n%s", diff)
	}
	for _, bad := range []string{"5-1", "1-", "1-0x100000000", "1-2-3"} {
		if err := CheckName(bad); err == nil {
			t.Errorf("%q is taken for a name", bad)
		}
	}
}
