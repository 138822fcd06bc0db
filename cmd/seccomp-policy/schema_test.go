package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A schema is the part of JSON Schema that docs/schema uses.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Const      any                `json:"const"`
	Enum       []any              `json:"enum"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Items      *schema            `json:"items"`
	Defs       map[string]*schema `json:"$defs"`
}

// check says what in a value a schema does not allow.
func (s *schema) check(root *schema, path string, v any) error {
	if s.Ref != "" {
		return root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")].check(root, path, v)
	}
	if s.Const != nil && s.Const != v || s.Enum != nil && !slices.Contains(s.Enum, v) {
		return fmt.Errorf("%s: %v is not allowed", path, v)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range s.Required {
			if _, ok := v[key]; !ok {
				return fmt.Errorf("%s: %s is missing", path, key)
			}
		}
		for key, item := range v {
			if s.Properties[key] == nil {
				return fmt.Errorf("%s: %s is not documented", path, key)
			}
			if err := s.Properties[key].check(root, path+"."+key, item); err != nil {
				return err
			}
		}
		return s.is(path, "object")
	case []any:
		if err := s.is(path, "array"); err != nil {
			return err
		}
		for i, item := range v {
			if err := s.Items.check(root, fmt.Sprintf("%s[%d]", path, i), item); err != nil {
				return err
			}
		}
	case string:
		if s.Const == nil {
			return s.is(path, "string")
		}
	case bool:
		return s.is(path, "boolean")
	case float64:
		return s.is(path, "number", "integer")
	}
	return nil
}

func (s *schema) is(path string, types ...string) error {
	if !slices.Contains(types, s.Type) {
		return fmt.Errorf("%s: is of type %s, want %s", path, types[0], s.Type)
	}
	return nil
}

// TestSchemas holds what commands print as JSON against docs/schema.
func TestSchemas(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a := file("a.yaml", `default_action: allow
abis: [x86_64, i386]
syscalls:
- {action: errno(EPERM), names: [clone, openat, 700-800]}
- action: kill_process
  names_with_args:
  - {name: socket, arguments: [{argument: 0, operation: Equal, value: AF_ALG, width: 64}]}
  - {name: prctl, arguments: [{argument: 0, operation: LessThan, value: 9}]}
  - {name: mprotect, arguments: [{argument: 2, operation: BitsSet, value: PROT_EXEC}]}
`)
	b := file("b.yaml", "default_action: allow\nabis: [x86_64]\nsyscalls: [{action: log, names: [openat]}]\n")
	for _, test := range []struct {
		schema string
		args   []string
		any    bool // it is about no machine
	}{
		{schema: "explain-1", args: []string{"explain", a, b}},
		{schema: "diff-1", args: []string{"diff", a, b}},
		{schema: "check-1", args: []string{"check", a}},
		{schema: "check-1", args: []string{"check", a, "--goal", "deny:openat", "--goal", "deny:socket"}},
		{schema: "simulate-1", args: []string{"simulate", a, "openat(AT_FDCWD)", "ptrace"}},
		{schema: "simulate-1", args: []string{"explain", a, "--why", "openat"}},
		{schema: "list-1", args: []string{"list", "openat", "@swap", "abis", "actions", "TIOCSTI"}, any: true},
	} {
		text, err := os.ReadFile("../../docs/schema/" + test.schema + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var root schema
		if err := json.Unmarshal(text, &root); err != nil {
			t.Fatalf("%s: %v", test.schema, err)
		}
		var out, stderr bytes.Buffer
		machine := []string{"--machine", "x86_64"}
		if test.any {
			machine = nil
		}
		if status := run(slices.Concat(test.args, []string{"-o", "json"}, machine), nil, &out, &stderr); status == exitError {
			t.Fatalf("%v: %s", test.args, &stderr)
		}
		var v any
		if err := json.Unmarshal(out.Bytes(), &v); err != nil {
			t.Fatalf("%v: %v", test.args, err)
		}
		if err := root.check(&root, test.schema, v); err != nil {
			t.Errorf("%v: %v", test.args, err)
		}
	}
}
