package elfscan

import (
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// TestVersionedSymbols: references lead where ld.so's rules for versions say.
func TestVersionedSymbols(t *testing.T) {
	mod := func(syms ...image.Symbol) *module {
		m := &module{m: &machine.Machine{}, syms: map[string]image.Symbol{}, versions: map[versioned]image.Symbol{}, exported: map[uint64][]string{}}
		for _, s := range syms {
			s.Section, s.Bind = 1, 1
			m.export(s)
		}
		return m
	}
	libc := mod(
		image.Symbol{Name: "popen", Version: "V1", Hidden: true, Base: true, Value: 1},
		image.Symbol{Name: "popen", Version: "V3", Value: 3},
		image.Symbol{Name: "late", Version: "V2", Hidden: true, Value: 4},
		image.Symbol{Name: "late", Version: "V3", Value: 5},
	)
	malloc := mod(image.Symbol{Name: "late", Base: true, Value: 6})
	for _, c := range []struct {
		ref  image.Symbol
		mods []*module
		want uint64
	}{
		{image.Symbol{Name: "popen", Version: "V3"}, []*module{libc}, 3},
		{image.Symbol{Name: "popen", Version: "V1"}, []*module{libc}, 1},
		{image.Symbol{Name: "popen"}, []*module{libc}, 1},
		{image.Symbol{Name: "late"}, []*module{libc}, 5},
		{image.Symbol{Name: "late", Version: "V2"}, []*module{libc}, 4},
		{image.Symbol{Name: "late", Version: "V2"}, []*module{malloc, libc}, 6},
		{image.Symbol{Name: "late", Version: "V9"}, []*module{libc}, 5}, // refused by ld.so
	} {
		p := newProgram(t.Context(), c.mods)
		_, s, ok := p.definition(c.ref, func(*module) bool { return false })
		if !ok || s.Value != c.want {
			t.Errorf("%s@%s: %v %v, want %d", c.ref.Name, c.ref.Version, s.Value, ok, c.want)
		}
	}
	if libc.syms["popen"].Value != 3 {
		t.Error("the default version is not the one for names")
	}
}
