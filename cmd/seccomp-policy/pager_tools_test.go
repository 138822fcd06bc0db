//go:build tools && linux

package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestLess reads with the pager that is used when none is named: its first page
// is up, its user goes to the end and leaves.
func TestLess(t *testing.T) {
	if _, err := exec.LookPath("less"); err != nil {
		t.Fatalf("this test needs Debian's package less: %v", err)
	}
	screen := inTerminal(t, nil, ":", "Gq", "explain", "--machine", "x86_64", policyFile(t, longPolicy))
	if !strings.Contains(screen, "\x1b[32mallow\x1b[0m") {
		t.Errorf("no colour in less:\n%q", screen)
	}
	if !strings.Contains(screen, "any other ABI") || !strings.Contains(screen, "(END)") {
		t.Errorf("less did not come to the end:\n%q", screen)
	}
}
