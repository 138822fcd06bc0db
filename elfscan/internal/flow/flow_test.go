package flow

import (
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// image is memory of constant words.
type image map[uint64]uint32

func (m image) Constant(addr uint64, size int) (uint64, bool) {
	w, ok := m[addr]
	return uint64(w), ok && size == 4
}
func (m image) Mapped(addr uint64) bool { return addr >= 0x1000 && addr < 0x3000 }

func x86Env(m image) *Env {
	return &Env{Machine: machine.For(elf.EM_X86_64, elf.ELFCLASS64, binary.LittleEndian, 0), Memory: m, Values: NewValues()}
}

func code(t *testing.T, text string) *Func {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return &Func{Start: 0x1000, Code: b}
}

// TestNumbers gives, for code, the constants that RAX may hold at each system
// call in order; nil for a number that is not constant.
func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		name, code string
		mem        image
		strict     bool
		want       [][]int64
	}{
		{"constant", "b827000000 0f05 c3", nil, false, [][]int64{{39}}},                                    // mov eax,39; syscall; ret
		{"spilled", "b827000000 50 31c0 58 0f05 c3", nil, false, [][]int64{{39}}},                          // push rax; xor eax,eax; pop rax
		{"either", "b827000000 85ff 7405 b828000000 0f05 c3", nil, false, [][]int64{{39, 40}}},             // test edi,edi; je +5; mov eax,40
		{"impossible branch", "31ff b827000000 85ff 7405 b828000000 0f05 c3", nil, false, [][]int64{{39}}}, // xor edi,edi
		{"zero by branch", "4889f8 4885c0 7401 c3 0f05 c3", nil, false, [][]int64{{0}}},                    // mov rax,rdi; test rax,rax; je +1; ret
		{"callee may write a local", "48c7442408 27000000 488d7c2408 e800100000 488b442408 0f05 c3", nil, true, // mov qword [rsp+8],39; lea rdi,[rsp+8]; call; mov rax,[rsp+8]
			[][]int64{nil}},
		{"row of elements", "4883ec18 4889e7 b827000000 ab ab 48ab 31c0 8b442404 0f05 488b442408 0f05 c3", nil, false, // sub rsp,24; mov rdi,rsp; stosd; stosd; stosq; mov eax,[rsp+4]
			[][]int64{{39}, {39}}},
		{"element of bytes", "4883ec18 48c7042427010000 4889e7 b827000000 aa 8b0424 0f05 c3", nil, false, [][]int64{nil}}, // mov qword [rsp],0x127; stosb
		{"element moved", "6a27 4889e6 6a00 4889e7 48a5 58 0f05 c3", nil, false, [][]int64{{39}}},                         // push 39; mov rsi,rsp; push 0; mov rdi,rsp; movsq; pop rax
		{"elements repeated", "6a27 4889e7 31c0 f348ab 58 0f05 c3", nil, false, [][]int64{nil}},                           // rep stosq
		{"rounded stack", "4883e4f0 b827000000 50 31c0 8b0424 0f05 c3", nil, false, [][]int64{{39}}},                      // and rsp,-16; push rax; xor eax,eax; mov eax,[rsp]
		{"table of jumps", "bb00200000 c1e702 8b043b ffe0 b827000000 0f05 c3 b828000000 0f05 c3", // mov ebx,0x2000; shl edi,2; mov eax,[rbx+rdi]; jmp rax
			image{0x2000: 0x100d, 0x2004: 0x1015}, false, [][]int64{{39}, {40}}},
		{"table of jumps as the index", "bb00200000 c1e702 8b041f ffe0 b827000000 0f05 c3 b828000000 0f05 c3", // mov eax,[rdi+rbx]
			image{0x2000: 0x100d, 0x2004: 0x1015}, false, [][]int64{{39}, {40}}},
		{"parameter", "89f8 0f05 c3", nil, false, [][]int64{nil}}, // mov eax,edi
	} {
		t.Run(c.name, func(t *testing.T) {
			env := x86Env(c.mem)
			env.Strict = c.strict
			if strings.Contains(c.code, "488d7c2408") {
				c.code = "4883ec18 " + c.code // sub rsp,24: the local is this function's own
			}
			res := env.Analyze(code(t, c.code))
			var got [][]int64
			for _, p := range res.Points {
				if p.Op == machine.Syscall {
					v, _ := env.Values.Consts(p.State.Regs[env.Machine.NR])
					got = append(got, v)
				}
			}
			if !slices.EqualFunc(got, c.want, slices.Equal[[]int64]) {
				t.Errorf("numbers %v, want %v (%+v)", got, c.want, res)
			}
		})
	}
}

// TestARM is TestNumbers for code of 32-bit ARM.
func TestARM(t *testing.T) {
	for _, c := range []struct {
		name, code string
		want       [][]int64
	}{
		{"called by a jump", // mov r7,1; mvn ip,#0xf000; mov lr,pc; sub pc,ip,#0x5f; svc 0; bx lr
			"0170a0e3 0fcae0e3 0fe0a0e1 5ff04ce2 000000ef 1eff2fe1", [][]int64{{1}}},
		{"jumped away", // the same without mov lr,pc
			"0170a0e3 0fcae0e3 5ff04ce2 000000ef 1eff2fe1", nil},
		{"one of two", // cmp r0,1; movgt r7,147; movle r7,36; svc 0; bx lr
			"010050e3 9370a0c3 2470a0d3 000000ef 1eff2fe1", [][]int64{{36, 147}}},
		{"of another comparison", // cmp r0,1; movgt r7,147; cmp r1,1; movle r7,36
			"010050e3 9370a0c3 010051e3 2470a0d3 000000ef 1eff2fe1", [][]int64{nil}},
		{"written between", // cmp r0,1; movgt r7,147; mov r7,r1; movle r7,36
			"010050e3 9370a0c3 0170a0e1 2470a0d3 000000ef 1eff2fe1", [][]int64{nil}},
		{"chosen before a branch", // cmp r0,0; movne r7,2; movne r4,3; beq +4; svc 0; bx lr
			"000050e3 0270a013 0340a013 0000000a 000000ef 1eff2fe1", [][]int64{{2}}},
		{"chosen for the other way", // bne
			"000050e3 0270a013 0340a013 0000001a 000000ef 1eff2fe1", [][]int64{nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := x86Env(nil)
			env.Machine = machine.For(elf.EM_ARM, elf.ELFCLASS32, binary.LittleEndian, 0)
			var got [][]int64
			for _, p := range env.Analyze(code(t, c.code)).Points {
				if p.Op == machine.Syscall {
					v, _ := env.Values.Consts(p.State.Regs[env.Machine.NR])
					got = append(got, v)
				}
			}
			if !slices.EqualFunc(got, c.want, slices.Equal[[]int64]) {
				t.Errorf("numbers %v, want %v", got, c.want)
			}
		})
	}
}

// TestParams: with what callers pass, only their case of a switch is reached.
func TestParams(t *testing.T) {
	// cmp edi,1; je 0x100c; mov eax,2; syscall; ret (0x100c:) mov eax,3; syscall; ret
	const text = "83ff01 7408 b802000000 0f05 c3 b803000000 0f05 c3"
	for _, c := range []struct {
		pass []int64
		want []int64
	}{{[]int64{1}, []int64{3}}, {[]int64{0, 7}, []int64{2}}, {[]int64{0, 1}, []int64{2, 3}}} {
		env := x86Env(nil)
		v := None
		for _, x := range c.pass {
			v = env.Values.Join(v, env.Values.Const(x))
		}
		env.Params = map[machine.Reg]ID{7: v} // RDI
		var got []int64
		for _, p := range env.Analyze(code(t, text)).Points {
			if p.Op != machine.Syscall {
				continue
			}
			n, _ := env.Values.Consts(p.State.Regs[env.Machine.NR])
			got = append(got, n...)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("passed %v: numbers %v, want %v", c.pass, got, c.want)
		}
	}
}

// TestWatch: a value that is only called does not escape.
func TestWatch(t *testing.T) {
	for _, c := range []struct {
		name, code string
		escapes    bool
	}{
		{"called", "53 bb00200000 ffd3 ffd3 5b c3", false},                       // mov ebx,0x2000; call rbx; call rbx
		{"passed on", "bf00200000 e800100000 c3", true},                          // mov edi,0x2000; call
		{"stored", "b800200000 488907 31c0 c3", true},                            // mov [rdi],rax
		{"returned", "b800200000 c3", true},                                      // ret
		{"mixed and called", "53 bb00200000 85ff 7403 488b1e ffd3 5b c3", false}, // je; mov rbx,[rsi]: both are known
	} {
		env := x86Env(nil)
		env.Watch = func(a Atom) bool { return a.Kind == Const && a.Add == 0x2000 }
		if got := env.Analyze(code(t, c.code)).Escapes; got != c.escapes {
			t.Errorf("%s: escapes %v, want %v", c.name, got, c.escapes)
		}
	}
}

func TestPadsAreEntries(t *testing.T) {
	f := code(t, "c3 b827000000 0f05 c3") // ret; then what only an exception enters
	f.Pads = []uint64{0x1001}
	var got []uint64
	for _, p := range x86Env(nil).Analyze(f).Points {
		if p.Op == machine.Syscall {
			got = append(got, p.Addr)
		}
	}
	if !slices.Equal(got, []uint64{0x1006}) {
		t.Errorf("system calls at %x, want 1006", got)
	}
}

func TestStub(t *testing.T) {
	slot, ok := x86Env(nil).Stub(code(t, "ff25fa0f0000")) // jmp [rip+0xffa]
	if !ok || slot != 0x2000 {
		t.Errorf("slot %#x %v, want 0x2000", slot, ok)
	}
	if _, ok := x86Env(nil).Stub(code(t, "e8000000 00 c3")); ok {
		t.Error("a call is no stub")
	}
	// std r2,8(r4); blr: to what is not the stack
	ppc64 := &Env{Machine: machines["ppc64"], Memory: image{}, Values: NewValues()}
	if _, ok := ppc64.Stub(code(t, "f8440008 4e800020")); ok {
		t.Error("a return is no stub")
	}
}

func FuzzAnalyze(f *testing.F) {
	f.Add([]byte{0xb8, 0x27, 0, 0, 0, 0x0f, 0x05, 0xc3}, false)
	f.Add([]byte{0x48, 0x63, 0x04, 0x81, 0x4c, 0x01, 0xc8, 0xff, 0xe0}, true)
	f.Add([]byte{0x08, 0, 0x44, 0xf8, 0x20, 0, 0x80, 0x4e}, false) // ppc64le: std r2,8(r4); blr
	f.Fuzz(func(t *testing.T, b []byte, strict bool) {
		if len(b) == 0 || len(b) > 1<<12 {
			t.Skip("no function, or one that only repeats")
		}
		for name, m := range machines {
			env := &Env{Machine: m, Memory: image{}, Values: NewValues(), Strict: strict}
			fn := &Func{Start: 0x1000, Code: b}
			for _, p := range env.Analyze(fn).Points {
				if p.Addr < 0x1000 || p.Addr >= 0x1000+uint64(len(b)) {
					t.Fatalf("%s: point %#x outside of the function", name, p.Addr)
				}
			}
			env.Stub(fn)
		}
	})
}

// TestInline: what is executed in place of a call is noted where the call is.
func TestInline(t *testing.T) {
	env := x86Env(nil)
	env.Inline = func(uint64) []byte { return code(t, "891c25 00200000 c3").Code } // mov [0x2000],ebx; ret
	res := env.Analyze(code(t, "90 e8fa0f0000 c3"))                                // nop; call 0x2000; ret
	if len(res.Writes) != 1 || res.Writes[0].Addr != 0x1001 || res.Writes[0].To.Add != 0x2000 {
		t.Errorf("%+v", res.Writes)
	}
}
