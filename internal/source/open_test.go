package source

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// twelve loads the architecture, and lets one pass.
var twelve = cbpf.Program{{Op: 0x20, K: 4}, {Op: 0x15, Jf: 1, K: 0xc000003e}, {Op: 0x06, K: cbpf.RetAllow}, {Op: 0x06, K: cbpf.RetKillProcess}}

const assembly = "ld arch\njneq #0xc000003e, kill\nret allow\nkill: ret kill_process\n"

const policyText = "default_action: errno(EPERM)\nabis: [native]\nsyscalls: [{action: allow, names: [read]}]\n"

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOpen reads a program in each form that it may have.
func TestOpen(t *testing.T) {
	little, big := twelve.Encode(binary.LittleEndian), twelve.Encode(binary.BigEndian)
	tests := []struct {
		name   string
		word   string
		o      Options
		big    bool
		policy bool
	}{
		{name: "raw, little", word: write(t, "a.bpf", little)},
		{name: "raw, big, detected", word: write(t, "b.bpf", big), big: true},
		{name: "raw, big, given", word: write(t, "b.bpf", big), o: Options{Order: "big"}, big: true},
		{name: "raw without a telling name", word: write(t, "filter", little)},
		{name: "standard input", word: "-", o: Options{Stdin: strings.NewReader(string(little))}},
		{name: "text", word: write(t, "a.asm", []byte(assembly))},
		{name: "text, big", word: write(t, "a.asm", []byte(".endian big\n"+assembly)), big: true},
		{name: "policy", word: write(t, "p.yaml", []byte(policyText)), policy: true},
		{name: "policy on standard input", word: "-", o: Options{Stdin: strings.NewReader(policyText)}, policy: true},
		{name: "builtin", word: "builtin:default", policy: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inputs, err := Open(tt.word, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if len(inputs) != 1 || len(inputs[0].Programs) != 1 || inputs[0].Label == "" {
				t.Fatalf("%d inputs: %+v", len(inputs), inputs)
			}
			in := inputs[0]
			if tt.policy {
				if in.File == nil || in.Compiled == nil || in.Native == nil || !slices.Equal(in.Programs[0], cbpf.Program(in.Compiled.Raw())) {
					t.Errorf("a policy without its file, program or machine: %+v", in)
				}
				return
			}
			if in.BigEndian != tt.big || !slices.Equal(in.Programs[0], twelve) {
				t.Errorf("big endian %v, program\n%v", in.BigEndian, in.Programs[0])
			}
			if in.File != nil || in.Native != nil {
				t.Errorf("nothing says what machine it is for: %+v", in)
			}
		})
	}
}

// TestOpenMachine: who says what machine a program is for must be right.
func TestOpenMachine(t *testing.T) {
	s390x, err := arch.GetInfo("s390x")
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "b.bpf", twelve.Encode(binary.BigEndian))
	inputs, err := Open(path, Options{Machine: s390x})
	if err != nil || inputs[0].Native != s390x {
		t.Errorf("machine %v (%v), want s390x", inputs, err)
	}
	inputs, err = Open(write(t, "p.yaml", []byte(policyText)), Options{Machine: s390x})
	if err != nil || inputs[0].Native.Name != "s390x" || !inputs[0].BigEndian {
		t.Errorf("a policy for s390x: %v (%v)", inputs, err)
	}
}

func TestOpenErrors(t *testing.T) {
	s390x, err := arch.GetInfo("s390x")
	if err != nil {
		t.Fatal(err)
	}
	endless := make(cbpf.Program, 4097)
	for i := range endless {
		endless[i] = bpf.RawInstruction{Op: 0x06, K: cbpf.RetAllow}
	}
	little := twelve.Encode(binary.LittleEndian)
	tests := []struct {
		name, word string
		o          Options
		want       string
	}{
		{name: "no file", word: filepath.Join(t.TempDir(), "none"), want: "no such file"},
		{name: "a directory", word: t.TempDir(), want: "is a directory"},
		{name: "empty", word: write(t, "e", nil), want: "is empty"},
		{name: "endless", word: "/dev/zero", want: "is longer than"},
		{name: "cut off", word: write(t, "a.bpf", little[:len(little)-3]), want: "a.bpf: "},
		{name: "other order", word: write(t, "a.bpf", little), o: Options{Order: "big"}, want: "the kernel refuses the program"},
		{name: "no order", word: write(t, "a.bpf", little), o: Options{Order: "middle"}, want: "want little or big"},
		{name: "too long", word: write(t, "a.bpf", endless.Encode(binary.LittleEndian)), want: "at most 4096"},
		{name: "falls off", word: write(t, "a.bpf", twelve[:1].Encode(binary.LittleEndian)), want: "the kernel refuses the program"},
		{name: "machine", word: write(t, "a.bpf", little), o: Options{Machine: s390x}, want: "another byte order"},
		{name: "text", word: write(t, "a.asm", []byte("ld arch\nfly #3\n")), want: "line 2"},
		{name: "policy", word: write(t, "p.yaml", []byte("default_action: allow\nsyscalls: [{action: errno, names: [raed]}]\n")), want: `p.yaml:2:`},
		{name: "builtin", word: "builtin:defualt", want: "builtin:default"},
		{name: "pid", word: "pid:self", want: `"self" is not the number of a process`},
		{name: "pid 0", word: "pid:0", want: "is not the number of a process"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inputs, err := Open(tt.word, tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, error %v; want one with %q", inputs, err, tt.want)
			}
		})
	}
}

// TestPolicy gives the text byte for byte, which compile hashes.
func TestPolicy(t *testing.T) {
	file, text, err := Policy("-", strings.NewReader(policyText))
	if err != nil || string(text) != policyText || len(file.Policy.Syscalls) != 1 {
		t.Errorf("%v, %q (%v)", file, text, err)
	}
	file, text, err = Policy("builtin:default", nil)
	if err != nil || len(text) == 0 || file.Name != "builtin:default" {
		t.Errorf("%v, %d bytes (%v)", file, len(text), err)
	}
	if _, _, err := Policy("builtin:none", nil); err == nil {
		t.Error("builtin:none is no policy")
	}
}
