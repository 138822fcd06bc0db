package cbpf

import "testing"

// Order of precedence as seccomp(2) lists it, strictest first.
var byPrecedence = []uint32{RetKillProcess, RetKillThread, RetTrap, RetErrno, RetUserNotif, RetTrace, RetLog, RetAllow}

func TestPrecedence(t *testing.T) {
	for i, a := range byPrecedence {
		for j, b := range byPrecedence {
			if got := Stricter(a|3, b|7); got != (i < j) {
				t.Errorf("Stricter(%s, %s): have %v", ReturnString(a), ReturnString(b), got)
			}
		}
	}
}

func TestCombine(t *testing.T) {
	for _, c := range []struct {
		stack []uint32
		want  uint32
	}{
		{nil, RetAllow},
		{[]uint32{RetAllow, RetAllow}, RetAllow},
		{[]uint32{RetErrno | 1, RetErrno | 2}, RetErrno | 1}, // the newest
		{[]uint32{RetErrno | 2, RetTrap, RetAllow}, RetTrap},
		{[]uint32{RetLog, RetKillThread, RetKillProcess}, RetKillProcess},
		{[]uint32{RetAllow | 5}, RetAllow},
		{[]uint32{0xdead0000, RetKillThread}, 0xdead0000}, // no action has this number
	} {
		if got := Combine(c.stack...); got != c.want {
			t.Errorf("%#x: have %#x, want %#x", c.stack, got, c.want)
		}
	}
}

func TestActionNames(t *testing.T) {
	for _, c := range []struct {
		ret  uint32
		name string // "" where there is none
		text string
	}{
		{0x80000000, "kill_process", "kill_process"},
		{0x00000000, "kill_thread", "kill_thread"},
		{0x00030000, "trap", "trap"},
		{0x0005000d, "errno", "errno(13)"},
		{0x7fc00000, "user_notif", "user_notif"},
		{0x7ff00007, "trace", "trace(7)"},
		{0x7ffc0000, "log", "log"},
		{0x7fff0000, "allow", "allow"},
		{0x7fff0001, "allow", "allow(1)"},
		{0x00010000, "", "0x00010000"},
		{0xffffffff, "", "0xffffffff"},
	} {
		name, ok := ActionName(c.ret)
		if name != c.name || ok != (c.name != "") {
			t.Errorf("ActionName(%#x): have %q, %v, want %q", c.ret, name, ok, c.name)
		}
		if text := ReturnString(c.ret); text != c.text {
			t.Errorf("ReturnString(%#x): have %q, want %q", c.ret, text, c.text)
		}
		if !ok {
			continue
		}
		if ret, ok := ActionNumber(name); !ok || ret != c.ret&RetActionFull {
			t.Errorf("ActionNumber(%q): have %#x, %v", name, ret, ok)
		}
	}
	if ret, ok := ActionNumber("permit"); ok {
		t.Errorf("ActionNumber(permit): have %#x", ret)
	}
}

func TestConstAllow(t *testing.T) {
	const arch = 0xc000003e
	for _, c := range []struct {
		text string
		nr   uint32
		want bool
	}{
		{"ret allow", 1, true},
		{"ret allow(1)", 1, false}, // allowed, but only the bare value is cached
		{"ret log", 1, false},
		{"ld nr\n jeq #1, +1\n ret trap\n ret allow", 1, true},
		{"ld nr\n jeq #1, +1\n ret trap\n ret allow", 2, false},
		{"ld arch\n jeq #0xc000003e, +1\n ret trap\n ret allow", 2, true},
		{"ld nr\n jge #5, +1\n ret trap\n ret allow", 5, true},
		{"ld nr\n jgt #5, +1\n ret trap\n ret allow", 5, false},
		{"ld nr\n jset #4, +1\n ret trap\n ret allow", 5, true},
		{"ld nr\n and #4\n jeq #4, +1\n ret trap\n ret allow", 5, true},
		{"ja +1\n ret trap\n ret allow", 5, true},
		{"ld args[0].lo\n ret allow", 5, false},
		{"ld ip.lo\n ret allow", 5, false},
		{"ld nr\n or #1\n ret allow", 5, false},
		{"ld #1\n ret allow", 5, false},
		{"ldx #1\n ret allow", 5, false},
		{"tax\n ret allow", 5, false},
		{"st M[0]\n ret allow", 5, false},
		{"ld #len\n ret allow", 5, false},
		{"ld nr\n ret a", RetAllow, false},
		{"ld nr\n jeq x, +1\n ret trap\n ret allow", 0, false},
		// The accumulator is zero before the first load.
		{"jeq #0, +1\n ret trap\n ret allow", 5, true},
	} {
		p, err := Assemble(c.text, AssembleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.ConstAllow(arch, c.nr); got != c.want {
			t.Errorf("%q for %d: have %v, want %v", c.text, c.nr, got, c.want)
		}
	}
}

// Whatever ConstAllow claims holds for all arguments.
func TestConstAllowIsSound(t *testing.T) {
	r := newRand(t)
	ops := []uint16{opLoadAbs, opLoadAbs, opJump, opJeqK, opJgeK, opJgtK, opJsetK, opAndK, opRetK, opRetK, opLoadImm}
	allowed := 0
	for range 30_000 {
		p := randomSound(r, 2+r.IntN(12), ops)
		for i := range p {
			switch in := &p[i]; in.Op {
			case opLoadAbs:
				in.K %= 20
				in.K &^= 3
			case opRetK:
				in.K = pick(r, byPrecedence)
			}
		}
		var words [16]uint32
		for i := range words {
			words[i] = someK(r)
		}
		if p.ConstAllow(words[1], words[0]) {
			allowed++
			if ret, _ := p.Run(&words); ret != RetAllow {
				t.Fatalf("on %v: ConstAllow, yet %s\n%s", words, ReturnString(ret), Disassemble(p, DisassembleOptions{}))
			}
		}
	}
	if allowed < 500 {
		t.Errorf("%d constant allows", allowed)
	}
}
