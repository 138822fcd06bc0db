package lint

import (
	"slices"
	"strings"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/explain"
	"github.com/elastic/go-seccomp-bpf/internal/source"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// A subject is a policy (its YAML) or a program (its text, which begins with a
// blank), for a machine.
type subject struct {
	text    string
	machine string // empty: x86_64
	kernel  string
	stack   int // how often the program is installed; 0: once
}

// findings checks a subject, and has the interpreter repeat every witness.
func (s subject) findings(t *testing.T) []Finding {
	t.Helper()
	machine := abi(t, s.machine)
	in := &source.Input{Label: "test", BigEndian: machine.BigEndian, Native: machine}
	if s.text[0] == ' ' {
		program, err := cbpf.Assemble(s.text, cbpf.AssembleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		in.Programs = slices.Repeat([]cbpf.Program{program}, max(1, s.stack))
	} else {
		file, err := policyfile.Read("test.yaml", strings.NewReader(s.text))
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := file.Compile(&seccomp.CompileOptions{ABI: machine})
		if err != nil {
			t.Fatal(err)
		}
		in.File, in.Compiled, in.Programs = file, compiled, []cbpf.Program{compiled.Raw()}
	}
	f, err := explain.New(decision.NewSpace(0), in.Label, in.Programs, in.BigEndian, machine)
	if err != nil {
		t.Fatal(err)
	}
	var o Options
	if s.kernel != "" {
		v, err := arch.ParseVersion(s.kernel)
		if err != nil {
			t.Fatal(err)
		}
		o.Kernel = &v
	}
	found, err := Check(f, in, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		replay(t, in, &found[i])
	}
	return found
}

func abi(t *testing.T, name string) *arch.Info {
	t.Helper()
	if name == "" {
		name = "x86_64"
	}
	info, err := arch.GetInfo(name)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// replay runs the program on a finding's witness.
func replay(t *testing.T, in *source.Input, f *Finding) {
	t.Helper()
	if f.Fix == "" || f.Text == "" || f.Severity.Rank() < 0 {
		t.Errorf("%s: no text, no fix or no severity: %+v", f.Rule, f)
	}
	if f.Witness == "" {
		return
	}
	if got := run(t, in, f.ABI, f.Witness); got != f.Action {
		t.Errorf("%s: %s %s is said to be %s and is %s", f.Rule, f.ABI, f.Witness, f.Action, got)
	}
}

// run is what the interpreter makes of a call.
func run(t *testing.T, in *source.Input, abiName, text string) string {
	t.Helper()
	call, err := explain.ParseCall(text, abi(t, abiName))
	if err != nil {
		t.Fatal(err)
	}
	words := call.Data.Words(in.BigEndian)
	ret, _ := in.Programs[0].Run(&words)
	return explain.ActionWords(ret, abi(t, abiName))
}

// of picks the findings of a rule.
func of(rule string, found []Finding) []Finding {
	var out []Finding
	for _, f := range found {
		if f.Rule == rule {
			out = append(out, f)
		}
	}
	return out
}

// TestRules has for each rule what it must find, with the call that shows it,
// and the nearest thing in which it must find nothing.
func TestRules(t *testing.T) {
	covered := map[string]bool{}
	for _, tt := range ruleTests {
		covered[tt.rule] = true
		t.Run(tt.rule+"/"+tt.name, func(t *testing.T) {
			found := of(tt.rule, tt.bad.findings(t))
			if len(found) == 0 {
				t.Fatal("nothing was found")
			}
			f := found[0]
			if f.Severity != tt.severity {
				t.Errorf("severity %s, want %s: %s", f.Severity, tt.severity, f.Text)
			}
			if got := f.ABI + " " + f.Witness + " " + f.Action; tt.witness != "" && got != tt.witness {
				t.Errorf("witness %q, want %q", got, tt.witness)
			}
			if f.Witness == "" && tt.rule != "no-room" {
				t.Error("no witness")
			}
			if !strings.Contains(f.Text, tt.says) {
				t.Errorf("it says %q, want %q in it", f.Text, tt.says)
			}
			if tt.place != "" && f.Place != tt.place {
				t.Errorf("place %q, want %q", f.Place, tt.place)
			}
			if found := of(tt.rule, tt.good.findings(t)); len(found) > 0 {
				t.Errorf("found where nothing is wrong: %+v", found)
			}
		})
	}
	for _, r := range Rules() {
		if !covered[r.ID] {
			t.Errorf("rule %s is not tested", r.ID)
		}
		if r.Title == "" || strings.ToLower(r.ID) != r.ID {
			t.Errorf("rule %q: title %q", r.ID, r.Title)
		}
	}
}

// TestRuleIDs: gates and suppressions name the rules, so that an id is forever.
func TestRuleIDs(t *testing.T) {
	want := "arch-unchecked abi-escape x32-low-numbers wide-compare equivalent-open io-uring-open enosys missing-essential " +
		"kill-thread unknown-action action-kernel no-room dead-rule never-matches unchecked-arguments"
	var got []string
	for _, r := range Rules() {
		got = append(got, r.ID)
	}
	if s := strings.Join(got, " "); !strings.HasPrefix(s, want) {
		t.Errorf("ids are %s\nand were %s; add new ones at the end", s, want)
	}
}
