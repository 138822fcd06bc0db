//go:build linux && !amd64

package main

import "testing"

// buildCompat: other machines' 32-bit ABIs are tried under emulation elsewhere.
func buildCompat(*testing.T, string) bool { return false }
