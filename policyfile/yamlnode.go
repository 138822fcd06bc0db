package policyfile

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// A decoder walks YAML nodes and keeps where everything stood.
type decoder struct {
	name      string
	positions map[string]Position
	entries   int // how many nodes were used, those behind aliases each time
}

func (d *decoder) errorf(n *yaml.Node, format string, args ...any) error {
	return d.fail(n, fmt.Errorf(format, args...))
}

func (d *decoder) fail(n *yaml.Node, err error) error {
	return &Error{Name: d.name, At: Position{n.Line, n.Column}, Err: err}
}

// document parses the one document that content has to be.
func (d *decoder) document(content []byte) (*yaml.Node, error) {
	if at, bad := notText(content); bad != "" {
		return nil, &Error{Name: d.name, At: at, Err: errors.New(bad)}
	}
	loader, err := yaml.NewLoader(strings.NewReader(string(content)))
	if err != nil {
		return nil, d.syntaxError(err)
	}
	var root, second yaml.Node
	err = loader.Load(&root)
	if errors.Is(err, io.EOF) || err == nil && isNull(&root) {
		return nil, errors.New("is empty: a policy has default_action and syscalls")
	}
	if err != nil {
		return nil, d.syntaxError(err)
	}
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, d.syntaxError(err)
	default:
		return nil, d.errorf(&second, "a second document starts here: a file holds one policy")
	}
	return root.Content[0], nil
}

func isNull(root *yaml.Node) bool {
	return len(root.Content) == 0 || root.Content[0].Kind == yaml.ScalarNode && root.Content[0].Tag == "!!null"
}

// syntaxError takes the place out of the parser's errors.
func (d *decoder) syntaxError(err error) error {
	var parsed *yaml.LoadError
	if !errors.As(err, &parsed) {
		return fmt.Errorf("not YAML: %w", err)
	}
	text := parsed.Message
	if parsed.ContextMsg != "" {
		text = parsed.ContextMsg + ": " + text
	}
	at := Position{parsed.Mark.Line, parsed.Mark.Column}
	if at.Line == 0 {
		at = Position{}
	}
	return &Error{Name: d.name, At: at, Err: fmt.Errorf("not YAML: %s", text)}
}

// notText finds the first character that no text file has.
func notText(content []byte) (Position, string) {
	at := Position{Line: 1, Column: 1}
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return at, fmt.Sprintf("not a text file: byte %#02x is not UTF-8", content[i])
		case r == '\n':
			at = Position{at.Line + 1, 0}
		case r < ' ' && r != '\t' && r != '\r', r >= 0x7f && r < 0xa0 && r != 0x85:
			return at, fmt.Sprintf("not a text file: control character %#02x", r)
		}
		at.Column++
		i += size
	}
	return at, ""
}

// use counts a node and follows it if it is an alias. Aliases cannot make the
// walk endless, as the form of a policy has a fixed depth, but they could make
// it long.
func (d *decoder) use(n *yaml.Node, path string) (*yaml.Node, error) {
	if d.entries++; d.entries > MaxEntries {
		return nil, d.errorf(n, "the policy has more than %d parts, counting what aliases repeat", MaxEntries)
	}
	d.positions[path] = Position{n.Line, n.Column}
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias, nil
	}
	return n, nil
}

// A field is a key of a mapping with its value.
type field struct {
	key, value *yaml.Node
	path       string
}

// mapping reads a mapping whose keys are all among the known ones.
func (d *decoder) mapping(n *yaml.Node, path string, known ...string) (map[string]field, error) {
	n, err := d.use(n, path)
	if err != nil {
		return nil, err
	}
	if n.Kind != yaml.MappingNode {
		return nil, d.errorf(n, "want keys and values (%s), have %s", strings.Join(known, ", "), kindOf(n))
	}
	fields := map[string]field{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch name := key.Value; {
		case key.Kind != yaml.ScalarNode:
			return nil, d.errorf(key, "want a key, have %s", kindOf(key))
		case key.Tag == "!!merge":
			return nil, d.errorf(key, "merge keys (<<) are not supported: write the keys out")
		case !slices.Contains(known, name):
			return nil, d.errorf(key, "unknown key %q%s", shorten(name), suggest(name, known))
		case fields[name].key != nil:
			return nil, d.errorf(key, "duplicate key %q, first on line %d", name, fields[name].key.Line)
		default:
			fields[name] = field{key, value, join(path, name)}
		}
	}
	return fields, nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// sequence reads a list and calls item for each of its parts.
func (d *decoder) sequence(f field, item func(n *yaml.Node, path string) error) error {
	n, err := d.use(f.value, f.path)
	if err != nil {
		return err
	}
	if n.Kind != yaml.SequenceNode {
		return d.errorf(f.value, "%s: want a list, have %s", f.key.Value, kindOf(n))
	}
	for i, child := range n.Content {
		if err := item(child, fmt.Sprintf("%s[%d]", f.path, i)); err != nil {
			return err
		}
	}
	return nil
}

// text reads a scalar of one of the tags as it is written.
func (d *decoder) text(n *yaml.Node, path, what string, tags ...string) (string, error) {
	scalar, err := d.use(n, path)
	if err != nil {
		return "", err
	}
	if scalar.Kind != yaml.ScalarNode || !slices.Contains(tags, scalar.ShortTag()) {
		return "", d.errorf(n, "%s, have %s", what, kindOf(scalar))
	}
	if scalar.Value == "" {
		return "", d.errorf(n, "%s, have nothing", what)
	}
	return scalar.Value, nil
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "the truth value " + n.Value
	case "!!int", "!!float":
		return "the number " + shorten(n.Value)
	case "!!str":
		return fmt.Sprintf("the text %q", shorten(n.Value))
	}
	return fmt.Sprintf("%q of type %s", shorten(n.Value), n.ShortTag())
}

// shorten keeps messages to a line.
func shorten(s string) string {
	const longest = 60
	if utf8.RuneCountInString(s) <= longest {
		return s
	}
	return string([]rune(s)[:longest]) + "…"
}
