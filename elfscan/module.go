package elfscan

import (
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// function is a range of code that is analysed as a whole.
type function struct {
	start, end uint64
	goIndex    int32 // in the Go function table, -1 if it is not Go's
	gap        bool  // code that neither tables nor symbols describe
}

// module is one mapped file: the program or a library.
type module struct {
	path   string
	shown  string // path, as it may be shown
	soname string
	f      *image.File
	m      *machine.Machine
	goTab  *image.GoTable
	code   []image.Range
	lo, hi uint64
	base   uint32 // node of funcs[0]

	funcs     []function
	find      []uint32 // by (addr-lo)>>findShift: first function that may contain it
	names     map[uint64]string
	lsda      map[uint64]uint64       // tables of exception handlers, by function
	resolvers map[uint64]bool         // see resolves
	inner     map[int][]node          // entries in the middle of functions
	syms      map[string]image.Symbol // exported: the default version
	exported  map[uint64][]string     // the names of all versions, by address
	versions  map[versioned]image.Symbol
	sites     []uint64
	edges     []edge
	targets   map[uint64]node   // where calls and jumps lead, through stubs; noNode if nowhere
	got       *image.Section    // global offset table, nil if none has the name
	linkage   []image.Range     // see inLinkage; nil until asked for
	stubs     map[uint64]node   // where stubs lead whose addresses are taken; noNode if there is none
	starts    map[uint64]uint32 // nodes for entries that are not in funcs
	init      map[machine.Reg]int64
	goInit    map[machine.Reg]int64
	loader    bool              // ld.so itself
	large     int               // references as of code for the large model
	dlopened  bool              // its exports may be asked for by name
	private   bool              // has symbols of the version GLIBC_PRIVATE
	byName    map[string]node   // once asked for
	goMinor   int               // 0 until asked for
	barriers  map[uint64]bool   // addresses of runtime.gcWriteBarrier*; nil until asked for
	bounds    []uint64          // starts of objects in data; nil until asked for
	own       map[uint64]uint64 // see ownSections
	objects   []image.Range     // see symbolObjects; nil until asked for
	lowest    uint64            // address that code takes, 4096 if higher; 0 until asked for
	first     []uint32          // edges of funcs[i]: edges[first[i]:first[i+1]]
}

const findShift = 8

// hasThumb reports whether an ARM file has Thumb code, whose addresses are odd
// (ELF for the Arm Architecture, 5.5.3).
func hasThumb(f *image.File) bool {
	found := f.Entry&1 != 0
	odd := func(s image.Symbol) bool { return s.Type == elf.STT_FUNC && s.Defined() && s.Value&1 != 0 }
	for i := range uint32(f.NumDynSyms()) {
		s, ok := f.DynSym(i)
		found = found || ok && odd(s)
	}
	f.Symbols(func(s image.Symbol, _ func() string) bool {
		found = found || odd(s)
		return !found
	})
	return found
}

func openModule(path string, r io.ReaderAt, size int64) (*module, error) {
	f, err := image.Open(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m := machine.For(f.Machine, f.Class, f.Order, f.Flags)
	if m == nil {
		return nil, fmt.Errorf("%s: %w: no decoder for %s %v", path, ErrUnsupported, machineName(f), f.Order)
	}
	if f.Machine == elf.EM_ARM && hasThumb(f) {
		return nil, fmt.Errorf("%s: %w: no decoder for Thumb code", path, ErrUnsupported)
	}
	mod := &module{path: path, shown: image.Printable(path), f: f, m: m, code: f.Code(), starts: map[uint64]uint32{}, inner: map[int][]node{},
		targets: map[uint64]node{}, stubs: map[uint64]node{}}
	mod.soname, mod.got, mod.own = f.Dyn.Soname, f.Section(".got"), ownSections(f)
	if len(mod.code) == 0 {
		return nil, fmt.Errorf("%s: %w: no executable segment", path, image.ErrFormat)
	}
	mod.lo, mod.hi = mod.span()
	if mod.hi-mod.lo > 1<<32-1 {
		return nil, fmt.Errorf("%s: %w: spans more than 4 GiB of addresses", path, image.ErrFormat)
	}
	if mod.goTab, err = f.GoTable(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	mod.findFunctions()
	mod.init = mod.initialRegisters()
	mod.goInit = mod.m.GoFixed
	return mod, nil
}

func (mod *module) span() (lo, hi uint64) {
	lo = ^uint64(0)
	for _, p := range mod.f.Progs {
		if p.Type != 1 || p.Memsz == 0 {
			continue
		}
		lo, hi = min(lo, p.Vaddr), max(hi, p.Vaddr+p.Memsz)
	}
	return lo, hi
}

func (mod *module) inCode(addr uint64) bool {
	i := 0
	if len(mod.code) > 1 {
		i = sort.Search(len(mod.code), func(i int) bool { return mod.code[i].End > addr })
	}
	return i < len(mod.code) && mod.code[i].Contains(addr)
}

// findFunctions lists the functions: Go's table where it reaches; elsewhere
// unwind information and symbols; and between them the gaps.
func (mod *module) findFunctions() {
	var funcs []function
	if t := mod.goTab; t != nil {
		funcs = make([]function, 0, t.Len()+64)
		for i := range t.Len() {
			if t.Starts[i+1] > t.Starts[i] {
				funcs = append(funcs, function{t.Starts[i], t.Starts[i+1], int32(i), false})
			}
		}
	}
	goEnd := len(funcs)
	inGo := func(addr uint64) bool {
		return goEnd > 0 && addr >= funcs[0].start && addr < funcs[goEnd-1].end
	}
	var rest []function
	mod.lsda = map[uint64]uint64{}
	for _, r := range mod.f.Unwind() {
		if inGo(r.Start) {
			continue
		}
		rest = append(rest, function{r.Start, r.End, -1, false})
		if r.LSDA != 0 {
			mod.lsda[r.Start] = r.LSDA
		}
	}
	rest = append(rest, mod.symbolFunctions(inGo)...)
	mod.funcs = mergeFunctions(append(funcs, rest...))
	mod.fillGaps()
	mod.buildFind()
	mod.splitGaps()
}

// bigGap is how much code without any description is still taken for one
// function.
const bigGap = 4096

// splitGaps looks for calls in big gaps, and takes what they call for
// functions.
func (mod *module) splitGaps() {
	starts := map[uint64]bool{}
	for _, g := range mod.funcs {
		if !g.gap || g.end-g.start < bigGap {
			continue
		}
		s := &machine.Scan{Lo: g.start, Hi: g.end, Order: mod.m.Order, Site: func(uint64) {}}
		s.Edge = func(kind machine.EdgeKind, _, target uint64) {
			if kind == machine.EdgeCall && target%mod.m.Align == 0 {
				starts[target] = true
			}
		}
		for at := g.start; at < g.end; at += pieceSize {
			b := make([]byte, min(pieceSize+64, g.end-at))
			if mod.f.Read(b, at) != nil {
				break
			}
			s.Code, s.PC = b, at
			mod.m.Scan(s, 0, min(pieceSize, len(b)))
		}
	}
	if len(starts) == 0 {
		return
	}
	called := slices.Sorted(maps.Keys(starts))
	var out []function
	for _, f := range mod.funcs {
		out = append(out, f)
		if !f.gap || f.end-f.start < bigGap {
			continue
		}
		i, _ := slices.BinarySearch(called, f.start+1)
		j, _ := slices.BinarySearch(called, f.end)
		for _, a := range called[i:max(i, j)] {
			out[len(out)-1].end = a
			out = append(out, function{a, f.end, -1, true})
		}
	}
	mod.funcs = out
	mod.buildFind()
}

// maxNames bounds the names of exported symbols, which may share bytes.
const maxNames = 256 << 20

// symbolFunctions takes functions from the symbol tables, and notes names and
// exports on the way.
func (mod *module) symbolFunctions(inGo func(uint64) bool) []function {
	mod.names = map[uint64]string{}
	mod.syms = map[string]image.Symbol{}
	mod.versions = map[versioned]image.Symbol{}
	mod.exported = map[uint64][]string{}
	room := maxNames
	var out []function
	add := func(s image.Symbol, name func() string) {
		isFunc := s.Type == 2 || s.Type == 10 // STT_FUNC, STT_GNU_IFUNC
		if !s.Defined() || !isFunc && s.Type != 0 || inGo(s.Value) {
			return
		}
		v := mod.codeAddress(s.Value)
		if !mod.inCode(v) || !isFunc && s.Size == 0 && !mod.symbolLabels(name()) {
			return
		}
		out = append(out, function{v, v + s.Size, -1, false})
		if _, dup := mod.names[v]; !dup || s.Bind == 1 {
			mod.names[v] = name()
		}
	}
	for i := range mod.f.NumDynSyms() {
		s, ok := mod.f.DynSym(uint32(i))
		if !ok {
			break
		}
		add(s, func() string { return s.Name })
		if s.Defined() && s.Bind != 0 && s.Name != "" {
			mod.export(s)
			room -= len(s.Name) + len(s.Version)
		}
		if room < 0 {
			mod.f.Note("names of dynamic symbols are longer than %d MiB: the rest is ignored", maxNames>>20)
			break
		}
	}
	mod.f.Symbols(func(s image.Symbol, name func() string) bool {
		if s.Type <= 2 || s.Type == 10 {
			add(s, name)
		}
		return true
	})
	return out
}

// exports reports whether other modules, such as plugins, can find the code at
// an address by its name.
func (mod *module) exports(addr uint64) bool {
	return len(mod.exported[addr]) > 0
}

// symbolLabels reports whether an untyped symbol of no size may start a
// function: mapping symbols and local labels do not.
func (mod *module) symbolLabels(name string) bool {
	return name != "" && name[0] != '$' && name[0] != '.'
}

// codeAddress drops the bit that marks Thumb code.
func (mod *module) codeAddress(v uint64) uint64 {
	if mod.m.Name == "arm" {
		return v &^ 1
	}
	return v
}

// mergeFunctions sorts and makes the ranges disjoint: one that starts inside
// another splits it only if their ends differ from a mere alias.
func mergeFunctions(in []function) []function {
	sort.SliceStable(in, func(i, j int) bool {
		if in[i].start != in[j].start {
			return in[i].start < in[j].start
		}
		return in[i].end > in[j].end
	})
	out := in[:0]
	for _, f := range in {
		n := len(out)
		if n > 0 && out[n-1].start == f.start {
			continue
		}
		if n > 0 && out[n-1].end > f.start {
			if out[n-1].goIndex >= 0 {
				continue
			}
			f.end = max(f.end, out[n-1].end)
			out[n-1].end = f.start
		}
		out = append(out, f)
	}
	return out
}

// fillGaps extends functions of unknown size to the next one and makes
// functions of code that nothing describes.
func (mod *module) fillGaps() {
	var out []function
	i := 0
	for _, r := range mod.code {
		at := r.Start
		for ; i < len(mod.funcs) && mod.funcs[i].start < r.End; i++ {
			f := mod.funcs[i]
			if f.start < at {
				continue
			}
			if f.start > at {
				out = append(out, function{at, f.start, -1, true})
			}
			next := r.End
			if i+1 < len(mod.funcs) {
				next = min(next, mod.funcs[i+1].start)
			}
			if f.end <= f.start || f.end > next {
				f.end = next
			}
			out = append(out, f)
			at = f.end
		}
		if at < r.End {
			out = append(out, function{at, r.End, -1, true})
		}
	}
	mod.funcs = out
}

func (mod *module) buildFind() {
	n := (mod.hi-mod.lo)>>findShift + 2
	lo, hi := mod.code[0].Start, mod.code[len(mod.code)-1].End
	if n > (hi-lo)>>findShift+2 {
		n = (hi-lo)>>findShift + 2
	}
	mod.find = make([]uint32, n)
	j := 0
	for i := range mod.find {
		at := lo + uint64(i)<<findShift
		for j+1 < len(mod.funcs) && mod.funcs[j].end <= at {
			j++
		}
		mod.find[i] = uint32(j)
	}
}

// funcAt returns the index of the function that contains addr, -1 if none.
func (mod *module) funcAt(addr uint64) int {
	lo := mod.code[0].Start
	if addr < lo {
		return -1
	}
	k := (addr - lo) >> findShift
	if k >= uint64(len(mod.find)) {
		return -1
	}
	for i := int(mod.find[k]); i < len(mod.funcs) && mod.funcs[i].start <= addr; i++ {
		if addr < mod.funcs[i].end {
			return i
		}
	}
	return -1
}

// initialRegisters are the registers with a fixed meaning in the module's C
// code: on ppc64, the address of its table of contents, on riscv64 the global
// pointer.
func (mod *module) initialRegisters() map[machine.Reg]int64 {
	base := mod.refBase()
	switch {
	case base == 0:
	case mod.m.Name == "ppc64le":
		return map[machine.Reg]int64{2: int64(base)}
	case mod.m.Name == "riscv64":
		return map[machine.Reg]int64{3: int64(base)}
	}
	return nil
}

// Constant and Mapped make a module the memory of its functions.
func (mod *module) Constant(addr uint64, size int) (uint64, bool) {
	if !mod.f.Mapped(addr) || mod.f.Writable(addr) {
		return 0, false
	}
	if r, ok := mod.f.RelocAt(addr); ok {
		if r.Kind == image.RelRelative && size == mod.m.PtrSize {
			return r.Addend, true
		}
		return 0, false
	}
	return mod.f.Uint(addr, size)
}

// Mapped reports whether addr is inside the module.
func (mod *module) Mapped(addr uint64) bool { return mod.f.Mapped(addr) }

var _ flow.Memory = (*module)(nil)

func (mod *module) name(fn *function) string {
	if fn.goIndex >= 0 {
		return image.Printable(mod.goTab.Name(int(fn.goIndex)))
	}
	if n := mod.names[fn.start]; n != "" {
		return image.Printable(n)
	}
	if n := mod.names[fn.start+1]; n != "" { // __restore_rt's range starts a byte early
		return image.Printable(n)
	}
	return fmt.Sprintf("sub_%x", fn.start)
}
