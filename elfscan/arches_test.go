//go:build tools

package elfscan_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

func TestGoArches(t *testing.T) {
	for _, goarch := range []string{"386", "arm", "arm64", "loong64", "ppc64", "ppc64le", "riscv64", "s390x"} {
		t.Run(goarch, func(t *testing.T) { checkProgram(t, scanFile(t, build(t, goarch), nil)) })
	}
	for _, goarch := range []string{"arm64", "loong64", "ppc64le"} { // others are linked by other linkers
		t.Run(goarch+" position independent", func(t *testing.T) {
			res := scanFile(t, build(t, goarch, "-buildmode=pie"), nil)
			res.Partial = false // the dynamic linker is not there
			checkProgram(t, res)
		})
	}
}

// numbersThatChange has the number of a system call in variables, which change
// where it does not show: a function for each.
const numbersThatChange = `package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
)

type call struct {
	known int
	nr    uintptr
	rest  [4]int
}

var scanned, kept, swapped uintptr = syscall.SYS_GETPGID, syscall.SYS_GETPGID, syscall.SYS_GETPGID

var parsed, copied, other = call{nr: syscall.SYS_GETPGID}, call{nr: syscall.SYS_GETPGID}, call{nr: syscall.SYS_GETPGID}

//go:noinline
func set(p *uintptr) { *p = uintptr(len(os.Args)) }

//go:noinline
func copyFrom(c *call) { copied = *c }

//go:noinline
func fromText() { fmt.Sscan(os.Args[0], &scanned); syscall.Syscall(scanned, 0, 0, 0) }

//go:noinline
func fromJSON() { _ = json.Unmarshal([]byte(os.Args[0]), &parsed); syscall.Syscall(parsed.nr, 0, 0, 0) }

//go:noinline
func byPointer() { set(&kept); syscall.Syscall(kept, 0, 0, 0) }

//go:noinline
func byCopy() { set(&other.nr); copyFrom(&other); syscall.Syscall(copied.nr, 0, 0, 0) }

//go:noinline
func bySwap() { atomic.SwapUintptr(&swapped, uintptr(len(os.Args))); syscall.Syscall(swapped, 0, 0, 0) }

func main() { fromText(); fromJSON(); byPointer(); byCopy(); bySwap() }
`

// told are the functions that have unresolved numbers.
func told(res *elfscan.Result) []string {
	names := map[string]bool{}
	for _, u := range res.Unresolved {
		names[u.Function] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func TestGoNumbersThatChange(t *testing.T) {
	want := []string{"main.byCopy", "main.byPointer", "main.bySwap", "main.fromJSON", "main.fromText"}
	for _, goarch := range []string{"386", "amd64", "arm", "arm64", "loong64", "ppc64le", "riscv64", "s390x"} {
		for _, flags := range []string{"", "-s -w"} {
			t.Run(goarch+flags, func(t *testing.T) {
				res := scanFile(t, buildSource(t, numbersThatChange, goarch, "-ldflags="+flags), nil)
				if got := told(res); !slices.Equal(got, want) {
					t.Errorf("unresolved are %q, want %q", got, want)
				}
			})
		}
	}
}
