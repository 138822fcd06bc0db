package cbpf

import (
	"encoding/binary"
	"slices"
	"testing"
)

// seeds are programs that fuzzing starts from.
var seeds = []string{
	"ret allow",
	"ld arch\n jneq #0xc000003e, kill\n ld nr\n jge #0x40000000, kill\n jeq #59, no\n ret allow\n no: ret errno(1)\n kill: ret kill_process",
	"ld args[0].lo\n and #0xff\n st M[3]\n ldx M[3]\n div x\n txa\n neg\n ret a",
	".raw 0xffff 1 2 3\nja +7\njset x, next, +4\nldx 4*([14]&0xf)",
}

func FuzzDecode(f *testing.F) {
	for _, s := range seeds {
		p, err := Assemble(s, AssembleOptions{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Encode(binary.LittleEndian))
		f.Add(p.Encode(binary.BigEndian))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		order, detectErr := DetectOrder(b)
		for _, o := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			p, err := Decode(b, o)
			if (err != nil) != (len(b) == 0 || len(b)%8 != 0) {
				t.Fatalf("%d bytes: %v", len(b), err)
			}
			if err != nil {
				continue
			}
			if !slices.Equal(p.Encode(o), b) {
				t.Fatal("encoding differs")
			}
			if p.Validate() == nil && (detectErr != nil || order != o) {
				t.Fatalf("valid as %v, detected as %v, %v", o, order, detectErr)
			}
			text := Disassemble(p, DisassembleOptions{})
			if back, err := Assemble(text, AssembleOptions{}); err != nil || !slices.Equal(back, p) {
				t.Fatalf("text differs: %v\n%s", err, text)
			}
		}
	})
}

func FuzzAssemble(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Assemble(text, AssembleOptions{})
		if err != nil {
			syntax, ok := err.(*SyntaxError)
			if !ok || syntax.Line < 1 || syntax.Column < 1 || syntax.Reason == "" {
				t.Fatalf("%#v", err)
			}
			return
		}
		again, err := Assemble(Disassemble(p, DisassembleOptions{}), AssembleOptions{})
		if err != nil || !slices.Equal(again, p) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

func FuzzValidateRun(f *testing.F) {
	for _, s := range seeds {
		p, err := Assemble(s, AssembleOptions{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Encode(binary.LittleEndian), make([]byte, DataSize))
	}
	f.Fuzz(func(t *testing.T, b, data []byte) {
		p, err := Decode(b, binary.LittleEndian)
		if err != nil {
			return
		}
		var words [16]uint32
		for i := range min(len(words), len(data)/4) {
			words[i] = binary.LittleEndian.Uint32(data[4*i:])
		}
		ret, executed := p.Run(&words)
		constant := p.ConstAllow(words[1], words[0])
		longest, cost := p.LongestPath(), StackCost(p)
		if p.Validate() != nil {
			return
		}
		if executed < 1 || executed > longest || longest > len(p) || cost < len(p)+3 {
			t.Fatalf("executed %d, longest path %d, cost %d, %d instructions", executed, longest, cost, len(p))
		}
		if constant && ret != RetAllow {
			t.Fatalf("constant allow, but %#x", ret)
		}
	})
}
