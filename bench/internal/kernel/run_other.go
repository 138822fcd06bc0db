//go:build !(linux && amd64)

package kernel

import (
	"context"
	"errors"
	"fmt"

	"github.com/elastic/go-seccomp-bpf/bench/internal/ruler"
	"github.com/elastic/go-seccomp-bpf/bench/neutral"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// Measure needs Linux on x86_64, for which the programs are.
func Measure(context.Context, []cbpf.Program, *neutral.Policy, *ruler.Trace, Options) ([]map[string]Time, error) {
	return nil, fmt.Errorf("times in the kernel need Linux on x86_64: %w", errors.ErrUnsupported)
}

// Worker does nothing where Measure does nothing.
func Worker() {}
