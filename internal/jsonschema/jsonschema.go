// Package jsonschema holds what commands print as JSON against docs/schema, in
// tests.
package jsonschema

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Check says what in a document the schema in a file does not allow. Members
// that the schema does not have are not allowed either.
func Check(file string, document []byte) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var root schema
	if err := json.Unmarshal(text, &root); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	var v any
	if err := json.Unmarshal(document, &v); err != nil {
		return err
	}
	return root.check(&root, filepath.Base(file), v)
}

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
