package policyfile

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

func written(t testing.TB, p *seccomp.Policy, o *WriteOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, p, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestWriteAnyComment: what cannot be printed ends no comment.
func TestWriteAnyComment(t *testing.T) {
	p := seccomp.Policy{DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{{Action: seccomp.ActionAllow, Names: []string{"read"}}}}
	const bad = "a\xff\x00\x1b[2J\rb\u0085c\u2028d\te\nseccomp: {}"
	got := written(t, &p, &WriteOptions{Comments: map[string]string{"": bad, "syscalls[0].names[0]": bad}})
	if want := "# a\ufffd\ufffd\ufffd[2J\ufffdb\ufffdc\ufffdd e\n# seccomp: {}\n"; !strings.HasPrefix(got, want) {
		t.Errorf("%q, want %q first", got, want)
	}
	if diff := cmp.Diff(p.Syscalls, read(t, got).Policy.Syscalls); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestWriteComments(t *testing.T) {
	p := seccomp.Policy{
		DefaultAction: seccomp.ErrnoName("EACCES"),
		Kernel:        "6.10",
		Syscalls: []seccomp.SyscallGroup{{
			Action: seccomp.ActionAllow,
			Names:  []string{"read", "@signal", "1000"},
			NamesWithConditions: []seccomp.NameWithConditions{{Name: "openat", Conditions: seccomp.ArgumentConditions{
				{Name: "flags", Operation: seccomp.MaskedEqual, MaskSymbol: "O_ACCMODE", Symbol: "O_RDONLY"},
				{Argument: 0, Operation: seccomp.In, Values: []uint64{3}, Symbols: []string{"AT_FDCWD", "-1"}, Width: seccomp.Width32},
			}}},
		}},
	}
	comments := map[string]string{
		"":                     "What the program was\nseen to do.",
		"syscalls[0]":          "Everything.",
		"syscalls[0].names[1]": "by kill",
		"syscalls[0].names_with_args[0].arguments[1]": "the usual",
	}
	const want = `# What the program was
# seen to do.
seccomp:
  default_action: errno(EACCES)
  kernel: '6.10'
  syscalls:
  # Everything.
  - action: allow
    names:
    - read
    # by kill
    - '@signal'
    - '1000'
    names_with_args:
    - name: openat
      arguments:
      - argument: flags
        operation: MaskedEqual
        mask: O_ACCMODE
        value: O_RDONLY
      # the usual
      - argument: 0
        operation: In
        values: [3, AT_FDCWD, -1]
        width: 32
`
	got := written(t, &p, &WriteOptions{Comments: comments})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(p, read(t, got).Policy); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestWriteRefuses(t *testing.T) {
	valid := seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{{Action: seccomp.ActionErrno, Names: []string{"read"}}}}
	if err := Write(&bytes.Buffer{}, &seccomp.Policy{}, nil); err == nil {
		t.Error("an empty policy is written")
	}
	unreadable := valid
	unreadable.Kernel = "new"
	if err := Write(&bytes.Buffer{}, &unreadable, nil); err == nil {
		t.Error("a policy is written that cannot be read")
	}
	if err := WriteFormat("pdf", &bytes.Buffer{}, &valid, nil); err == nil {
		t.Error("a format that does not exist is written")
	}
	if err := Write(failing{}, &valid, nil); !errors.Is(err, errFull) {
		t.Errorf("an error of the writer is lost: %v", err)
	}
}

var errFull = errors.New("full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

// TestWriteDefault checks that a large policy, and its program, survive.
func TestWriteDefault(t *testing.T) {
	file, err := Builtin(DefaultName)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(file.Policy, read(t, written(t, &file.Policy, nil)).Policy); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRoundTrip writes random policies and reads them back.
func TestRoundTrip(t *testing.T) {
	const policies = 500
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := newRandom(seed)
	for range policies {
		p := r.policy()
		text := written(t, &p, nil)
		f, err := Read("x", strings.NewReader(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if diff := cmp.Diff(p, f.Policy); diff != "" {
			t.Fatalf("(-want +got):\n%s\nof\n%s", diff, text)
		}
		if again := written(t, &p, nil); again != text {
			t.Fatalf("the same policy is written as\n%s\nand\n%s", text, again)
		}
	}
}

// random makes policies in the one form that has no equivalent spelling: what
// is a number is not a symbol.
type random struct {
	*rand.Rand
	names, constants, params, groups, errnos []string
}

func newRandom(seed uint64) *random {
	abi, err := arch.GetInfo("x86_64")
	if err != nil {
		panic(err)
	}
	r := &random{Rand: rand.New(rand.NewPCG(seed, 0))}
	for _, nr := range []int{0, 1, 9, 16, 41, 56, 59, 101, 257, 317, 435} {
		r.names = append(r.names, abi.SyscallNumbers[nr])
	}
	// Some look like something else to a YAML reader.
	r.names = append(r.names, "break", "idle", "time", "1000", "0x10", "-1", "512-547", "0")
	r.groups = seccomp.Groups()
	r.constants = append(abi.ConstantNames("O_"), abi.ConstantNames("AF_")...)
	r.params = []string{"fd", "flags", "y", "no", "null", "true", "e1", "_"}
	r.errnos = []string{"EPERM", "ENOSYS", "EACCES"}
	return r
}

func pick[T any](r *random, list []T) T { return list[r.IntN(len(list))] }

func (r *random) action() seccomp.Action {
	switch r.IntN(6) {
	case 0:
		return seccomp.ErrnoName(pick(r, r.errnos))
	case 1:
		return seccomp.TraceData(uint16(r.Uint32()))
	case 2:
		return seccomp.TrapData(uint16(r.Uint32()))
	case 3:
		return seccomp.Errno(0)
	}
	return pick(r, []seccomp.Action{seccomp.ActionKillThread, seccomp.ActionKillProcess, seccomp.ActionTrap,
		seccomp.ActionErrno, seccomp.ActionTrace, seccomp.ActionLog, seccomp.ActionAllow, seccomp.ActionUserNotify})
}

func (r *random) policy() seccomp.Policy {
	p := seccomp.Policy{DefaultAction: r.action(), Strict: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		p.ABIs = pick(r, [][]string{{"native"}, {"x86_64", "i386"}, {"native", "compat"}, {"386"}})
	}
	if r.IntN(2) == 0 {
		p.BadArchAction = r.action()
	}
	if r.IntN(2) == 0 {
		p.Kernel = pick(r, []string{"6.12", "6.10", "5.0", "4.14.0-rc1"})
	}
	for range 1 + r.IntN(3) {
		g := seccomp.SyscallGroup{Action: r.action()}
		if r.IntN(4) == 0 {
			g.ABIs = []string{"386"}
		}
		for range r.IntN(4) {
			g.Names = append(g.Names, pick(r, append(r.names, r.groups...)))
		}
		for range r.IntN(3) {
			e := seccomp.NameWithConditions{Name: pick(r, r.names)}
			for range 1 + r.IntN(3) {
				e.Conditions = append(e.Conditions, r.condition())
			}
			g.NamesWithConditions = append(g.NamesWithConditions, e)
		}
		if len(g.Names)+len(g.NamesWithConditions) == 0 {
			g.Names = []string{"read"}
		}
		p.Syscalls = append(p.Syscalls, g)
	}
	return p
}

func (r *random) condition() seccomp.Condition {
	c := seccomp.Condition{
		Operation: pick(r, seccomp.Operations),
		Width:     pick(r, []seccomp.Width{0, seccomp.Width32, seccomp.Width64}),
	}
	if r.IntN(2) == 0 {
		c.Argument = uint32(r.IntN(6))
	} else {
		c.Name = pick(r, r.params)
	}
	switch c.Operation {
	case seccomp.In, seccomp.NotIn:
		for range 1 + r.IntN(3) {
			if v, s := r.value(); s != "" {
				c.Symbols = append(c.Symbols, s)
			} else {
				c.Values = append(c.Values, v)
			}
		}
		return c
	case seccomp.MaskedEqual, seccomp.MaskedNotEqual:
		for c.Mask == 0 && c.MaskSymbol == "" {
			c.Mask, c.MaskSymbol = r.value()
		}
	}
	c.Value, c.Symbol = r.value()
	return c
}

func (r *random) value() (uint64, string) {
	switch r.IntN(5) {
	case 0:
		return 0, pick(r, r.constants)
	case 1:
		return 0, pick(r, r.constants) + "|" + pick(r, r.constants)
	case 2:
		return 0, pick(r, []string{"-1", "-100", "-9223372036854775808", "0x10|O_RDWR"})
	case 3:
		return pick(r, []uint64{0, 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 63, 1<<64 - 1}), ""
	}
	return r.Uint64(), ""
}
