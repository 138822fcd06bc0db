package policyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

// writeNative writes the policy under the key seccomp, where every reader of
// the format finds it.
func writeNative(w io.Writer, p *seccomp.Policy, o *WriteOptions) error {
	n := &nativeWriter{comments: o.Comments}
	body, err := n.policy(p)
	if err != nil {
		return err
	}
	root := &yaml.Node{Kind: yaml.MappingNode}
	put(root, "seccomp", body)
	root.Content[0].HeadComment = n.comment("")
	var b bytes.Buffer
	dumper, err := yaml.NewDumper(&b, yaml.WithIndent(2))
	if err != nil {
		return err
	}
	if err := errors.Join(dumper.Dump(root), dumper.Close()); err != nil {
		return err
	}
	// What depends on names has not been checked, and no file is better than
	// one that cannot be read.
	if _, err := readNative("as written", b.Bytes()); err != nil {
		return err
	}
	_, err = b.WriteTo(w)
	return err
}

type nativeWriter struct{ comments map[string]string }

// comment is the comment for a path, of lines that can be printed.
func (n *nativeWriter) comment(path string) string {
	lines := strings.Split(n.comments[path], "\n")
	for i, l := range lines {
		lines[i] = strings.Map(printable, strings.ReplaceAll(l, "\t", " "))
	}
	return strings.Join(lines, "\n")
}

// field adds a key with its value, and the comment for path above it.
func (n *nativeWriter) field(m *yaml.Node, path, key string, value *yaml.Node) {
	put(m, key, value)
	m.Content[len(m.Content)-2].HeadComment = n.comment(join(path, key))
}

func put(m *yaml.Node, key string, value *yaml.Node) {
	m.Content = append(m.Content, text(key), value)
}

// text is a string, quoted where it would be read as something else.
func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

func number(v uint64) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatUint(v, 10)}
}

func list() *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode} }

func (n *nativeWriter) policy(p *seccomp.Policy) (*yaml.Node, error) {
	m := &yaml.Node{Kind: yaml.MappingNode}
	n.field(m, "", "default_action", text(p.DefaultAction.String()))
	n.abis(m, "", p.ABIs)
	if p.BadArchAction != 0 {
		n.field(m, "", "bad_arch_action", text(p.BadArchAction.String()))
	}
	if p.Kernel != "" {
		n.field(m, "", "kernel", text(p.Kernel))
	}
	if p.Strict {
		n.field(m, "", "strict", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"})
	}
	groups := list()
	for i := range p.Syscalls {
		path := fmt.Sprintf("syscalls[%d]", i)
		g, err := n.group(&p.Syscalls[i], path)
		if err != nil {
			return nil, err
		}
		groups.Content = append(groups.Content, n.item(g, path))
	}
	n.field(m, "", "syscalls", groups)
	return m, nil
}

// abis adds the field of that name where it is needed.
func (n *nativeWriter) abis(m *yaml.Node, path string, names []string) {
	if len(names) == 0 {
		return
	}
	abis := list()
	for i, abi := range names {
		abis.Content = append(abis.Content, n.item(text(abi), fmt.Sprintf("%s[%d]", strings.TrimPrefix(path+".abis", "."), i)))
	}
	n.field(m, path, "abis", abis)
}

// item is part of a list with its comment.
func (n *nativeWriter) item(node *yaml.Node, path string) *yaml.Node {
	node.HeadComment = n.comment(path)
	return node
}

func (n *nativeWriter) group(g *seccomp.SyscallGroup, path string) (*yaml.Node, error) {
	m := &yaml.Node{Kind: yaml.MappingNode}
	n.field(m, path, "action", text(g.Action.String()))
	n.abis(m, path, g.ABIs)
	if len(g.Names) > 0 {
		names := list()
		for i, name := range g.Names {
			names.Content = append(names.Content, n.item(text(name), fmt.Sprintf("%s.names[%d]", path, i)))
		}
		n.field(m, path, "names", names)
	}
	conditioned := append([]seccomp.NameWithConditions(nil), g.NamesWithConditions...)
	//lint:ignore SA1019 what old code sets must not be lost
	conditioned = append(conditioned, g.NamesWithCondtions...)
	if len(conditioned) == 0 {
		return m, nil
	}
	entries := list()
	for i := range conditioned {
		path := fmt.Sprintf("%s.names_with_args[%d]", path, i)
		e := &conditioned[i]
		entry := &yaml.Node{Kind: yaml.MappingNode}
		n.field(entry, path, "name", text(e.Name))
		arguments := list()
		for j := range e.Conditions {
			path := fmt.Sprintf("%s.arguments[%d]", path, j)
			c, err := n.condition(&e.Conditions[j], path)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			arguments.Content = append(arguments.Content, n.item(c, path))
		}
		n.field(entry, path, "arguments", arguments)
		entries.Content = append(entries.Content, n.item(entry, path))
	}
	n.field(m, path, "names_with_args", entries)
	return m, nil
}

func (n *nativeWriter) condition(c *seccomp.Condition, path string) (*yaml.Node, error) {
	m := &yaml.Node{Kind: yaml.MappingNode}
	op, err := seccomp.ParseOperation(string(c.Operation))
	if err != nil {
		return nil, err
	}
	if c.Name != "" {
		n.field(m, path, "argument", text(c.Name))
	} else {
		n.field(m, path, "argument", number(uint64(c.Argument)))
	}
	n.field(m, path, "operation", text(string(op)))
	if c.Mask != 0 || c.MaskSymbol != "" {
		n.field(m, path, "mask", numberOrSymbol(c.Mask, c.MaskSymbol))
	}
	if op == seccomp.In || op == seccomp.NotIn {
		values := list()
		values.Style = yaml.FlowStyle
		for _, v := range c.Values {
			values.Content = append(values.Content, number(v))
		}
		for _, s := range c.Symbols {
			values.Content = append(values.Content, numberOrSymbol(0, s))
		}
		n.field(m, path, "values", values)
	} else {
		n.field(m, path, "value", numberOrSymbol(c.Value, c.Symbol))
	}
	if c.Width != 0 {
		n.field(m, path, "width", number(uint64(c.Width)))
	}
	return m, nil
}

// numberOrSymbol leaves negative numbers, which are symbols, without quotes.
func numberOrSymbol(v uint64, symbol string) *yaml.Node {
	if symbol == "" {
		return number(v)
	}
	if _, err := strconv.ParseInt(symbol, 10, 64); err == nil {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: symbol}
	}
	return text(symbol)
}
