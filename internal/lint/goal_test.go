package lint

import (
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

const goalPolicy = `default_action: errno(EPERM)
abis: [x86_64, i386]
syscalls:
- action: allow
  names: [read, openat]
  names_with_args:
  - {name: socket, arguments: [{argument: 0, operation: In, values: [AF_UNIX, AF_INET]}]}
  - {name: clone, arguments: [{argument: 0, operation: BitsNotSet, value: CLONE_NEWUSER|CLONE_NEWNS}]}
  - {name: personality, arguments: [{argument: 0, operation: Equal, value: 0, width: 64}]}
`

// TestProve: a goal is proved, or broken by a call of which the interpreter
// says the same.
func TestProve(t *testing.T) {
	in, f := goalFilter(t)
	tests := []struct {
		goal, abis string
		broken     string // ABI and call; empty: proved
	}{
		{goal: "deny:socket(AF_ALG)"},
		{goal: "deny: socket( AF_ALG , _ )"},
		{goal: "deny:socket(AF_INET)", broken: "x86_64 socket(AF_INET)"},
		{goal: "deny:socket(AF_INET, SOCK_RAW)", broken: "x86_64 socket(AF_INET, SOCK_RAW)"},
		{goal: "allow:socket(AF_UNIX)"},
		{goal: "allow:socket", broken: "x86_64 socket()"},
		{goal: "deny:clone(&CLONE_NEWUSER)"},
		{goal: "deny:clone(&CLONE_NEWPID)", broken: "x86_64 clone(CLONE_NEWPID)"},
		{goal: "allow:clone(~CLONE_NEWUSER)", broken: "x86_64 clone(CLONE_NEWNS)"},
		{goal: "allow:clone(~CLONE_NEWUSER|CLONE_NEWNS)"},
		{goal: "deny:ptrace"},
		{goal: "allow:read"},
		{goal: "allow:read", abis: "i386"},
		{goal: "allow:read", abis: "x32", broken: "x32 read()"},
		{goal: "deny:openat", abis: "i386", broken: "i386 openat()"},
	}
	for _, tt := range tests {
		goal, err := ParseGoal(tt.goal)
		if err != nil {
			t.Fatal(err)
		}
		var abis []*arch.Info
		if tt.abis != "" {
			abis = append(abis, abi(t, tt.abis))
		}
		r, err := Prove(f, goal, abis)
		if err != nil {
			t.Errorf("%s: %v", tt.goal, err)
			continue
		}
		got := strings.TrimSpace(r.ABI + " " + r.Witness)
		if r.Proved != (tt.broken == "") || got != tt.broken {
			t.Errorf("%s: proved %v, broken by %q; want %q", tt.goal, r.Proved, got, tt.broken)
		}
		if r.Proved {
			continue
		}
		action := run(t, in, r.ABI, r.Witness)
		if action != r.Action || (action == "allow") == goal.Allow {
			t.Errorf("%s: %s is said to be %s and is %s", tt.goal, got, r.Action, action)
		}
	}
}

func goalFilter(t *testing.T) (*source.Input, *explain.Filter) {
	t.Helper()
	file, err := policyfile.Read("goal.yaml", strings.NewReader(goalPolicy))
	if err != nil {
		t.Fatal(err)
	}
	c, err := file.Compile(&seccomp.CompileOptions{ABI: abi(t, "x86_64")})
	if err != nil {
		t.Fatal(err)
	}
	in := &source.Input{Programs: []cbpf.Program{c.Raw()}}
	f, err := explain.New(decision.NewSpace(0), "goal", in.Programs, false, abi(t, "x86_64"))
	if err != nil {
		t.Fatal(err)
	}
	return in, f
}

func TestGoalErrors(t *testing.T) {
	_, f := goalFilter(t)
	for text, want := range map[string]string{
		"read":                  "want deny:CALL or allow:CALL",
		"permit:read":           "want deny:CALL or allow:CALL",
		"deny:raed":             `did you mean "read"`,
		"deny:socket(AF_ALGG)":  "AF_ALGG",
		"deny:clone(&CLONE_NO)": "CLONE_NO",
		"deny:cacheflush":       "none of the ABIs has the call",
	} {
		goal, err := ParseGoal(text)
		if err == nil {
			_, err = Prove(f, goal, nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}
