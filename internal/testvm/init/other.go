//go:build !linux

// Command init runs inside Linux guests only; elsewhere it says so and fails.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "init: runs as process 1 of a Linux test guest only")
	os.Exit(1)
}
