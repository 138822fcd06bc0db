//go:build tools

package elfscan_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// TestNSS: of a program that looks up users and hosts, the modules of the
// root's nsswitch.conf are told, and read once they are named.
func TestNSS(t *testing.T) {
	installed(t, "gcc", "gcc")
	root := t.TempDir()
	write(t, filepath.Join(root, "main.c"), `#include <netdb.h>
#include <pwd.h>
int main(void) {
	struct addrinfo *a;
	return !getpwnam("root") + getaddrinfo("localhost", "1", 0, &a);
}
`)
	command(t, nil, root, "gcc", "-o", "main", "main.c")
	command(t, nil, root, "gcc", "-shared", "-o", "libnss_other.so.2", "-xc", "/dev/null")
	for name, from := range map[string]string{
		"lib64/ld-linux-x86-64.so.2":             "/lib64/ld-linux-x86-64.so.2",
		"lib/x86_64-linux-gnu/libc.so.6":         "/lib/x86_64-linux-gnu/libc.so.6",
		"lib/x86_64-linux-gnu/libnss_other.so.2": filepath.Join(root, "libnss_other.so.2"),
	} {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(root, name), b)
	}
	writeFile(t, filepath.Join(root, "etc/nsswitch.conf"), []byte("passwd: files other [NOTFOUND=return] ../../evil # systemd\nhosts: files absent\n"))
	b, err := os.ReadFile(filepath.Join(root, "main"))
	if err != nil {
		t.Fatal(err)
	}
	scan := func(dlopen ...string) *elfscan.Result {
		res, err := elfscan.Scan(t.Context(), bytes.NewReader(b), &elfscan.Options{Path: "/main", Sysroot: root, Dlopen: dlopen})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	res := scan()
	isNSS := func(e elfscan.Evidence) bool { return e.Gate == "NSS" }
	isAdvice := func(n string) bool { return strings.HasSuffix(n, "add --dlopen libnss_other.so.2") }
	if !slices.ContainsFunc(res.Loads, isNSS) || !slices.ContainsFunc(res.Notes, isAdvice) {
		t.Errorf("loads %+v, notes %q", res.Loads, res.Notes)
	}
	res = scan("libnss_other.so.2")
	if strings.Contains(strings.Join(res.Notes, "\n"), "--dlopen") || !slices.Contains(modules(res), "/lib/x86_64-linux-gnu/libnss_other.so.2") {
		t.Errorf("modules %q, notes %q", modules(res), res.Notes)
	}
}
