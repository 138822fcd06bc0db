package oracle_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// vectorFolder has libseccomp's simulation tests as data: see its README.
var vectorFolder = filepath.Join("..", "..", "..", "shared", "conformance", "libseccomp")

const (
	wantPolicies = 43
	wantVectors  = 7808
)

// precedence has the vectors that depend on libseccomp's own precedence of
// rules, by lines of the original test: there, of the rules for one call, the
// one with the largest bound is tried first; here the first rule that matches
// decides. They are the 13 calls of read with a count above 256. The policy's
// other vectors come out alike under both orders and are not excepted.
var precedence = struct {
	policy      string
	first, last int
	vectors     int
}{"43-sim-a2_order", 18, 30, 13}

type vectorFile struct {
	Name          string
	NativeArch    string `json:"native_arch"`
	DefaultAction string `json:"default_action"`
	BadArchAction string `json:"badarch_action"`
	Arches        []string
	Rules         []vectorRule
	Numbers       map[string]map[string]struct{ Direct *int64 } `json:"syscall_numbers"`
	Vectors       []vector
}

type vectorRule struct {
	Action  string
	Syscall json.RawMessage
	Exact   bool
	Args    []struct {
		Index  uint32
		Op     string
		DatumA uint64 `json:"datum_a"`
		DatumB uint64 `json:"datum_b"`
	}
	Arches []string
}

type vector struct {
	Line      int
	Arch      string
	AuditArch uint32 `json:"audit_arch"`
	Syscall   int64
	Args      [6]uint64
	Expect    string
}

func (v *vector) String() string {
	return fmt.Sprintf("line %d, %s, number %d, arguments %#x", v.Line, v.Arch, v.Syscall, v.Args)
}

var actionText = regexp.MustCompile(`^(KILL|KILL_PROCESS|TRAP|ERRNO|TRACE|LOG|ALLOW)(?:\((\d+)\))?$`)

// action reads an action of the vectors, as the library's and as the filter's
// return value.
func (f *vectorFile) action(t *testing.T, text string) (seccomp.Action, uint32) {
	m := actionText.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("%s: action %q", f.Name, text)
	}
	data := 0
	if m[2] != "" {
		data, _ = strconv.Atoi(m[2])
	}
	switch m[1] {
	case "KILL":
		return seccomp.ActionKillThread, cbpf.RetKillThread
	case "KILL_PROCESS":
		return seccomp.ActionKillProcess, cbpf.RetKillProcess
	case "TRAP":
		return seccomp.TrapData(uint16(data)), cbpf.RetTrap | uint32(data)
	case "ERRNO":
		if data == 0 {
			return seccomp.Errno(0), cbpf.RetErrno
		}
		return seccomp.ActionErrno | seccomp.Action(data), cbpf.RetErrno | uint32(data)
	case "TRACE":
		return seccomp.TraceData(uint16(data)), cbpf.RetTrace | uint32(data)
	case "LOG":
		return seccomp.ActionLog, cbpf.RetLog
	}
	return seccomp.ActionAllow, cbpf.RetAllow
}

var vectorOperations = map[string]seccomp.Operation{
	"EQ": seccomp.Equal, "NE": seccomp.NotEqual, "LT": seccomp.LessThan, "LE": seccomp.LessOrEqual,
	"GT": seccomp.GreaterThan, "GE": seccomp.GreaterOrEqual, "MASKED_EQ": seccomp.MaskedEqual,
}

func (f *vectorFile) conditions(t *testing.T, r *vectorRule) seccomp.ArgumentConditions {
	var conds seccomp.ArgumentConditions
	for _, a := range r.Args {
		op, ok := vectorOperations[a.Op]
		if !ok {
			t.Fatalf("%s: operation %q", f.Name, a.Op)
		}
		if op == seccomp.MaskedEqual && a.DatumA == 0 {
			continue // it holds always, since the value is masked too
		}
		c := seccomp.Condition{Argument: a.Index, Operation: op, Value: a.DatumA, Width: seccomp.Width64}
		if op == seccomp.MaskedEqual {
			c.Mask, c.Value = a.DatumA, a.DatumB
		}
		conds = append(conds, c)
	}
	return conds
}

func libraryABI(name string) string {
	if name == "x86" {
		return "i386"
	}
	return name
}

// policy is the vectors' policy as one of the library's: a group for each rule.
func (f *vectorFile) policy(t *testing.T) *seccomp.Policy {
	p := &seccomp.Policy{}
	p.DefaultAction, _ = f.action(t, f.DefaultAction)
	p.BadArchAction, _ = f.action(t, f.BadArchAction)
	for _, name := range f.Arches {
		if _, err := arch.GetInfo(libraryABI(name)); err == nil {
			p.ABIs = append(p.ABIs, libraryABI(name))
		} else {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if slices.Contains(f.Arches, "x86_64") && !slices.Contains(f.Arches, "x32") {
		// To libseccomp x32 is an architecture as bad as any other; -1 is not x32's.
		p.Syscalls = []seccomp.SyscallGroup{{Names: []string{"0x40000000-0xfffffffe"}, ABIs: []string{"x86_64"}, Action: p.BadArchAction}}
	}
	for i := range f.Rules {
		r := &f.Rules[i]
		name := strings.Trim(string(r.Syscall), `"`)
		action, _ := f.action(t, r.Action)
		g := seccomp.SyscallGroup{Action: action}
		if _, err := strconv.Atoi(name); err == nil || len(r.Arches) < len(f.Arches) {
			for _, a := range r.Arches {
				g.ABIs = append(g.ABIs, libraryABI(a))
			}
		}
		if conds := f.conditions(t, r); conds != nil {
			g.NamesWithConditions = []seccomp.NameWithConditions{{Name: name, Conditions: conds}}
		} else {
			g.Names = []string{name}
		}
		p.Syscalls = append(p.Syscalls, g)
	}
	if len(p.Syscalls) == 0 {
		// The library wants a group: one that says what the default says.
		p.Syscalls = []seccomp.SyscallGroup{{Names: []string{"read"}, Action: p.DefaultAction}}
	}
	return p
}

func TestConformance(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(vectorFolder, "*.json"))
	if len(files) == 0 {
		t.Skipf("no vectors in %s: they come with the development tree, not with the module", vectorFolder)
	}
	passed, failed, excepted := 0, 0, 0
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f := &vectorFile{}
		if err := json.Unmarshal(raw, f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		native, err := arch.GetInfo(f.NativeArch)
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := f.policy(t).Compile(&seccomp.CompileOptions{ABI: native})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		program := cbpf.Program(compiled.Raw())
		bigEndian := compiled.ByteOrder().String() == "BigEndian"
		for i := range f.Vectors {
			v := &f.Vectors[i]
			if f.Name == precedence.policy && precedence.first <= v.Line && v.Line <= precedence.last {
				excepted++
				continue
			}
			words := (&cbpf.Data{NR: uint32(v.Syscall), Arch: v.AuditArch, Args: v.Args}).Words(bigEndian)
			have, _ := program.Run(&words)
			if _, want := f.action(t, v.Expect); have != want {
				t.Errorf("%s: %v: have %#x, want %s", f.Name, v, have, v.Expect)
				failed++
				continue
			}
			passed++
		}
	}
	t.Logf("%d policies, %d vectors passed, %d failed, %d excepted", len(files), passed, failed, excepted)
	if len(files) != wantPolicies || passed+failed != wantVectors-precedence.vectors || excepted != precedence.vectors {
		t.Errorf("%d policies and %d vectors were checked, %d excepted; want %d, %d and %d", len(files), passed+failed, excepted,
			wantPolicies, wantVectors-precedence.vectors, precedence.vectors)
	}
}
