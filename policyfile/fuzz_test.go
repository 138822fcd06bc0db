package policyfile

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzRead reads anything: it ends in one Error in one line, or in a policy
// that is valid, and the same when written and read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(everything))
	f.Add(defaultText[:2000])
	f.Add([]byte(`{"default_action": "errno", "syscalls": [{"action": "allow", "names": ["read"]}]}`))
	f.Add([]byte(withCondition("argument: 2, operation: In, values: [O_RDWR, -1, 0x10]")))
	f.Add([]byte("&a {<<: *a}\n---\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := Read("x", bytes.NewReader(content))
		if err != nil {
			var placed *Error
			if !errors.As(err, &placed) || strings.ContainsAny(err.Error(), "\n\x00") || utf8.RuneCountInString(err.Error()) > 650 {
				t.Fatalf("%T %q", err, err)
			}
			return
		}
		if err := file.Policy.Validate(); err != nil {
			t.Fatalf("reads an invalid policy: %v", err)
		}
		var b bytes.Buffer
		if err := Write(&b, &file.Policy, nil); err != nil {
			t.Fatal(err)
		}
		again, err := Read("x", bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, &b)
		}
		if diff := cmp.Diff(file.Policy, again.Policy); diff != "" {
			t.Fatalf("(-want +got):\n%s\nof\n%s", diff, &b)
		}
	})
}
