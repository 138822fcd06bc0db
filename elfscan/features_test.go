//go:build tools

package elfscan_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// TestFeatures compares the calls found with those that programs are seen to
// make when a script of testdata/features uses what they offer. A call that is
// found and not seen need not be wrong: the more is used, the more of them are.
func TestFeatures(t *testing.T) {
	for _, c := range []struct {
		program   groundTruth
		tools     []string
		precision float64
	}{
		{groundTruth{Binary: "nginx"}, []string{"curl", "openssl"}, 0.65},
		{groundTruth{Binary: "sqlite3"}, nil, 0.65},
		{groundTruth{Binary: "caddy", Package: "github.com/caddyserver/caddy/v2/cmd/caddy", Version: "v2.11.9"}, []string{"curl"}, 0.60},
		{groundTruth{Binary: "hugo", Package: "github.com/gohugoio/hugo", Version: "v0.152.2"}, []string{"curl", "git", "python3"}, 0.60},
	} {
		t.Run(c.program.Binary, func(t *testing.T) {
			for _, tool := range c.tools {
				installed(t, tool, tool)
			}
			path := install(t, c.program)
			script, err := filepath.Abs(filepath.Join("testdata", "features", c.program.Binary+".sh"))
			if err != nil {
				t.Fatal(err)
			}
			traces := t.TempDir()
			sh := limited(t, 2*time.Minute, "sh", "-u", script)
			sh.Dir = t.TempDir()
			if err := os.Chmod(filepath.Dir(sh.Dir), 0o711); err != nil { // servers change their user
				t.Fatal(err)
			}
			sh.Env = append(os.Environ(), "RUN="+tracer(t, traces, path))
			if out, err := sh.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			res := scanFile(t, path, &elfscan.Options{Path: path})
			if p := compare(t, res, traced(t, traces)); p < c.precision {
				t.Errorf("precision %.3f is less than %.2f", p, c.precision)
			}
		})
	}
}
