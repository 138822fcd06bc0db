package policyfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

func read(t *testing.T, text string) *File {
	t.Helper()
	f, err := Read("web.yaml", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestReadOriginal reads what files of the library's first releases look like.
func TestReadOriginal(t *testing.T) {
	want := seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionErrno, Names: []string{"connect", "accept"}},
			{Action: seccomp.ActionKillThread, NamesWithConditions: []seccomp.NameWithConditions{{
				Name: "clone",
				Conditions: seccomp.ArgumentConditions{
					{Argument: 0, Operation: seccomp.BitsNotSet, Value: 0x10000},
					{Argument: 3, Operation: seccomp.GreaterOrEqual, Value: 4096},
					{Argument: 0, Operation: seccomp.Equal, Value: 0},
				},
			}}},
		},
	}
	const body = `
default_action: allow
syscalls:
  - action: errno
    names:
    - connect
    - accept
  - action: kill_thread
    names_with_args:
    - name: clone
      arguments:
      - argument: 0
        operation: BitsNotSet
        value: 0x10000
      - position: 3
        operation: GreaterOrEqual
        value: 4096
      - operation: Equal
`
	for name, text := range map[string]string{
		"bare":    body,
		"wrapped": "seccomp:" + strings.ReplaceAll(body, "\n", "\n  "),
		"json": `{"seccomp": {"default_action": "allow", "syscalls": [
			{"action": "errno", "names": ["connect", "accept"]},
			{"action": "kill_thread", "names_with_args": [{"name": "clone", "arguments": [
				{"argument": 0, "operation": "BitsNotSet", "value": 65536},
				{"position": 3, "operation": "GreaterOrEqual", "value": 4096},
				{"operation": "Equal"}]}]}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, read(t, text).Policy); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const everything = `# A comment.
seccomp:
  default_action: errno(ENOSYS)
  abis: [native, i386]
  bad_arch_action: kill_process
  kernel: 6.10
  strict: true
  syscalls:
  - action: trace(7)
    names: [read, "@io-event", 1000, 0x3e9, break]
    names_with_args:
    - name: socket
      arguments:
      - {argument: domain, operation: ==, value: AF_INET|AF_UNIX}
      - {position: 1, operation: masked_equal, mask: SOCK_CLOEXEC|0xf, value: SOCK_STREAM, width: 32}
    - name: openat
      arguments: &both
      - {argument: 0, operation: s>=, value: -100}
      - {argument: 2, operation: In, values: [1, 0x8000000000000000, O_RDWR, -1, "8"], width: 64}
    - name: unlinkat
      arguments: *both
`

func TestReadEverything(t *testing.T) {
	conditions := seccomp.ArgumentConditions{
		{Operation: seccomp.SignedGreaterOrEqual, Symbol: "-100"},
		{Argument: 2, Operation: seccomp.In, Values: []uint64{1, 1 << 63, 8}, Symbols: []string{"O_RDWR", "-1"}, Width: seccomp.Width64},
	}
	want := seccomp.Policy{
		DefaultAction: seccomp.ErrnoName("ENOSYS"),
		ABIs:          []string{"native", "i386"},
		BadArchAction: seccomp.ActionKillProcess,
		Kernel:        "6.10",
		Strict:        true,
		Syscalls: []seccomp.SyscallGroup{{
			Action: seccomp.TraceData(7),
			Names:  []string{"read", "@io-event", "1000", "0x3e9", "break"},
			NamesWithConditions: []seccomp.NameWithConditions{
				{Name: "socket", Conditions: seccomp.ArgumentConditions{
					{Name: "domain", Operation: seccomp.Equal, Symbol: "AF_INET|AF_UNIX"},
					{Argument: 1, Operation: seccomp.MaskedEqual, MaskSymbol: "SOCK_CLOEXEC|0xf", Symbol: "SOCK_STREAM", Width: seccomp.Width32},
				}},
				{Name: "openat", Conditions: conditions},
				{Name: "unlinkat", Conditions: conditions},
			},
		}},
	}
	f := read(t, everything)
	if diff := cmp.Diff(want, f.Policy); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	for path, want := range map[string]Position{
		"default_action":       {3, 19},
		"abis[1]":              {4, 18},
		"syscalls[0].names[2]": {10, 32},
		"syscalls[0].names_with_args[0].arguments[1].value":     {15, 79},
		"syscalls[0].names_with_args[0].arguments[0].operation": {14, 39},
		"syscalls[0].names_with_args[0].arguments[0].mask":      {14, 9}, // the condition, which has none
		"syscalls[7]": {9, 3}, // the list
		"nothing":     {3, 3}, // the policy
	} {
		if got := f.Position(path); got != want {
			t.Errorf("%s is at %v, want %v", path, got, want)
		}
	}
}

// indent is a policy whose line 4 is the given one.
func withLine(line string) string {
	return "default_action: allow\nsyscalls:\n- action: errno\n" + line + "\n"
}

// withCondition is a policy with one condition, on line 7.
func withCondition(c string) string {
	return "default_action: allow\nsyscalls:\n- action: errno\n  names_with_args:\n  - name: openat\n    arguments:\n    - {" + c + "}\n"
}

// TestReadRefuses has what is wrong with a file and what is said about it, in
// full.
func TestReadRefuses(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", `web.yaml: is empty: a policy has default_action and syscalls`},
		{"# nothing\n", `web.yaml: is empty: a policy has default_action and syscalls`},
		{"~", `web.yaml: is empty: a policy has default_action and syscalls`},
		{"[]", `web.yaml:1:1: want keys and values (default_action, abis, bad_arch_action, kernel, strict, syscalls), have a list`},
		{"allow", `web.yaml:1:1: want keys and values (default_action, abis, bad_arch_action, kernel, strict, syscalls), have the text "allow"`},
		{"default_action: allow\n", `web.yaml:1:1: syscalls is missing`},
		{"syscalls: []\n", `web.yaml:1:1: default_action is missing`},
		{"default_action: allow\nsyscalls: []\n", `web.yaml:2:11: syscalls is empty: list at least one group of names and its action`},
		{"seccomp: {}\n", `web.yaml:1:10: default_action is missing`},
		{"seccomp: {}\nother: 1\n", `web.yaml:2:1: unknown key "other" (want one of seccomp)`},
		{"default_actoin: allow\n", `web.yaml:1:1: unknown key "default_actoin" (did you mean "default_action"?)`},
		{"default_action: allow\ndefault_action: allow\n", `web.yaml:2:1: duplicate key "default_action", first on line 1`},
		{"default_action: alow\nsyscalls: []\n", `web.yaml:1:17: action "alow": unknown; want one of kill_thread, kill_process, trap, errno, trace, log, allow, user_notify`},
		{"default_action: [allow]\nsyscalls: []\n", `web.yaml:1:17: default_action: want an action such as allow or errno(EACCES), have a list`},
		{"default_action: 5\nsyscalls: []\n", `web.yaml:1:17: default_action: want an action such as allow or errno(EACCES), have the number 5`},
		{"default_action:\nsyscalls: []\n", `web.yaml:1:16: default_action: want an action such as allow or errno(EACCES), have nothing`},
		{"default_action: errno(EWHAT)\nsyscalls: []\n", `web.yaml:1:17: action "errno(EWHAT)": Linux has no errno named EWHAT`},
		{"default_action: errno(70000)\nsyscalls: []\n", `web.yaml:1:17: action "errno(70000)": data is a number from 0 to 65535`},
		{"default_action: allow\nsyscalls: read\n", `web.yaml:2:11: syscalls: want a list, have the text "read"`},
		{"default_action: allow\nabis: []\nsyscalls: []\n", `web.yaml:2:7: abis is empty: leave it out for the native ABI`},
		{"default_action: allow\nkernel: new\nsyscalls: []\n", `web.yaml:2:9: kernel: `},
		{"default_action: allow\nstrict: yes\nsyscalls: []\n", `web.yaml:2:9: strict: want true or false, have the text "yes"`},
		{"default_action: allow\n<<: {abis: []}\n", `web.yaml:2:1: merge keys (<<) are not supported: write the keys out`},
		{"default_action: allow\nsyscalls: *all\n", `web.yaml:2:11: not YAML: unknown anchor 'all' referenced`},
		{"default_action: allow\n---\ndefault_action: allow\n", `web.yaml:2:1: a second document starts here: a file holds one policy`},
		{"default_action: allow\n\tsyscalls: []\n", `web.yaml:2:1: not YAML: `},
		{"default_action: [allow\n", `web.yaml:2:1: not YAML: while parsing a flow sequence: did not find expected ',' or ']'`},
		{"a\x00b", `web.yaml:1:2: not a text file: control character 0x00`},
		{"default_action: allow\n\x7fELF", `web.yaml:2:1: not a text file: control character 0x7f`},
		{"ok: \xff\xfe", `web.yaml:1:5: not a text file: byte 0xff is not UTF-8`},

		{withLine("  names: [read, opneat]"), `web.yaml:4:17: unknown syscall "opneat" (did you mean "openat" or "openat2"?)`},
		{withLine("  names: read"), `web.yaml:4:10: names: want a list, have the text "read"`},
		{withLine("  names: []"), `web.yaml:3:3: the group names nothing: list calls under names or names_with_args`},
		{withLine(`  names: [""]`), `web.yaml:4:11: want the name of a system call, a @group or a number, have nothing`},
		{withLine("  names: [true]"), `web.yaml:4:11: want the name of a system call, a @group or a number, have the truth value true`},
		{withLine("  names: [[read]]"), `web.yaml:4:11: want the name of a system call, a @group or a number, have a list`},
		{withLine(`  names: ["@netwrok-io"]`), `web.yaml:4:11: unknown group "@netwrok-io" (did you mean "@network-io"?)`},
		{withLine("  names: [4294967296]"), `web.yaml:4:11: "4294967296" is not a number of a system call, which has 32 bits, nor a range of them (512-547)`},
		{withLine("  name: [read]"), `web.yaml:4:3: unknown key "name" (did you mean "names"?)`},
		{withLine("  action: allow"), `web.yaml:4:3: duplicate key "action", first on line 3`},
		{"default_action: allow\nsyscalls:\n- names: [read]\n", `web.yaml:3:3: action is missing: say what happens to these calls`},
		{withLine("  names_with_args: [{name: read}]"), `web.yaml:4:21: read has no conditions: list it under names to match it whatever its arguments`},
		{withLine("  names_with_args: [{name: read, arguments: []}]"), `web.yaml:4:21: read has no conditions: list it under names to match it whatever its arguments`},
		{withLine("  names_with_args: [{arguments: []}]"), `web.yaml:4:21: name is missing: say which system call has these arguments`},
		{withLine("  names_with_args: [{name: '@signal', arguments: []}]"), `web.yaml:4:28: @signal is a group, which has no arguments of its own: name the calls`},

		{withCondition("argument: 9, operation: Equal"), `web.yaml:7:18: want an argument's position from 0 to 5, or its name, have 9: a system call has no more than six arguments`},
		{withCondition("argument: -1, operation: Equal"), `web.yaml:7:18: want an argument's position from 0 to 5, or its name, have "-1"`},
		{withCondition("argument: 1.5, operation: Equal"), `web.yaml:7:18: want an argument's position from 0 to 5, or its name, have the number 1.5`},
		{withCondition("argument: 1, position: 1, operation: Equal"), `web.yaml:7:21: argument and position are the same, given twice`},
		{withCondition("argument: 1"), `web.yaml:7:7: operation is missing, such as Equal or BitsSet`},
		{withCondition("argument: 1, operation: Equals"), `web.yaml:7:32: invalid operation "Equals" (one of `},
		{withCondition("argument: 1, operation: Equal, value: 18446744073709551616"), `web.yaml:7:46: value "18446744073709551616": "18446744073709551616" is not a 64-bit number`},
		{withCondition("argument: 1, operation: Equal, value: -9223372036854775809"), `web.yaml:7:46: value "-9223372036854775809": "-9223372036854775809" is not a 64-bit number`},
		{withCondition("argument: 1, operation: Equal, value: 1.5"), `web.yaml:7:46: value "1.5": "1.5" is not a 64-bit number`},
		{withCondition("argument: 1, operation: Equal, value: true"), `web.yaml:7:46: want a number or the name of a constant, have the truth value true`},
		{withCondition("argument: 1, operation: Equal, value:"), `web.yaml:7:45: want a number or the name of a constant, have nothing`},
		{withCondition("argument: 2, operation: Equal, value: O_RDWRR"), `web.yaml:7:46: unknown constant "O_RDWRR" (did you mean "O_RDWR"?)`},
		{withCondition("argument: 2, operation: In, values: [O_RDWR, O_RDONLI]"), `web.yaml:7:53: unknown constant "O_RDONLI" (did you mean "O_RDONLY"?)`},
		{withCondition("argument: 2, operation: In"), `web.yaml:7:7: argument 2: In needs values`},
		{withCondition("argument: 2, operation: MaskedEqual, value: 1"), `web.yaml:7:7: argument 2: MaskedEqual needs a mask other than 0`},
		{withCondition("argument: 2, operation: Equal, width: 16"), `web.yaml:7:46: width: want 32 or 64, have 16`},
		{withCondition("argument: 2, operation: Equal, val: 16"), `web.yaml:7:39: unknown key "val" (did you mean "value"?)`},
	} {
		f, err := Read("web.yaml", strings.NewReader(tt.text))
		if err == nil {
			t.Errorf("%q is read as %+v, want the error %q", tt.text, f.Policy, tt.want)
			continue
		}
		got, open := err.Error(), strings.HasSuffix(tt.want, " ") || strings.HasSuffix(tt.want, "(one of ")
		if want := "policy " + tt.want; got != want && (!open || !strings.HasPrefix(got, want)) {
			t.Errorf("%q:\nhave %s\nwant %s", tt.text, got, want)
		}
		var placed *Error
		if !errors.As(err, &placed) || strings.Contains(got, "\n") {
			t.Errorf("%q: %T %q is not one Error in one line", tt.text, err, got)
		}
	}
}

func TestReadLimits(t *testing.T) {
	group := func(names string) string {
		return "default_action: allow\nsyscalls:\n- action: errno\n  names: " + names + "\n"
	}
	bomb := "default_action: allow\nsyscalls:\n- {action: errno, names: &n [" + strings.Repeat("read, ", 1000) + "]}\n" +
		strings.Repeat("- {action: errno, names: *n}\n", 1000)
	for name, tt := range map[string]struct{ text, want string }{
		"size":    {group("[" + strings.Repeat("read, ", MaxSize/6) + "]"), "policy x: is larger than 4194304 bytes"},
		"names":   {group("[" + strings.Repeat("read,", MaxEntries) + "]"), "policy x:4:"},
		"aliases": {bomb, "parts, counting what aliases repeat"},
		"depth":   {group(strings.Repeat("[", 100_000)), "not YAML"},
		"long":    {group("[" + strings.Repeat("x", 100_000) + "]"), "unknown syscall"},
	} {
		_, err := Read("x", strings.NewReader(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 300 {
			t.Errorf("%s: %.500v, want %q", name, err, tt.want)
		}
	}
}

// TestReadManyRules reads 5,000 rules and finds the one that is wrong.
func TestReadManyRules(t *testing.T) {
	var b strings.Builder
	b.WriteString("default_action: allow\nsyscalls:\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "- {action: errno, names_with_args: [{name: ioctl, arguments: [{argument: 1, operation: Equal, value: %d}]}]}\n", i)
	}
	f := read(t, b.String())
	if len(f.Policy.Syscalls) != 5000 || f.Policy.Syscalls[4999].NamesWithConditions[0].Conditions[0].Value != 4999 {
		t.Fatalf("%d groups", len(f.Policy.Syscalls))
	}
	b.WriteString("- {action: errno, names: [raed]}\n")
	_, err := Read("x", strings.NewReader(b.String()))
	if err == nil || !strings.HasPrefix(err.Error(), `policy x:5003:27: unknown syscall "raed" (did you mean "read"`) {
		t.Error(err)
	}
}

func TestCompileNamesTheLine(t *testing.T) {
	abi, err := arch.GetInfo("arm64")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ text, want string }{
		{"default_action: allow\nstrict: true\nsyscalls:\n- action: errno\n  names: [read, openat, open]\n",
			`policy web.yaml:5:25: aarch64 has no syscall "open", and the policy is strict`},
		{withCondition("argument: dir, operation: Equal"), `policy web.yaml:5:5: openat: argument dir: on aarch64: no argument has that name`},
		{withCondition("argument: 2, operation: BitsSet, value: AF_INET|AF_UNIX"), `policy web.yaml:5:5: openat: argument 2: on aarch64: AF_INET|AF_UNIX are alternatives`},
		{"default_action: allow\nabis: [mips]\nkernel: 6.12\nsyscalls: [{action: errno, names: [read]}]\n", ""},
		{"default_action: errno(EPROCLIM)\nsyscalls: [{action: allow, names: [read]}]\n", "policy web.yaml: default_action: action errno(EPROCLIM): aarch64 has no errno EPROCLIM"},
	} {
		f := read(t, tt.text)
		_, err := f.Compile(&seccomp.CompileOptions{ABI: abi})
		if tt.want == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s\nhave %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

// TestPrepend checks that groups put in front decide first and do not move the
// places of what is in the file.
func TestPrepend(t *testing.T) {
	f := read(t, withCondition("argument: dir, operation: Equal"))
	f.Prepend(seccomp.SyscallGroup{Action: seccomp.ActionAllow, Names: []string{"read"}})
	if got := f.Policy.Syscalls; len(got) != 2 || got[0].Action != seccomp.ActionAllow {
		t.Errorf("%+v", got)
	}
	abi, err := arch.GetInfo("arm64")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Compile(&seccomp.CompileOptions{ABI: abi}); err == nil || !strings.Contains(err.Error(), "web.yaml:5:5: ") {
		t.Error(err)
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "p.yaml")
	if err := os.WriteFile(path, []byte(everything), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := ReadFile(path)
	if err != nil || f.Name != path || f.Format != "native" {
		t.Errorf("%+v, %v", f, err)
	}
	for path, want := range map[string]string{
		dir:                             "policy " + dir + ": is a directory",
		filepath.Join(dir, "none.yaml"): "policy " + dir + "/none.yaml: no such file or directory",
		"builtin:defualt":               `policy builtin:defualt: unknown builtin policy (did you mean "builtin:default"?)`,
	} {
		if _, err := ReadFile(path); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	broken := errors.New("broken")
	if _, err := Read("x", iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := ReadFormat("pdf", "x", strings.NewReader("")); err == nil || !strings.Contains(err.Error(), `unknown format "pdf" (one of native`) {
		t.Error(err)
	}
}
