package explain

import (
	"math/rand/v2"
	"strings"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// tangled lets close pass, and openat where flags has one of the lowest bits, and
// else compares a product, which takes more nodes than there are.
func tangled() cbpf.Program {
	return cbpf.Program{
		{Op: ldAbs, K: 4}, {Op: jeq, K: 0xc000003e, Jt: 1}, {Op: retK, K: cbpf.RetKillProcess},
		{Op: ldAbs, K: 0}, {Op: jeq, K: 3, Jf: 1}, {Op: retK, K: cbpf.RetAllow},
		{Op: jeq, K: 257, Jt: 1}, {Op: retK, K: cbpf.RetErrno | 1},
		{Op: ldAbs, K: 32}, {Op: jset, K: 3, Jf: 1}, {Op: retK, K: cbpf.RetAllow},
		{Op: ldAbs, K: 16}, {Op: tax}, {Op: ldAbs, K: 24}, {Op: mulX}, {Op: jset, K: 1 << 20, Jf: 1},
		{Op: retK, K: cbpf.RetAllow}, {Op: retK, K: cbpf.RetErrno | 1},
	}
}

// TestPartial: what can be said of a program is said, what cannot is named, and
// a policy made from it is the program's or stricter.
func TestPartial(t *testing.T) {
	abi, err := arch.GetInfo("x86_64")
	if err != nil {
		t.Fatal(err)
	}
	p := tangled()
	f, err := New(decision.NewSpace(0), "tangled", []cbpf.Program{p}, false, abi)
	if err != nil {
		t.Fatal(err)
	}
	if !f.Partial {
		t.Fatal("the program is not too complex: it tests nothing")
	}
	r, err := f.Report(nil)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	report := Report{Filters: []FilterReport{*r}}
	if err := report.Text(&text, Style{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"    openat\n      allow when flags & ", "the other conditions are too many to list", "allow: 1 call\n    close\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	d, err := f.Decompile(DecompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Proved || len(d.Problems) != 1 || !strings.Contains(d.Problems[0], "x86_64 openat: ") || !strings.Contains(d.Problems[0], "instruction ") {
		t.Errorf("proved %v, problems %q", d.Proved, d.Problems)
	}
	stricter(t, p, d.Policy, abi)
}

// stricter compares a policy with a program, call by call.
func stricter(t *testing.T, p cbpf.Program, policy *seccomp.Policy, abi *arch.Info) {
	t.Helper()
	c, err := policy.Compile(&seccomp.CompileOptions{ABI: abi})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(6, 7))
	same := 0
	const calls = 3000
	for range calls {
		call := cbpf.Data{Arch: uint32(abi.ID), NR: []uint32{257, 257, 257, 3, 0}[r.IntN(5)]}
		for i := range call.Args {
			call.Args[i] = []uint64{0, 1, 2, r.Uint64(), uint64(r.Uint32())}[r.IntN(5)]
		}
		words := call.Words(false)
		got, _ := cbpf.Program(c.Raw()).Run(&words)
		want, _ := p.Run(&words)
		if got != want && !cbpf.Stricter(got, want) {
			t.Fatalf("%s: %#x, and the program says %#x", CallText(&call, abi), got, want)
		}
		if got == want {
			same++
		}
	}
	if same < calls*3/4 { // what goes on to the tangle is less than half of the calls
		t.Errorf("only %d of %d calls are decided alike", same, calls)
	}
	call := cbpf.Data{Arch: uint32(abi.ID), NR: 257, Args: [6]uint64{0, 0, 2}}
	words := call.Words(false)
	if got, _ := cbpf.Program(c.Raw()).Run(&words); got != cbpf.RetAllow {
		t.Errorf("openat with a flag is %#x", got)
	}
}
