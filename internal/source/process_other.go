//go:build !linux

package source

import (
	"context"
	"errors"
	"fmt"
)

// Process returns the filters of the threads of a process.
func Process(int) ([]Input, error) {
	return nil, fmt.Errorf("read the filters of a process: only on Linux: %w", errors.ErrUnsupported)
}

// Command starts a command and returns the filters that it installs.
func Command(context.Context, []string, CommandOptions) ([]Input, error) {
	return nil, fmt.Errorf("watch a command install filters: only on Linux: %w", errors.ErrUnsupported)
}
