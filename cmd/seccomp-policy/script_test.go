package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"seccomp-policy": main,
		"confine":        confine,
	})
}

// TestScripts runs testdata/script; -update rewrites what they expect.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			if filters, err := os.Stat("../../../shared/bench/filters"); err == nil && filters.IsDir() {
				env.Setenv("FILTERS", absolute(t, "../../../shared/bench/filters"))
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "admin": // PTRACE_SECCOMP_GET_FILTER wants CAP_SYS_ADMIN, and no filter on whoever asks
				self, err := testchild.AboutSelf()
				return self.SysAdmin && !self.Filtered, err
			case "tracer":
				return testchild.CanTrace(), nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"swapbytes": swapBytes,
			"waitfor":   waitFor,
			"pidof":     pidOf,
		},
	})
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir + "/" + path
}

// policyFile writes a policy for one test.
func policyFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// swapBytes writes a raw program in the other byte order: swapbytes FROM TO.
func swapBytes(ts *testscript.TestScript, neg bool, args []string) {
	data := []byte(ts.ReadFile(args[0]))
	p, err := cbpf.Decode(data, binary.LittleEndian)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), p.Encode(binary.BigEndian), 0o666))
}

// waitFor waits until a file has something in it: waitfor FILE.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	for range 1000 {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && len(text) > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s never came", args[0])
}

// pidOf sets a variable to a file's content: pidof FILE VARIABLE.
func pidOf(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(args[1], strings.TrimSpace(ts.ReadFile(args[0])))
}
