package seccomp

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// Programs that read their settings with github.com/elastic/go-ucfg have
// policies in them. unpackConfig does what its documentation says that it does
// with a struct: a field is named by its config tag, else by its name in lower
// case; one tagged ",ignore" is left alone; a type with Unpack(string) reads a
// string itself; Validate is called on what was read; "required" of the
// validate tag asks for a value that is not zero.
func unpackConfig(to reflect.Value, from any) error {
	if u, ok := to.Addr().Interface().(interface{ Unpack(string) error }); ok {
		s, isString := from.(string)
		if !isString {
			return fmt.Errorf("%v: want a string", from)
		}
		return u.Unpack(s)
	}
	switch to.Kind() {
	case reflect.Struct:
		if err := unpackStruct(to, from); err != nil {
			return err
		}
	case reflect.Slice:
		list, ok := from.([]any)
		if !ok {
			list = []any{from}
		}
		to.Set(reflect.MakeSlice(to.Type(), len(list), len(list)))
		for i := range list {
			if err := unpackConfig(to.Index(i), list[i]); err != nil {
				return err
			}
		}
	default:
		v := reflect.ValueOf(from)
		if !v.CanConvert(to.Type()) || (v.Kind() == reflect.String) != (to.Kind() == reflect.String) {
			return fmt.Errorf("%v is no %v", from, to.Type())
		}
		to.Set(v.Convert(to.Type()))
	}
	if v, ok := to.Addr().Interface().(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

func unpackStruct(to reflect.Value, from any) error {
	settings, ok := from.(map[string]any)
	if !ok {
		return fmt.Errorf("%v: want settings", from)
	}
	for i := range to.NumField() {
		field := to.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("config"), ",")
		if !field.IsExported() || options == "ignore" {
			continue
		}
		if name == "" {
			name = strings.ToLower(field.Name)
		}
		if setting, ok := settings[name]; ok {
			if err := unpackConfig(to.Field(i), setting); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if strings.Contains(field.Tag.Get("validate"), "required") && to.Field(i).IsZero() {
			return fmt.Errorf("%s: required", name)
		}
	}
	return nil
}

func TestConfigTags(t *testing.T) {
	const text = `
no_new_privs: true
flag: tsync
policy:
  default_action: allow
  syscalls:
  - action: errno
    names: [connect, accept]
  - action: kill_process
    names_with_args:
    - name: clone
      arguments:
      - {argument: 0, operation: BitsSet, value: 0x10000000}
      - {argument: 2, operation: NotEqual, value: 7}
`
	var settings any
	if err := yaml.Unmarshal([]byte(text), &settings); err != nil {
		t.Fatal(err)
	}
	var got Filter
	if err := unpackConfig(reflect.ValueOf(&got).Elem(), settings); err != nil {
		t.Fatal(err)
	}
	want := Filter{NoNewPrivs: true, Flag: FilterFlagTSync, Policy: Policy{
		DefaultAction: ActionAllow,
		Syscalls: []SyscallGroup{
			{Action: ActionErrno, Names: []string{"connect", "accept"}},
			{Action: ActionKillProcess, NamesWithConditions: []NameWithConditions{{Name: "clone", Conditions: ArgumentConditions{
				{Argument: 0, Operation: BitsSet, Value: 0x10000000},
				{Argument: 2, Operation: NotEqual, Value: 7},
			}}}},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, tt := range []struct{ old, new, want string }{
		{"default_action: allow", "default_action: permit", "default_action: "},
		{"default_action: allow", "abis: [native]", "default_action: no action"},
		{"action: errno", "other: errno", "action: required"},
		{"operation: NotEqual,", "", "operation: required"},
		{"operation: NotEqual", "operation: Unequal", "Unequal"},
		{"name: clone", "nam: clone", "name: required"},
	} {
		var settings any
		if err := yaml.Unmarshal([]byte(strings.Replace(text, tt.old, tt.new, 1)), &settings); err != nil {
			t.Fatal(err)
		}
		var filter Filter
		if err := unpackConfig(reflect.ValueOf(&filter).Elem(), settings); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q for %q: %v, want an error with %q", tt.new, tt.old, err, tt.want)
		}
	}
}
