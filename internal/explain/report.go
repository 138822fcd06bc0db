package explain

import (
	"fmt"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// A Report is what filters decide, in a form to be printed or read by programs.
// docs/schema has its JSON Schema.
type Report struct {
	Schema  string         `json:"schema"` // "seccomp-policy/explain/1"
	Filters []FilterReport `json:"filters"`
}

// SchemaExplain names the schema of Report and its version.
const SchemaExplain = "seccomp-policy/explain/1"

// A FilterReport is about one filter, or a stack of filters taken together.
type FilterReport struct {
	Label    string          `json:"label"`
	Programs []ProgramReport `json:"programs"` // newest first
	ABIs     []ABIReport     `json:"abis"`
	Other    string          `json:"other_abis"` // what calls through any other ABI get
	Notes    []string        `json:"notes,omitempty"`
}

// A ProgramReport is about one program of a stack.
type ProgramReport struct {
	Instructions int `json:"instructions"`
	Longest      int `json:"longest_path"`
}

// An ABIReport is about the calls of one ABI.
type ABIReport struct {
	Name      string     `json:"name"`
	AuditArch string     `json:"audit_arch"`
	Default   string     `json:"default"` // what numbers get that no decision lists
	Cost      Cost       `json:"cost"`
	Decisions []Decision `json:"decisions"` // ascending by the first number of each
}

// A Decision is what happens to some calls.
type Decision struct {
	Syscalls []string     `json:"syscalls,omitempty"`
	Numbers  []uint32     `json:"numbers"`           // of each of Syscalls; without these, the first and the last of a range
	Rules    []RuleReport `json:"rules,omitempty"`   // the first that matches decides
	Action   string       `json:"action"`            // what happens otherwise
	Unsaid   string       `json:"unsaid,omitempty"`  // why Rules cannot say when what happens, or not all of it
	Default  bool         `json:"default,omitempty"` // the same happens to calls that are not listed
}

// A RuleReport is an action and the conditions for it.
type RuleReport struct {
	When   []CondReport `json:"when"` // all must hold
	Action string       `json:"action"`
}

// A CondReport is a condition on an argument.
type CondReport struct {
	Argument int      `json:"argument"` // position; 6 is the instruction pointer
	Name     string   `json:"name"`
	Bits     int      `json:"bits"` // how many low bits are compared
	Op       Op       `json:"op"`
	Values   []uint64 `json:"values,omitempty"` // of "in" and "not in"
	Low      *uint64  `json:"low,omitempty"`    // of "range"
	High     *uint64  `json:"high,omitempty"`
	Mask     *uint64  `json:"mask,omitempty"` // of "masked" and "masked other"
	Value    *uint64  `json:"value,omitempty"`
	Text     string   `json:"text"`
}

// Report describes the filter. Of abis none means those it tells from others.
func (f *Filter) Report(abis []*arch.Info) (*FilterReport, error) {
	told, other, err := f.Architectures()
	if err != nil {
		return nil, err
	}
	if len(abis) == 0 {
		abis = told
	}
	r := &FilterReport{Label: f.Label, Other: f.summary(other)}
	for _, p := range f.Programs {
		r.Programs = append(r.Programs, ProgramReport{len(p), p.LongestPath()})
	}
	for _, info := range abis {
		if info.BigEndian != f.BigEndian {
			return nil, fmt.Errorf("%s: ABI %s has the other byte order", f.Label, info.Name)
		}
		abi, err := f.ABI(info)
		if err != nil {
			return nil, err
		}
		r.ABIs = append(r.ABIs, f.abiReport(abi))
	}
	return r, nil
}

// summary is an action, or the actions of a function that is not constant.
func (f *Filter) summary(n decision.Node) string {
	var actions []string
	for _, v := range f.Space.Values(n) {
		actions = append(actions, ActionWords(v, f.Native))
	}
	return strings.Join(actions, " or ")
}

func (f *Filter) abiReport(abi *ABI) ABIReport {
	r := ABIReport{
		Name:      abi.Info.Name,
		AuditArch: abi.Info.ID.String(),
		Default:   f.summary(abi.Default),
		Cost:      f.Cost(abi),
		Decisions: []Decision{},
	}
	same := map[string]int{} // text of a decision to its place
	for i := range abi.Entries {
		e := &abi.Entries[i]
		d := decide(abi, e)
		d.Default = e.Node == abi.Default
		if e.Name == "" {
			d.Numbers = []uint32{e.Lo, e.Hi}
			r.Decisions = append(r.Decisions, d)
			continue
		}
		key := fmt.Sprintf("%v %v %s %s", d.Default, d.Rules, d.Action, d.Unsaid)
		if len(d.Rules) > 0 {
			key = d.Action + d.Unsaid
			for _, rule := range d.Rules {
				key += "\n" + rule.words() + rule.Action
			}
		}
		at, ok := same[key]
		if !ok {
			at = len(r.Decisions)
			same[key] = at
			r.Decisions = append(r.Decisions, d)
		}
		list := &r.Decisions[at]
		list.Syscalls = append(list.Syscalls, e.Name)
		list.Numbers = append(list.Numbers, e.Lo)
	}
	return r
}

func decide(abi *ABI, e *Entry) Decision {
	d := Decision{Action: ActionWords(e.Else, abi.Info)}
	if e.Err != nil {
		d.Unsaid = e.Err.Error()
		d.Action = "depends"
	}
	for _, rule := range e.Rules {
		r := RuleReport{Action: ActionWords(rule.Action, abi.Info), When: []CondReport{}}
		for i := range rule.Conds {
			r.When = append(r.When, condReport(&rule.Conds[i], abi.Info, e.Name))
		}
		d.Rules = append(d.Rules, r)
	}
	return d
}

func condReport(c *Cond, abi *arch.Info, call string) CondReport {
	r := CondReport{Argument: c.Arg, Name: "instruction_pointer", Bits: c.Bits, Op: c.Op, Text: c.Words(abi, call)}
	if c.Arg != ArgIP {
		r.Name = Symbols(abi).Param(call, c.Arg)
	}
	switch c.Op {
	case OpIn, OpNotIn:
		r.Values = c.Values
	case OpRange:
		r.Low, r.High = &c.Lo, &c.Hi
	default:
		r.Mask, r.Value = &c.Mask, &c.Value
	}
	return r
}

// words joins the conditions of a rule.
func (r *RuleReport) words() string {
	list := make([]string, len(r.When))
	for i := range r.When {
		list[i] = r.When[i].Text
	}
	return strings.Join(list, " and ")
}

// permits tells whether the call is made when this is the action.
func permits(ret uint32) bool {
	a := ret & cbpf.RetActionFull
	return a == cbpf.RetAllow || a == cbpf.RetLog
}
