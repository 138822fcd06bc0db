package explain

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// SchemaDiff names the schema of Diff and its version.
const SchemaDiff = "seccomp-policy/diff/1"

// A Diff is where two filters decide differently.
type Diff struct {
	Schema  string   `json:"schema"`
	A       string   `json:"a"`
	B       string   `json:"b"`
	Same    bool     `json:"same"` // no call is decided differently, whatever Changes were asked for
	Changes []Change `json:"changes"`
}

// A ChangeKind classifies a change from A to B.
type ChangeKind string

// The kinds of changes.
const (
	NewlyAllowed   ChangeKind = "newly allowed"
	NewlyBlocked   ChangeKind = "newly blocked"
	ErrnoChanged   ChangeKind = "errno changed"
	LoggingChanged ChangeKind = "logging changed"
	ActionChanged  ChangeKind = "action changed" // from one way of refusing, tracing or asking to another
)

// A Change is one change of action, of some calls on some arguments.
type Change struct {
	ABI      string         `json:"abi"` // "other" is any ABI that neither filter knows
	Kind     ChangeKind     `json:"kind"`
	Looser   bool           `json:"looser"` // the kernel takes A's action before B's
	From     string         `json:"from"`
	To       string         `json:"to"`
	Syscalls []string       `json:"syscalls,omitempty"`
	Numbers  []uint32       `json:"numbers,omitempty"` // of each of Syscalls; without these, the first and the last of a range
	When     [][]CondReport `json:"when,omitempty"`    // alternatives; none: whatever the arguments
	Unsaid   string         `json:"unsaid,omitempty"`  // why When cannot be said
	Witness  string         `json:"witness"`           // a call that is decided differently, for simulate
}

// words says when the change applies.
func (c *Change) words() string {
	var alternatives []string
	for _, all := range c.When {
		rule := RuleReport{When: all}
		alternatives = append(alternatives, rule.words())
	}
	return strings.Join(alternatives, ", or ")
}

// Compare lists where two filters of one Space differ.
func Compare(a, b *Filter) (*Diff, error) {
	if a.BigEndian != b.BigEndian {
		return nil, errors.New("the filters are for machines of different byte orders: no call reaches both")
	}
	if a.Partial || b.Partial {
		return nil, errors.New("the filters cannot be compared: the conditions of some calls of one are too complex")
	}
	d := &Diff{Schema: SchemaDiff, A: a.Label, B: b.Label, Same: a.Node == b.Node, Changes: []Change{}}
	if d.Same {
		return d, nil
	}
	c := comparison{diff: d, pairs: [][2]uint32{{}}}
	ids := map[[2]uint32]uint32{}
	joint := *a
	joint.Programs = nil
	joint.Node = a.Space.Apply(a.Node, b.Node, func(x, y uint32) uint32 {
		if x == y {
			return 0
		}
		id, ok := ids[[2]uint32{x, y}]
		if !ok {
			id = uint32(len(c.pairs))
			ids[[2]uint32{x, y}] = id
			c.pairs = append(c.pairs, [2]uint32{x, y})
		}
		return id
	})
	c.joint = &joint
	abis, other, err := joint.Architectures()
	if err != nil {
		return nil, err
	}
	for _, abi := range union(a, b, abis) {
		if err := c.abi(abi); err != nil {
			return nil, err
		}
	}
	c.others(other)
	return d, a.Space.Err()
}

// union adds the ABIs that either filter tells apart: x32 beside x86_64.
func union(a, b *Filter, abis []*arch.Info) []*arch.Info {
	for _, f := range []*Filter{a, b} {
		if told, _, err := f.Architectures(); err == nil {
			abis = append(abis, told...)
		}
	}
	return a.nativeFirst(dedupe(abis))
}

type comparison struct {
	diff  *Diff
	joint *Filter
	pairs [][2]uint32 // by value of the joint function; 0: no difference
}

func (c *comparison) abi(info *arch.Info) error {
	outcomes, err := c.joint.numbers(info)
	if err != nil {
		return err
	}
	if c.everyCall(info, outcomes) {
		return nil
	}
	changes := map[string]int{}
	rest := calls(info)
	same := c.joint.Space.Const(0)
	for _, o := range outcomes {
		next := uint64(o.Lo)
		for len(rest) > 0 && rest[0].nr <= o.Hi {
			n := rest[0]
			rest = rest[1:]
			c.span(info, next, uint64(n.nr), o.To)
			if o.To != same {
				c.call(info, n, o.To, changes)
			}
			next = uint64(n.nr) + 1
		}
		c.span(info, next, uint64(o.Hi)+1, o.To)
	}
	return nil
}

// everyCall adds the one change of an ABI all of whose numbers change alike.
func (c *comparison) everyCall(info *arch.Info, outcomes []decision.Outcome) bool {
	first := outcomes[0]
	if slices.ContainsFunc(outcomes, func(o decision.Outcome) bool { return o.To != first.To }) {
		return false
	}
	id, constant := c.joint.Space.Value(first.To)
	if !constant {
		return false
	}
	if id != 0 {
		change := c.change(info, id)
		call := cbpf.Data{Arch: uint32(info.ID), NR: first.Lo}
		change.Witness = CallText(&call, info)
		change.Numbers = []uint32{first.Lo, outcomes[len(outcomes)-1].Hi}
		c.diff.Changes = append(c.diff.Changes, change)
	}
	return true
}

// changesOf lists the changes of one number.
func (c *comparison) changesOf(info *arch.Info, nr uint32, name string, to decision.Node) []Change {
	s := c.joint.Space
	var out []Change
	for _, id := range s.Values(to) {
		if id == 0 {
			continue
		}
		where := s.Is(to, func(v uint32) bool { return v == id })
		change := c.change(info, id)
		words, _ := s.Find(where)
		words[decision.WordArch], words[decision.WordNR] = uint32(info.ID), nr
		call := callOf(&words)
		change.Witness = CallText(&call, info)
		if v, ok := s.Value(where); !ok || v == 0 {
			alternatives, err := c.joint.alternatives(where, kinds(info, name))
			if err != nil {
				change.Unsaid = err.Error()
			}
			for _, conds := range alternatives {
				list := []CondReport{}
				for i := range conds {
					list = append(list, condReport(&conds[i], info, name))
				}
				change.When = append(change.When, list)
			}
		}
		out = append(out, change)
	}
	return out
}

func (c *comparison) change(info *arch.Info, id uint32) Change {
	from, to := c.pairs[id][0], c.pairs[id][1]
	name := "other"
	if info != nil {
		name = info.Name
	}
	change := Change{ABI: name, Kind: kindOf(from, to), Looser: cbpf.Stricter(from, to),
		From: ActionWords(from, info), To: ActionWords(to, info)}
	return change
}

func kindOf(from, to uint32) ChangeKind {
	is := func(v, action uint32) bool { return v&cbpf.RetActionFull == action }
	switch {
	case permits(from) && permits(to):
		return LoggingChanged
	case permits(to):
		return NewlyAllowed
	case permits(from):
		return NewlyBlocked
	case is(from, cbpf.RetErrno) && is(to, cbpf.RetErrno):
		return ErrnoChanged
	}
	return ActionChanged
}

func (c *comparison) call(info *arch.Info, n number, to decision.Node, changes map[string]int) {
	for _, change := range c.changesOf(info, n.nr, n.name, to) {
		key := fmt.Sprint(change.From, change.To, change.Unsaid, change.words())
		at, ok := changes[key]
		if !ok {
			at = len(c.diff.Changes)
			changes[key] = at
			c.diff.Changes = append(c.diff.Changes, change)
		}
		list := &c.diff.Changes[at]
		list.Syscalls, list.Numbers = append(list.Syscalls, n.name), append(list.Numbers, n.nr)
	}
}

// span adds changes of numbers without names, from next up to before end.
func (c *comparison) span(info *arch.Info, next, end uint64, to decision.Node) {
	if next >= end || to == c.joint.Space.Const(0) {
		return
	}
	for _, change := range c.changesOf(info, uint32(next), "", to) {
		change.Numbers = []uint32{uint32(next), uint32(end - 1)}
		c.diff.Changes = append(c.diff.Changes, change)
	}
}

// others adds changes of calls through ABIs that neither filter knows.
func (c *comparison) others(other decision.Node) {
	s := c.joint.Space
	for _, id := range s.Values(other) {
		if id == 0 {
			continue
		}
		change := c.change(nil, id)
		words, ok := s.Find(s.Is(c.joint.Node, func(v uint32) bool { return v == id }))
		if ok {
			call := callOf(&words)
			change.Witness = fmt.Sprintf("arch %#x, %s", call.Arch, CallText(&call, nil))
		}
		c.diff.Changes = append(c.diff.Changes, change)
	}
}

// Only keeps the changes of some kinds: "looser", "stricter", or a ChangeKind
// or its last word or first words ("allowed", "errno").
func (d *Diff) Only(kinds []string) error {
	if len(kinds) == 0 {
		return nil
	}
	for _, k := range kinds {
		if !slices.Contains(DiffKinds, k) {
			return fmt.Errorf("%q: want one of %s", k, strings.Join(DiffKinds, ", "))
		}
	}
	d.Changes = slices.DeleteFunc(d.Changes, func(c Change) bool {
		return !slices.ContainsFunc(kinds, func(k string) bool {
			switch k {
			case "looser":
				return c.Looser
			case "stricter":
				return !c.Looser && c.Kind != ErrnoChanged
			}
			return strings.Contains(string(c.Kind), k)
		})
	})
	return nil
}

// DiffKinds is what Only takes.
var DiffKinds = []string{"looser", "stricter", "allowed", "blocked", "errno", "logging", "action"}

// Text prints the differences for people.
func (d *Diff) Text(style Style) string {
	if style.Width == 0 {
		style.Width = 100
	}
	p := printer{style: style}
	switch {
	case d.Same:
		p.line("%s and %s decide every call alike.", d.A, d.B)
	case len(d.Changes) == 0:
		p.line("No change of the kind asked for; others there are.")
	}
	abi := ""
	for i := range d.Changes {
		c := &d.Changes[i]
		if c.ABI != abi {
			abi = c.ABI
			p.line("%s", p.bold(map[bool]string{true: "any other ABI", false: abi}[abi == "other"]))
		}
		p.change(c)
	}
	return p.out.String()
}

func (p *printer) change(c *Change) {
	loose := ""
	if c.Looser && c.Kind != NewlyAllowed {
		loose = ", looser"
	}
	p.line("  %s%s: %s → %s", p.bold(string(c.Kind)), loose, p.action(c.From), p.action(c.To))
	switch {
	case len(c.Syscalls) > 0:
		names := slices.Clone(c.Syscalls)
		slices.Sort(names)
		p.wrap("    ", "    ", names)
	case len(c.Numbers) == 2:
		p.line("    numbers %s", rangeText(c.Numbers))
	}
	for i, all := range c.When {
		rule := RuleReport{When: all}
		lead := "when "
		if i > 0 {
			lead = "or when "
		}
		p.wrap("      "+lead, "        ", strings.Fields(rule.words()))
	}
	if c.Unsaid != "" {
		p.line("      %s", c.Unsaid)
	}
	if c.Witness != "" {
		p.line("      for example %s", c.Witness)
	}
}
