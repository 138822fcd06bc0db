package console

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoundTrip(t *testing.T) {
	for _, m := range []Message{
		{Kind: Hello, Release: "6.1.0-50-s390x", Machine: "s390x"},
		{Kind: Output, Run: 3, Text: "\x16--- PASS: TestX (0.00s)"},
		{Kind: Output, Run: 3, Text: "tab\tnul\x00bell\a quote\" back\\slash é 世界 😀"},
		{Kind: Output, Run: 3, Text: "no newline", Partial: true},
		{Kind: Exit, Run: 3, Code: -1, Signal: "bad system call", Lines: 17, Seconds: 1.5},
		{Kind: Bye},
	} {
		line, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range line[:len(line)-1] {
			if c < 0x20 || c > 0x7e {
				t.Errorf("%q: byte %d is %#x, want printable ASCII", line, i, c)
			}
		}
		// What a terminal in cooked mode makes of it, after kernel text without a newline.
		cooked := "[    1.0] random: " + strings.Replace(string(line), "\n", "\r\n", 1)
		got, ok, err := Parse([]byte(cooked))
		if err != nil || !ok {
			t.Fatalf("Parse(%q) = %v, %v", cooked, ok, err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("round trip (-want +got):\n%s", diff)
		}
	}
}

func TestParseOther(t *testing.T) {
	if _, ok, err := Parse([]byte("[    0.0] Linux version 6.1\r\n")); ok || err != nil {
		t.Errorf("kernel line: ok %v, err %v", ok, err)
	}
	for _, s := range []string{"@testvm ", "@testvm {\"kind\":\"out", "@testvm {}", "@testvm {\"kind\":\"exit\"}[ 1.0] oops"} {
		if _, ok, err := Parse([]byte(s)); ok || err == nil {
			t.Errorf("Parse(%q) = %v, %v, want an error", s, ok, err)
		}
	}
}
