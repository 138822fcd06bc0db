//go:build unix

package outfile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func contents(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func mode(t *testing.T, name string) os.FileMode {
	t.Helper()
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestWriteReplaces(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o027))
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := Write(file, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if got := mode(t, file); got != 0o640 {
		t.Errorf("new file: mode %v, want what the umask leaves of 0666", got)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, []byte("two")); err != nil {
		t.Fatal(err)
	}
	if got := mode(t, link); got.Type() != os.ModeSymlink {
		t.Errorf("link: mode %v", got)
	}
	if got := mode(t, file); got != 0o600 {
		t.Errorf("old file: mode %v, want the one it had", got)
	}
	if got := contents(t, file); got != "two" {
		t.Errorf("file has %q", got)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("directory has %v, %v", entries, err)
	}
}

func TestWriteToPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0) // else writing waits
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Write(name, []byte("text")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	if n, err := f.Read(b); err != nil || string(b[:n]) != "text" {
		t.Errorf("read %q, %v", b[:n], err)
	}
}

// Errors name the file that was asked for, and the reason.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink("nothing", dangling); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		dir:                              "it is a directory",
		dangling:                         "no such file or directory",
		filepath.Join(dir, "no", "file"): "no such file or directory",
		"/proc/file":                     "",
	} {
		err := Write(name, []byte("text"))
		if err == nil || err.Error() != "writing "+name+": "+want && want != "" || strings.Count(err.Error(), "/") != strings.Count(name, "/") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
