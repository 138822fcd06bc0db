package machine

import (
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

// TestLengthAgreesWithDecoder reads this test's own code with both.
func TestLengthAgreesWithDecoder(t *testing.T) {
	code := ownText(t)
	checked := 0
	for i := 0; i < len(code) && checked < 300000; {
		if c := code[i]; c == 0xc4 || c == 0xc5 || c == 0x62 { // x86asm v0.30.0 gives vzeroupper four bytes
			i += max(1, x86Length(code[i:min(i+16, len(code))], true))
			continue
		}
		in, err := x86asm.Decode(code[i:min(i+16, len(code))], 64)
		if err != nil {
			i++
			continue
		}
		if got := x86Length(code[i:min(i+16, len(code))], true); got != in.Len {
			t.Fatalf("length of % x (%v): %d, want %d", code[i:i+in.Len], in, got, in.Len)
		}
		i += in.Len
		checked++
	}
	if checked < 10000 {
		t.Fatalf("only %d instructions", checked)
	}
}
