package elfscan

import (
	"context"
	"fmt"
	"os"
	"testing"
)

func TestDbg(t *testing.T) {
	path := os.Getenv("DBG")
	if path == "" {
		t.Skip()
	}
	f, _ := os.Open(path)
	st, _ := f.Stat()
	mod, err := openModule(path, f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	p := newProgram(context.Background(), []*module{mod})
	for i := range mod.funcs {
		if mod.name(&mod.funcs[i]) == os.Getenv("FN") {
			r := p.analyze(node(i))
			fmt.Println("partial", r.Partial, "ends", r.Ends)
			for _, pt := range r.Points {
				fmt.Printf("%#x %v target %#x ", pt.Addr, pt.Op, pt.Target)
				sp, _ := p.values.Atoms(pt.State.Regs[mod.m.SP])
				nr, _ := p.values.Atoms(pt.State.Regs[mod.m.NR])
				fmt.Println("sp", sp, "nr", nr, pt.State.Slots(p.values))
			}
			for _, w := range r.Writes {
				v, k := p.values.Atoms(w.Value)
				fmt.Println("  write", w.To, w.Size, v, k)
			}
		}
	}
}
