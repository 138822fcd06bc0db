package seccomp

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

const policyYAML = `
default_action: errno(ENOSYS)
abis: [x86_64, i386]
bad_arch_action: kill_process
kernel: "6.12"
strict: true
syscalls:
- action: allow
  names: [read, "@io-event", "1000"]
  names_with_args:
  - name: socket
    arguments:
    - {argument: domain, operation: ==, value: AF_INET|AF_UNIX}
    - {position: 1, operation: masked_equal, mask: 0xf, value: SOCK_STREAM, width: 32}
  - name: openat
    arguments:
    - {argument: 0, operation: s>=, value: -100}
    - {argument: 2, operation: In, values: [1, 0x8000000000000000, O_RDWR, -1]}
    - {argument: 3, operation: LessThan, value: 18446744073709551615, width: 64}
    - {argument: 4, operation: MaskedNotEqual, mask: S_IFMT, value: 0}
- action: trace(7)
  names: [clone]
`

var policyValue = Policy{
	DefaultAction: ErrnoName("ENOSYS"),
	ABIs:          []string{"x86_64", "i386"},
	BadArchAction: ActionKillProcess,
	Kernel:        "6.12",
	Strict:        true,
	Syscalls: []SyscallGroup{
		{
			Action: ActionAllow,
			Names:  []string{"read", "@io-event", "1000"},
			NamesWithConditions: []NameWithConditions{
				{Name: "socket", Conditions: ArgumentConditions{
					{Name: "domain", Operation: Equal, Symbol: "AF_INET|AF_UNIX"},
					{Argument: 1, Operation: MaskedEqual, Mask: 0xf, Symbol: "SOCK_STREAM", Width: Width32},
				}},
				{Name: "openat", Conditions: ArgumentConditions{
					{Operation: SignedGreaterOrEqual, Symbol: "-100"},
					{Argument: 2, Operation: In, Values: []uint64{1, 1 << 63}, Symbols: []string{"O_RDWR", "-1"}},
					{Argument: 3, Operation: LessThan, Value: 1<<64 - 1, Width: Width64},
					{Argument: 4, Operation: MaskedNotEqual, MaskSymbol: "S_IFMT"},
				}},
			},
		},
		{Action: TraceData(7), Names: []string{"clone"}},
	},
}

func TestPolicyYAML(t *testing.T) {
	var p Policy
	if err := yaml.Unmarshal([]byte(policyYAML), &p); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(policyValue, p); diff != "" {
		t.Fatalf("read (-want +got):\n%s", diff)
	}
	text, err := yaml.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Policy
	if err := yaml.Unmarshal(text, &back); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := cmp.Diff(policyValue, back); diff != "" {
		t.Fatalf("round trip through\n%s(-want +got):\n%s", text, diff)
	}
}

func TestPolicyJSON(t *testing.T) {
	text, err := json.Marshal(policyValue)
	if err != nil {
		t.Fatal(err)
	}
	var back Policy
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if diff := cmp.Diff(policyValue, back); diff != "" {
		t.Fatalf("round trip through %s (-want +got):\n%s", text, diff)
	}
}

// TestDeprecatedSpelling checks that what is only in the misspelt field is
// neither lost in the text form nor in validation.
func TestDeprecatedSpelling(t *testing.T) {
	entry := func(name string) NameWithConditions {
		return NameWithConditions{Name: name, Conditions: ArgumentConditions{{Operation: Equal, Value: 1}}}
	}
	g := SyscallGroup{
		Action:              ActionErrno,
		NamesWithConditions: []NameWithConditions{entry("read")},
		NamesWithCondtions:  []NameWithConditions{entry("write")},
	}
	want := SyscallGroup{Action: ActionErrno, NamesWithConditions: []NameWithConditions{entry("read"), entry("write")}}
	for name, codec := range map[string]struct {
		marshal   func(any) ([]byte, error)
		unmarshal func([]byte, any) error
	}{
		"json": {json.Marshal, json.Unmarshal},
		"yaml": {
			func(v any) ([]byte, error) { return yaml.Marshal(v) },
			func(b []byte, v any) error { return yaml.Unmarshal(b, v) },
		},
	} {
		text, err := codec.marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		var got SyscallGroup
		if err := codec.unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, text, diff)
		}
	}
}

func TestConditionRefused(t *testing.T) {
	for text, part := range map[string]string{
		`{"argument": 9, "operation": "Equal", "value": 1}`:                    "between 0 and 5",
		`{"argument": -1, "operation": "Equal", "value": 1}`:                   "position",
		`{"argument": 0, "position": 1, "operation": "Equal"}`:                 "twice",
		`{"argument": 0, "operation": "Eqal", "value": 1}`:                     "invalid operation",
		`{"argument": 0, "value": 1}`:                                          "no operation",
		`{"argument": 0, "operation": "Equal", "value": 18446744073709551616}`: "64-bit",
		`{"argument": 0, "operation": "Equal", "value": -9223372036854775809}`: "64-bit",
		`{"argument": 0, "operation": "Equal", "value": 1.5}`:                  "64-bit",
		`{"argument": 0, "operation": "Equal", "value": "A||B"}`:               "missing",
		`{"argument": 0, "operation": "Equal", "value": "1|-1"}`:               "stands alone",
		`{"argument": 0, "operation": "Equal", "value": ""}`:                   "empty",
		`{"argument": 0, "operation": "Equal", "value": null}`:                 "no value",
		`{"argument": 0, "operation": "Equal", "valeu": 1}`:                    "unknown key",
		`{"argument": 0, "operation": "Equal", "value": 1, "mask": 3}`:         "a mask is for",
		`{"argument": 0, "operation": "MaskedEqual", "value": 1}`:              "needs a mask",
		`{"argument": 0, "operation": "In"}`:                                   "needs values",
		`{"argument": 0, "operation": "In", "values": 3}`:                      "want a list",
		`{"argument": 0, "operation": "In", "values": [1], "value": 1}`:        "set of values",
		`{"argument": 0, "operation": "Equal", "values": [1]}`:                 "a set of values is for",
		`{"argument": 0, "operation": "Equal", "value": 1, "width": 16}`:       "32 or 64",
		`{"argument": "do main", "operation": "Equal", "value": 1}`:            "neither a name",
		`{"argument": 0, "operation": 3, "value": 1}`:                          "name of an operation",
		`{"argument": 0, "operation": "Equal", "value": {"a": 1}}`:             "whole number",
		`[]`: "condition",
	} {
		var c Condition
		err := json.Unmarshal([]byte(text), &c)
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v, want an error with %q", text, err, part)
		}
	}
}

func TestOperationSpellings(t *testing.T) {
	for text, want := range map[string]Operation{
		"Equal": Equal, "eq": Equal, "==": Equal, "EQUAL": Equal,
		"!=": NotEqual, "not_equal": NotEqual, ">": GreaterThan, "greater_than": GreaterThan,
		"<=": LessOrEqual, "less-or-equal": LessOrEqual, "bits_set": BitsSet, "BitsNotSet": BitsNotSet,
		"masked_equal": MaskedEqual, "not in": NotIn, "in": In, "s<": SignedLessThan,
	} {
		var got Operation
		if err := got.Unpack(text); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
	seen := map[Operation]bool{}
	for _, o := range Operations {
		var back Operation
		text, err := o.MarshalText()
		if err != nil || back.UnmarshalText(text) != nil || back != o || seen[o] {
			t.Errorf("%q does not round-trip", o)
		}
		seen[o] = true
	}
	for _, text := range []string{"", "===", "equals", "SCMP"} {
		if o, err := ParseOperation(text); err == nil {
			t.Errorf("%q is taken for %q", text, o)
		}
	}
}

func TestFilterText(t *testing.T) {
	f := Filter{NoNewPrivs: true, Flag: FilterFlagTSync | FilterFlagLog, Policy: policyValue}
	for name, codec := range map[string]struct {
		marshal   func(any) ([]byte, error)
		unmarshal func([]byte, any) error
	}{
		"json": {json.Marshal, json.Unmarshal},
		"yaml": {
			func(v any) ([]byte, error) { return yaml.Marshal(v) },
			func(b []byte, v any) error { return yaml.Unmarshal(b, v) },
		},
	} {
		text, err := codec.marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "tsync|log") {
			t.Errorf("%s: flags are not written by name: %s", name, text)
		}
		var back Filter
		if err := codec.unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, back); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFilterFlagText(t *testing.T) {
	for text, want := range map[string]FilterFlag{
		"":                                 0,
		"tsync":                            FilterFlagTSync,
		"tsync|log":                        FilterFlagTSync | FilterFlagLog,
		"LOG, spec_allow":                  FilterFlagLog | FilterFlagSpecAllow,
		"SECCOMP_FILTER_FLAG_NEW_LISTENER": FilterFlagNewListener,
		"0x30":                             FilterFlagTSyncESRCH | FilterFlagWaitKillableRecv,
	} {
		var got FilterFlag
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"tsyn", "0x40", "tsync|none"} {
		var got FilterFlag
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestFilterFlagCombinations(t *testing.T) {
	for flags, part := range map[FilterFlag]string{
		FilterFlagTSync | FilterFlagNewListener:      "add tsync_esrch",
		FilterFlagWaitKillableRecv:                   "add new_listener",
		FilterFlagWaitKillableRecv | FilterFlagTSync: "add new_listener",
		1 << 6: "unknown",
		0:      "",
		FilterFlagTSync | FilterFlagLog | FilterFlagSpecAllow:          "",
		FilterFlagTSync | FilterFlagTSyncESRCH | FilterFlagNewListener: "",
		FilterFlagNewListener | FilterFlagWaitKillableRecv:             "",
	} {
		err := flags.validate()
		if part == "" && err != nil || part != "" && (err == nil || !strings.Contains(err.Error(), part)) {
			t.Errorf("%v: %v, want %q", flags, err, part)
		}
	}
}

func TestValidateNamesTheField(t *testing.T) {
	read := []SyscallGroup{{Action: ActionAllow, Names: []string{"read"}}}
	for _, tt := range []struct {
		policy Policy
		part   string
	}{
		{Policy{Syscalls: read}, "default_action"},
		{Policy{DefaultAction: ActionAllow}, "syscalls"},
		{Policy{DefaultAction: ActionAllow | 3, Syscalls: read}, "default_action"},
		{Policy{DefaultAction: ActionAllow, BadArchAction: 99, Syscalls: read}, "bad_arch_action"},
		{Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Names: []string{"read"}}}}, "syscalls[0]: invalid action"},
		{Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionErrno}}}, "syscalls[0]: names nothing"},
		{Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionErrno, Names: []string{""}}}}, "names[0]"},
		{Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionErrno,
			NamesWithConditions: []NameWithConditions{{Name: "read"}}}}}, "read has no conditions"},
		{Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ActionErrno,
			NamesWithCondtions: []NameWithConditions{{Name: "read", Conditions: ArgumentConditions{{Argument: 6, Operation: Equal}}}}}}}, "between 0 and 5"},
	} {
		err := tt.policy.Validate()
		if err == nil || !strings.Contains(err.Error(), tt.part) {
			t.Errorf("%+v: %v, want an error with %q", tt.policy, err, tt.part)
		}
	}
	if err := policyValue.Validate(); err != nil {
		t.Error(err)
	}
}
