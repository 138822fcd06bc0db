package flow

import (
	"slices"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// TestIslands gives, for code at 0x1000 of one function, the constants that RAX
// may hold at its system calls where no path leads that is known, in order.
func TestIslands(t *testing.T) {
	for _, c := range []struct {
		name, code string
		set        func(fn *Func)
		want       [][]int64
	}{
		// jmp [rdi]; mov eax,1; jmp +5; mov eax,2; syscall; ret
		{"behind a jump through a pointer", "ff27 b801000000 eb05 b802000000 0f05 c3", nil, [][]int64{{1, 2}}},
		{"of several functions", "ff27 b801000000 eb05 b802000000 0f05 c3", func(fn *Func) { fn.Alone, fn.Whole = false, false }, nil},
		// mov eax,1; jmp [rdi]; mov eax,2; syscall; ret
		{"label behind it", "b801000000 ff27 b802000000 0f05 c3", func(fn *Func) { fn.Labels = []uint64{0x100c} }, [][]int64{{1, 2}}},
		// mov eax,1; jmp [rdi]; mov eax,2; jmp [rdi]; syscall; ret
		{"jumps there too", "b801000000 ff27 0f05 c3 b802000000 ff27", nil, [][]int64{{1, 2}}},
		// ret; mov eax,1; syscall; ret
		{"entered from a part elsewhere", "c3 b801000000 0f05 c3", nil, [][]int64{{1}}},
		{"entry that is known", "c3 b801000000 0f05 c3", func(fn *Func) { fn.Others = []uint64{0x1001} }, nil},
		{"no whole function", "c3 b801000000 0f05 c3", func(fn *Func) { fn.Whole = false }, nil},
		// xor eax,eax; test eax,eax; jne +8; mov al,1; syscall; ret; nop; mov eax,2; syscall; ret
		{"excluded by a condition", "31c0 85c0 7508 b801000000 0f05 c3 b802000000 0f05 c3", nil, [][]int64{{1}}},
		// mov eax,1; jmp +4; nop dword [rax]; syscall; ret
		{"padding", "b801000000 eb04 0f1f4000 0f05 c3", nil, [][]int64{{1}}},
		// jmp [rdi]; syscall; ret: nothing is known of RAX
		{"parameter", "ff27 0f05 c3", nil, [][]int64{nil}},
	} {
		fn := code(t, c.code)
		fn.Alone, fn.Whole = true, true
		if c.set != nil {
			c.set(fn)
		}
		env := x86Env(nil)
		var got [][]int64
		for _, p := range env.Analyze(fn).Points {
			if p.Op == machine.Syscall {
				v, _ := env.Values.Consts(p.State.Regs[env.Machine.NR])
				slices.Sort(v)
				got = append(got, v)
			}
		}
		if !slices.EqualFunc(got, c.want, slices.Equal[[]int64]) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestEntry: code before the entry is part of the function.
func TestEntry(t *testing.T) {
	fn := code(t, "b801000000 0f05 c3 b802000000 ebf6") // mov eax,1; L: syscall; ret; mov eax,2; jmp L
	fn.Entry = 0x1008
	env := x86Env(nil)
	res := env.Analyze(fn)
	if v, _ := env.Values.Consts(res.Points[0].State.Regs[env.Machine.NR]); !slices.Equal(v, []int64{2}) || res.Visited(0) {
		t.Errorf("number %v, code before it %v", v, res.Visited(0))
	}
}

// TestTableWithFarCases: a table goes on behind what leads out of the function.
func TestTableWithFarCases(t *testing.T) {
	// mov ebx,0x2000; shl edi,2; mov eax,[rbx+rdi]; jmp rax; mov eax,39; syscall; ret; mov eax,40; syscall; ret
	fn := code(t, "bb00200000 c1e702 8b043b ffe0 b827000000 0f05 c3 b828000000 0f05 c3")
	res := x86Env(image{0x2000: 0x100d, 0x2004: 0x1800, 0x2008: 0x1800, 0x200c: 0x1015}).Analyze(fn)
	if got := res.Tables[0x2000]; got != 4 || !res.Visited(0x15) {
		t.Errorf("%d entries, the last followed: %v", got, res.Visited(0x15))
	}
}
