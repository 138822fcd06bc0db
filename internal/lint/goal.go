package lint

import (
	"errors"
	"fmt"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/explain"
)

// A Goal is what a filter must do to some calls.
type Goal struct {
	Text  string
	Allow bool // make all of them; else none
	call  string
}

// A GoalResult says whether a filter reaches a goal.
type GoalResult struct {
	Goal    string `json:"goal"`
	Proved  bool   `json:"proved"`
	ABI     string `json:"abi,omitempty"`     // of the witness
	Witness string `json:"witness,omitempty"` // a call that breaks it
	Action  string `json:"action,omitempty"`  // what the filter does to it
}

// ParseGoal reads "deny:CALL" and "allow:CALL". In CALL, "_" and arguments that
// are left out are any; "&FLAGS" is a value with any of these bits, "~FLAGS" one
// with none of them.
func ParseGoal(text string) (*Goal, error) {
	verb, call, ok := strings.Cut(text, ":")
	g := &Goal{Text: text, Allow: verb == "allow", call: strings.TrimSpace(call)}
	if !ok || verb != "allow" && verb != "deny" {
		return nil, fmt.Errorf("goal %q: want deny:CALL or allow:CALL, such as deny:'socket(AF_ALG)'", text)
	}
	return g, nil
}

// Prove decides a goal for all calls of the ABIs: those that the machine runs,
// if none are given. A goal to deny includes what reaches the call through
// socketcall and ipc.
func Prove(f *explain.Filter, g *Goal, abis []*arch.Info) (*GoalResult, error) {
	if f.Partial {
		return nil, errors.New("goals cannot be proved: the conditions of some calls are too complex (explain shows which)")
	}
	if len(abis) == 0 {
		abis = []*arch.Info{f.Native}
		if !g.Allow {
			abis = append(abis, f.Native.Compat()...)
		}
	}
	broken := f.Space.Is(f.Node, func(v uint32) bool { return permits(v) != g.Allow })
	found := false
	for _, abi := range abis {
		if abi.BigEndian != f.BigEndian {
			continue
		}
		call, err := explain.ParseCall(g.call, abi)
		if err != nil {
			if name, _, _ := strings.Cut(g.call, "("); arch.Known(strings.TrimSpace(name)) && !hasCall(abi, name) {
				continue // the ABI lacks the call
			}
			return nil, fmt.Errorf("goal %q: %w", g.Text, err)
		}
		found = true
		scope, err := g.scope(f, abi, call)
		if err != nil {
			return nil, err
		}
		if r := g.broken(f, abi, f.Space.And(broken, scope)); r != nil {
			return r, f.Space.Err()
		}
		if r := g.multiplexed(f, abi, call, broken); r != nil {
			return r, f.Space.Err()
		}
	}
	if !found {
		return nil, fmt.Errorf("goal %q: none of the ABIs has the call", g.Text)
	}
	return &GoalResult{Goal: g.Text, Proved: true}, f.Space.Err()
}

func hasCall(abi *arch.Info, name string) bool {
	_, ok := abi.Number(strings.TrimSpace(name))
	return ok
}

func (g *Goal) broken(f *explain.Filter, abi *arch.Info, p decision.Node) *GoalResult {
	words, ok := f.Space.Find(p)
	if !ok {
		return nil
	}
	call := callData(&words, abi, words[decision.WordNR])
	return &GoalResult{Goal: g.Text, ABI: abi.Name, Witness: explain.CallText(call, abi), Action: explain.ActionWords(f.Action(*call), abi)}
}

// scope is the predicate of the calls that a goal is about.
func (g *Goal) scope(f *explain.Filter, abi *arch.Info, call *explain.Call) (decision.Node, error) {
	s := f.Space
	p := s.And(s.Masked(decision.WordArch, ^uint32(0), uint32(abi.ID)), s.Masked(decision.WordNR, ^uint32(0), call.Data.NR))
	for arg := range 6 {
		if !call.Given[arg] {
			continue
		}
		mask := ^uint64(0)
		if params, ok := abi.Params(call.Name); ok && arg < len(params) {
			mask = params[arg].Mask() // of the rest the kernel does not look at anything
		}
		v := call.Data.Args[arg] & mask
		word := decision.ArgWord(arg, true)
		p = s.And(p, s.InCube(word, decision.Cube{Mask: mask, Value: v}))
	}
	for arg, text := range explain.CallArguments(g.call) {
		if arg > 5 || text == "" || text[0] != '&' && text[0] != '~' {
			continue
		}
		flags, _, err := explain.ParseArgument(text[1:], abi, call.Name, arg)
		if err != nil {
			return p, fmt.Errorf("goal %q: %w", g.Text, err)
		}
		none := s.InCube(decision.ArgWord(arg, true), decision.Cube{Mask: flags})
		if text[0] == '&' {
			none = s.Not(none)
		}
		p = s.And(p, none)
	}
	return p, nil
}

// multiplexed looks at the other way to make the call, through socketcall or ipc.
func (g *Goal) multiplexed(f *explain.Filter, abi *arch.Info, call *explain.Call, broken decision.Node) *GoalResult {
	via, sub, ok := abi.Multiplexed(call.Name)
	if !ok || g.Allow {
		return nil
	}
	nr, ok := abi.Number(via)
	if !ok {
		return nil
	}
	mask := ^uint32(0)
	if via == "ipc" {
		mask = arch.IPCSubcallMask
	}
	s := f.Space
	p := s.And(s.Masked(decision.WordArch, ^uint32(0), uint32(abi.ID)), s.Masked(decision.WordNR, ^uint32(0), nr))
	p = s.And(p, s.Masked(decision.ArgWord(0, false), mask, sub))
	p = s.And(p, s.Masked(decision.ArgWord(0, true), ^uint32(0), 0))
	return g.broken(f, abi, s.And(broken, p))
}
