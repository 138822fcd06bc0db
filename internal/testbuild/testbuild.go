// Package testbuild builds the programs of this repository that tests run. A
// guest of the matrix (internal/testvm) has no Go toolchain: there the matrix
// has built them beforehand.
package testbuild

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Variable is set, where programs were built beforehand, to the directory
// that has them.
const Variable = "SECCOMP_TEST_PROGRAMS"

// Name is the path below Variable's directory of the program whose package is
// in dir, a slash-separated path from the module's root.
func Name(dir, goarch string) string {
	return filepath.Join(goarch, strings.ReplaceAll(dir, "/", "_"))
}

// Prebuilt finds a program that was built beforehand. It fails the test where
// there should be one and is none.
func Prebuilt(t testing.TB, dir, goarch string) (path string, ok bool) {
	t.Helper()
	programs := os.Getenv(Variable)
	if programs == "" {
		return "", false
	}
	path = filepath.Join(programs, Name(dir, goarch))
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the program should have been built beforehand: %v", err)
	}
	return path, true
}

// Program puts a program of the repository at path. here is where dir lies
// from the test's directory; the environment is added to the build's.
func Program(t testing.TB, path, dir, here string, env ...string) {
	t.Helper()
	goarch := runtime.GOARCH
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "GOARCH="); ok {
			goarch = v
		}
	}
	if prebuilt, ok := Prebuilt(t, dir, goarch); ok {
		if err := os.Symlink(prebuilt, path); err != nil {
			t.Fatal(err)
		}
		return
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".")
	cmd.Dir = here
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", dir, err, out)
	}
}
