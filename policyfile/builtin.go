package policyfile

import (
	"bytes"
	_ "embed" // the policies
	"fmt"
)

// builtinPrefix marks the name of a policy that comes with this package.
const builtinPrefix = "builtin:"

// DefaultName is the builtin policy for programs that are not known to need
// anything in particular.
const DefaultName = builtinPrefix + "default"

//go:embed default.yaml
var defaultText []byte

// Builtins lists the names of the policies that come with this package.
func Builtins() []string { return []string{DefaultName} }

// Builtin is the policy of that name.
func Builtin(name string) (*File, error) {
	text, err := BuiltinText(name)
	if err != nil {
		return nil, err
	}
	return ReadFormat(native.name, name, bytes.NewReader(text))
}

// BuiltinText is the file of the policy of that name, to be read by people and
// as a start for one's own.
func BuiltinText(name string) ([]byte, error) {
	if name == DefaultName {
		return bytes.Clone(defaultText), nil
	}
	return nil, &Error{Name: name, Err: fmt.Errorf("unknown builtin policy%s", suggest(name, Builtins()))}
}
