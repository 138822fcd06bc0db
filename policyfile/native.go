package policyfile

import (
	"errors"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v4"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

// native is YAML with the keys of seccomp.Policy, which go-seccomp-bpf's files
// have had from the start.
var native = format{
	name:   "native",
	title:  "YAML or JSON with the keys of this package",
	detect: func(string, []byte) bool { return true },
	read:   readNative,
	write:  writeNative,
}

func readNative(name string, content []byte) (*File, error) {
	d := &nativeReader{decoder: decoder{name: name, positions: map[string]Position{}}}
	root, err := d.document(content)
	if err != nil {
		return nil, err
	}
	if isWrapped(root) {
		fields, err := d.mapping(root, "", "seccomp")
		if err != nil {
			return nil, err
		}
		root = fields["seccomp"].value
	}
	policy, err := d.policy(root)
	if err != nil {
		return nil, err
	}
	return &File{Policy: policy, positions: d.positions}, nil
}

// isWrapped tells whether the policy is the value of the key seccomp.
func isWrapped(root *yaml.Node) bool {
	for i := 0; root.Kind == yaml.MappingNode && i < len(root.Content); i += 2 {
		if root.Content[i].Value == "seccomp" {
			return true
		}
	}
	return false
}

// A nativeReader makes a policy of YAML nodes.
type nativeReader struct {
	decoder
	constants map[string]error // what checkConstant said
}

func (d *nativeReader) policy(n *yaml.Node) (p seccomp.Policy, err error) {
	fields, err := d.mapping(n, "", "default_action", "abis", "bad_arch_action", "kernel", "strict", "syscalls")
	if err != nil {
		return p, err
	}
	for _, required := range []string{"default_action", "syscalls"} {
		if fields[required].key == nil {
			return p, d.errorf(n, "%s is missing", required)
		}
	}
	if p.DefaultAction, err = d.action(fields["default_action"]); err != nil {
		return p, err
	}
	if f, ok := fields["bad_arch_action"]; ok {
		if p.BadArchAction, err = d.action(f); err != nil {
			return p, err
		}
	}
	if f, ok := fields["abis"]; ok {
		if p.ABIs, err = d.abis(f); err != nil {
			return p, err
		}
	}
	if f, ok := fields["kernel"]; ok {
		if p.Kernel, err = d.kernel(f); err != nil {
			return p, err
		}
	}
	if f, ok := fields["strict"]; ok {
		text, err := d.text(f.value, f.path, "strict: want true or false", "!!bool")
		if err != nil {
			return p, err
		}
		p.Strict, _ = strconv.ParseBool(text)
	}
	groups := fields["syscalls"]
	err = d.sequence(groups, func(n *yaml.Node, path string) error {
		g, err := d.group(n, path)
		p.Syscalls = append(p.Syscalls, g)
		return err
	})
	if err == nil && len(p.Syscalls) == 0 {
		err = d.errorf(groups.value, "syscalls is empty: list at least one group of names and its action")
	}
	return p, err
}

func (d *nativeReader) action(f field) (seccomp.Action, error) {
	text, err := d.text(f.value, f.path, f.key.Value+": want an action such as allow or errno(EACCES)", "!!str")
	if err != nil {
		return 0, err
	}
	a, err := seccomp.ParseAction(text)
	if err != nil {
		return 0, d.fail(f.value, err)
	}
	return a, nil
}

func (d *nativeReader) abis(f field) (names []string, err error) {
	err = d.sequence(f, func(n *yaml.Node, path string) error {
		name, err := d.text(n, path, "abis: want the name of an ABI such as x86_64, native or compat", "!!str", "!!int")
		if err != nil {
			return err
		}
		if _, err := arch.GetInfo(name); err != nil && name != "native" && name != "compat" {
			return d.errorf(n, "%w", err)
		}
		names = append(names, name)
		return nil
	})
	if err == nil && len(names) == 0 {
		err = d.errorf(f.value, "abis is empty: leave it out for the native ABI")
	}
	return names, err
}

func (d *nativeReader) kernel(f field) (string, error) {
	const want = `kernel: want a Linux version such as "6.12"`
	text, err := d.text(f.value, f.path, want, "!!str", "!!float", "!!int")
	if err != nil {
		return "", err
	}
	if _, err := arch.ParseVersion(text); err != nil {
		return "", d.errorf(f.value, "kernel: %w", err)
	}
	return text, nil
}

func (d *nativeReader) group(n *yaml.Node, path string) (g seccomp.SyscallGroup, err error) {
	fields, err := d.mapping(n, path, "action", "abis", "names", "names_with_args")
	if err != nil {
		return g, err
	}
	action, ok := fields["action"]
	if !ok {
		return g, d.errorf(n, "action is missing: say what happens to these calls")
	}
	if g.Action, err = d.action(action); err != nil {
		return g, err
	}
	if f, ok := fields["abis"]; ok {
		if g.ABIs, err = d.abis(f); err != nil {
			return g, err
		}
	}
	if f, ok := fields["names"]; ok {
		err := d.sequence(f, func(n *yaml.Node, path string) error {
			name, err := d.callName(n, path)
			g.Names = append(g.Names, name)
			return err
		})
		if err != nil {
			return g, err
		}
	}
	if f, ok := fields["names_with_args"]; ok {
		err := d.sequence(f, func(n *yaml.Node, path string) error {
			entry, err := d.entry(n, path)
			g.NamesWithConditions = append(g.NamesWithConditions, entry)
			return err
		})
		if err != nil {
			return g, err
		}
	}
	if len(g.Names)+len(g.NamesWithConditions) == 0 {
		return g, d.errorf(n, "the group names nothing: list calls under names or names_with_args")
	}
	return g, nil
}

func (d *nativeReader) callName(n *yaml.Node, path string) (string, error) {
	name, err := d.text(n, path, "want the name of a system call, a @group or a number", "!!str", "!!int")
	if err != nil {
		return "", err
	}
	if err := CheckName(name); err != nil {
		return "", d.fail(n, err)
	}
	return name, nil
}

func (d *nativeReader) entry(n *yaml.Node, path string) (e seccomp.NameWithConditions, err error) {
	fields, err := d.mapping(n, path, "name", "arguments")
	if err != nil {
		return e, err
	}
	name, ok := fields["name"]
	if !ok {
		return e, d.errorf(n, "name is missing: say which system call has these arguments")
	}
	if e.Name, err = d.callName(name.value, name.path); err != nil {
		return e, err
	}
	if e.Name[0] == '@' {
		return e, d.errorf(name.value, "%s is a group, which has no arguments of its own: name the calls", e.Name)
	}
	arguments, ok := fields["arguments"]
	if ok {
		err = d.sequence(arguments, func(n *yaml.Node, path string) error {
			c, err := d.condition(n, path)
			e.Conditions = append(e.Conditions, c)
			return err
		})
	}
	if err == nil && len(e.Conditions) == 0 {
		err = d.errorf(n, "%s has no conditions: list it under names to match it whatever its arguments", e.Name)
	}
	return e, err
}

func (d *nativeReader) condition(n *yaml.Node, path string) (c seccomp.Condition, err error) {
	fields, err := d.mapping(n, path, "argument", "position", "operation", "value", "values", "mask", "width")
	if err != nil {
		return c, err
	}
	argument, byName := fields["argument"]
	position, byPosition := fields["position"]
	operation, hasOperation := fields["operation"]
	switch {
	case byName && byPosition:
		return c, d.errorf(position.key, "argument and position are the same, given twice")
	case !hasOperation:
		return c, d.errorf(n, "operation is missing, such as Equal or BitsSet")
	case byPosition:
		argument, byName = position, true
	}
	if byName {
		if c.Argument, c.Name, err = d.argument(argument); err != nil {
			return c, err
		}
	}
	text, err := d.text(operation.value, operation.path, "operation: want the name of one", "!!str")
	if err != nil {
		return c, err
	}
	if c.Operation, err = seccomp.ParseOperation(text); err != nil {
		return c, d.fail(operation.value, err)
	}
	if err := d.operands(&c, fields); err != nil {
		return c, err
	}
	if problems := (seccomp.ArgumentConditions{c}).Validate(); len(problems) > 0 {
		return c, d.fail(n, errors.New(problems[0]))
	}
	return c, nil
}

func (d *nativeReader) operands(c *seccomp.Condition, fields map[string]field) (err error) {
	if f, ok := fields["value"]; ok {
		if c.Value, c.Symbol, err = d.value(f.value, f.path); err != nil {
			return err
		}
	}
	if f, ok := fields["mask"]; ok {
		if c.Mask, c.MaskSymbol, err = d.value(f.value, f.path); err != nil {
			return err
		}
	}
	if f, ok := fields["values"]; ok {
		err := d.sequence(f, func(n *yaml.Node, path string) error {
			number, symbol, err := d.value(n, path)
			if symbol != "" {
				c.Symbols = append(c.Symbols, symbol)
			} else {
				c.Values = append(c.Values, number)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if f, ok := fields["width"]; ok {
		const want = "width: want 32 or 64"
		text, err := d.text(f.value, f.path, want, "!!int")
		if err != nil {
			return err
		}
		if text != "32" && text != "64" {
			return d.errorf(f.value, "%s, have %s", want, shorten(text))
		}
		bits, _ := strconv.Atoi(text)
		c.Width = seccomp.Width(bits)
	}
	return nil
}

func (d *nativeReader) argument(f field) (position uint32, name string, err error) {
	const want = "want an argument's position from 0 to 5, or its name"
	text, err := d.text(f.value, f.path, want, "!!str", "!!int")
	if err != nil {
		return 0, "", err
	}
	number, symbol, err := seccomp.ParseValue(text)
	switch {
	case err != nil:
		return 0, "", d.errorf(f.value, "%s: %w", want, err)
	case symbol == "" && number > 5:
		return 0, "", d.errorf(f.value, "%s, have %s: a system call has no more than six arguments", want, text)
	case symbol != "" && !isWord(symbol):
		return 0, "", d.errorf(f.value, "%s, have %q", want, shorten(text))
	}
	return uint32(number), symbol, nil
}

// isWord tells whether text begins like the name of an argument; what else is
// in it has been checked.
func isWord(text string) bool {
	for _, r := range text {
		if r == '|' || r == '-' || r == ' ' {
			return false
		}
	}
	return true
}

// value reads a number or a symbol. Its floats are whole numbers too large for
// YAML's integers, and refused as such.
func (d *nativeReader) value(n *yaml.Node, path string) (number uint64, symbol string, err error) {
	text, err := d.text(n, path, "want a number or the name of a constant", "!!str", "!!int", "!!float")
	if err != nil {
		return 0, "", err
	}
	number, symbol, err = seccomp.ParseValue(text)
	if err == nil {
		err = d.checkSymbol(symbol)
	}
	if err != nil {
		return 0, "", d.fail(n, err)
	}
	return number, symbol, nil
}

// checkSymbol checks that every name in symbol is a constant of some ABI.
func (d *nativeReader) checkSymbol(symbol string) error {
	if err, known := d.constants[symbol]; known {
		return err
	}
	err := checkConstants(symbol)
	if err != nil {
		err = fmt.Errorf("%w", err)
	}
	if d.constants == nil {
		d.constants = map[string]error{}
	}
	d.constants[symbol] = err
	return err
}
