package elfscan

import (
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
)

// versioned is the name and the version of an exported symbol.
type versioned struct{ name, version string }

// export notes an exported symbol, of one version among several.
func (mod *module) export(s image.Symbol) {
	addr := mod.codeAddress(s.Value)
	mod.private = mod.private || s.Version == "GLIBC_PRIVATE"
	mod.exported[addr] = append(mod.exported[addr], s.Name)
	if old, dup := mod.syms[s.Name]; !dup || old.Hidden && !s.Hidden {
		mod.syms[s.Name] = s
	}
	key := versioned{s.Name, s.Version}
	if _, dup := mod.versions[key]; !dup {
		mod.versions[key] = s
	}
	if key.version = ""; s.Base { // for references without a version
		if _, dup := mod.versions[key]; !dup {
			mod.versions[key] = s
		}
	}
}

// exportFor finds what a module exports for a reference, as ld.so does (glibc's
// elf/dl-lookup.c, check_match): the version that is asked for, or a symbol
// without one; for a reference without one the oldest, or else the default.
func (mod *module) exportFor(ref image.Symbol) (image.Symbol, bool) {
	if s, ok := mod.versions[versioned{ref.Name, ref.Version}]; ok {
		return s, true
	}
	if ref.Version == "" {
		s, ok := mod.syms[ref.Name]
		return s, ok
	}
	s, ok := mod.versions[versioned{ref.Name, ""}]
	return s, ok && s.Version == ""
}

// definition finds what a reference leads to: in the first module in load order
// that exports it, or, though ld.so would refuse, some other version of it.
func (p *program) definition(ref image.Symbol, skip func(*module) bool) (*module, image.Symbol, bool) {
	key := versioned{ref.Name, ref.Version}
	first := remember(p.exporters, key, func(versioned) int {
		i := slices.IndexFunc(p.mods, func(d *module) bool {
			_, ok := d.exportFor(ref)
			return ok
		})
		if i < 0 {
			return len(p.mods)
		}
		return i
	})
	for _, d := range p.mods[first:] {
		if s, ok := d.exportFor(ref); ok && !skip(d) {
			return d, s, true
		}
	}
	for _, d := range p.mods {
		if s, ok := d.syms[ref.Name]; ok && !skip(d) {
			return d, s, true
		}
	}
	return nil, image.Symbol{}, false
}
