package policyfile

import (
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

// TestDefaultClassifiesEveryCall lists the calls that the default policy says
// nothing about: a kernel's new calls appear here until somebody decides.
func TestDefaultClassifiesEveryCall(t *testing.T) {
	file, err := Builtin(DefaultName)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, g := range file.Policy.Syscalls {
		for _, name := range g.Names {
			if named[name] && len(g.ABIs) == 0 {
				t.Errorf("%s is named twice", name)
			}
			named[name] = named[name] || len(g.ABIs) == 0
		}
	}
	known, err := seccomp.Group("@known")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range known {
		if !named[name] {
			t.Errorf("%s is neither allowed nor refused", name)
		}
	}
}

func TestDefaultCompilesForEveryMachine(t *testing.T) {
	file, err := Builtin(DefaultName)
	if err != nil {
		t.Fatal(err)
	}
	for _, abi := range arch.All() {
		if abi.GOARCH == "" {
			continue
		}
		c, err := file.Compile(&seccomp.CompileOptions{ABI: abi})
		if err != nil {
			t.Errorf("%s: %v", abi.Name, err)
			continue
		}
		t.Logf("%s: %d instructions", abi.Name, len(c.Raw()))
	}
}
