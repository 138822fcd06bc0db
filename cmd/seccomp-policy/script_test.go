package main

import (
	"encoding/binary"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/elastic/go-seccomp-bpf/cbpf"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"seccomp-policy": main,
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
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"swapbytes": swapBytes,
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

// swapBytes writes a raw program in the other byte order: swapbytes FROM TO.
func swapBytes(ts *testscript.TestScript, neg bool, args []string) {
	data := []byte(ts.ReadFile(args[0]))
	p, err := cbpf.Decode(data, binary.LittleEndian)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), p.Encode(binary.BigEndian), 0o666))
}
