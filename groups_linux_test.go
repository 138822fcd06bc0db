package seccomp

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/internal/testbuild"
)

// buildGoProgram builds internal/goprogram with a Go release, "" for the one
// that runs the test.
func buildGoProgram(t *testing.T, toolchain string) string {
	t.Helper()
	if program, ok := testbuild.Prebuilt(t, "internal/goprogram", runtime.GOARCH); ok && toolchain == "" {
		return program
	}
	program := filepath.Join(t.TempDir(), "goprogram")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	cmd.Dir = filepath.Join("internal", "goprogram")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if toolchain != "" {
		// Outside of the module, whose go directive may be newer.
		cmd.Env = append(cmd.Env, "GOTOOLCHAIN="+toolchain, "GO111MODULE=off")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build with %q: %v\n%s", toolchain, err, out)
	}
	return program
}

// runConfined runs the program under exactly the groups, where all else kills.
func runConfined(t *testing.T, program string, groups []string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), "GODEBUG=netdns=go")
	if err := StartChild(cmd, allowOnly(slices.Concat([]string{"execve"}, groups)...)); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	return out.String(), err
}

// checkGoGroups runs a Go program under the groups for Go programs.
func checkGoGroups(t *testing.T, program string) {
	t.Helper()
	for _, tt := range []struct {
		what   string
		groups []string
	}{
		{"runtime", []string{"@go-runtime"}},
		{"net", []string{"@go-runtime", "@go-net"}},
		{"exec", []string{"@go-runtime", "@go-exec"}},
	} {
		out, err := runConfined(t, program, tt.groups, tt.what)
		if err != nil || !strings.Contains(out, tt.what+" done") {
			t.Errorf("%s under %v: %v\n%s", tt.what, tt.groups, err, out)
		}
	}
}

func TestGoGroups(t *testing.T) { checkGoGroups(t, buildGoProgram(t, "")) }

// TestGoGroupsConfine checks that each group is needed for what it is for.
func TestGoGroupsConfine(t *testing.T) {
	program := buildGoProgram(t, "")
	for _, what := range []string{"net", "exec"} {
		if out, err := runConfined(t, program, []string{"@go-runtime"}, what); signalOf(err) != unix.SIGSYS {
			t.Errorf("%s under @go-runtime alone: %v, want SIGSYS\n%s", what, err, out)
		}
	}
}
