package elfscan

import (
	"maps"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

func (p *program) env(m *module) *flow.Env {
	e := &flow.Env{Machine: m.m, Memory: m, Values: p.values, Assume: p.assume, Work: &p.work,
		Cancelled: func() bool { return p.ctx.Err() != nil }}
	if m.goTab != nil {
		e.ArgBytes = func(target uint64) int {
			if i := m.funcAt(target); i >= 0 && m.funcs[i].goIndex >= 0 {
				return m.goTab.ArgBytes(int(m.funcs[i].goIndex))
			}
			return 0
		}
		e.Inline = m.goMiddle
		e.Keeps = m.writeBarrier
	}
	return e
}

// goMiddle returns the rest of a Go function that is called in its middle:
// runtime.duffcopy or runtime.duffzero.
func (m *module) goMiddle(target uint64) []byte {
	i := m.funcAt(target)
	if i < 0 || m.funcs[i].goIndex < 0 || m.funcs[i].start == target || m.localEntry(i, target) {
		return nil
	}
	code := make([]byte, min(m.funcs[i].end-target, 4096))
	if m.f.Read(code, target) != nil {
		return nil
	}
	return code
}

// Limits on what is decoded: bytes in a function, and bytes and steps in all
// together, of which the largest programs take a quarter; those to find out where
// functions end are counted apart (see paths), of which they take a third.
const (
	maxFunction = 1 << 20
	maxWork     = 40 << 20
	maxEnds     = 32 << 20

	readingIsCheaper = 16 // times, than decoding
)

// tooLarge is why nothing is known of a function, unless maxWork is reached.
const tooLarge = "function too large"

// tooMuch is why nothing is known of what maxWork did not suffice for.
const tooMuch = "too much code to look at all of it"

// exhausted reports whether maxWork is reached: nothing more is analysed then.
func (p *program) exhausted() bool { return p.work > p.most }

// lastCode is the code that was read last.
type lastCode struct {
	mod        *module
	start, end uint64
	code       []byte
}

// code reads a function, unless it is the rest of the one read last: there may
// be thousands of entries into a table among the code.
func (p *program) code(m *module, f function) ([]byte, bool) {
	if c := &p.last; c.mod != m || c.end != f.end || c.start > f.start {
		code := make([]byte, f.end-f.start)
		if m.f.Read(code, f.start) != nil {
			return nil, false
		}
		p.last = lastCode{m, f.start, f.end, code}
		p.work += len(code) / readingIsCheaper
	}
	return p.last.code[f.start-p.last.start:], true
}

func (p *program) flowFunc(n node) (*module, *flow.Func, bool) {
	m, f := p.function(n)
	entry := f.start
	if n >= p.nodes && len(m.inner[p.extra[n-p.nodes].fn]) <= maxInner {
		f = m.funcs[p.extra[n-p.nodes].fn]
		f.start = m.afterLinkage(f, entry)
	}
	if f.end-f.start > maxFunction || p.exhausted() {
		return m, nil, false
	}
	code, ok := p.code(m, f)
	if !ok {
		return m, nil, false
	}
	fn := &flow.Func{Start: f.start, Code: code, Entry: entry, Go: f.goIndex >= 0, Init: m.init}
	if fn.Go && m.goInit != nil {
		fn.Init = m.goInit
	}
	if m.setsTOC(entry) {
		fn.Init = maps.Clone(fn.Init)
		if fn.Init == nil {
			fn.Init = map[machine.Reg]int64{}
		}
		fn.Init[12] = int64(entry) // r12, as the global entry point expects
	}
	fn.Alone = !f.gap && !m.inLinkage(f.start)
	fn.Whole = fn.Alone && n < p.nodes
	p.addEntries(m, fn, entry, f)
	if n < p.nodes && m.lsda[f.start] != 0 {
		fn.Pads = m.f.LandingPads(m.lsda[f.start], f.start)
		p.work += 16 * len(fn.Pads)
	}
	return m, fn, true
}

// maxInner bounds the entries in the middle of a function from which the whole
// of it is looked at; with more, what is behind each.
const maxInner = 4096

// addEntries notes where else a function is entered, and what labels are in it:
// without starts of functions, which are told when they are called through
// pointers.
func (p *program) addEntries(m *module, fn *flow.Func, entry uint64, f function) {
	inner := m.inner[m.funcAt(entry)]
	if len(inner) > maxInner {
		fn.Alone, fn.Whole = false, false
		return
	}
	p.work += len(inner)
	if fn.Alone {
		fn.Others = append(fn.Others, f.start)
	}
	for _, other := range inner {
		x := p.extra[other-p.nodes]
		if fn.Alone && x.jumped {
			fn.Others = append(fn.Others, x.start)
		}
		if (fn.Whole || f.gap && !p.taken[other]) && (x.taken || x.pointer) {
			fn.Labels = append(fn.Labels, x.start)
		}
	}
}

// analyze returns what is known about a function, decoding it once.
func (p *program) analyze(n node) *flow.Result {
	if r, ok := p.results[n]; ok {
		return r
	}
	m, fn, ok := p.flowFunc(n)
	if !ok {
		r := &flow.Result{Partial: tooLarge}
		p.results[n] = r
		return r
	}
	p.decoded++
	r := p.env(m).Analyze(fn)
	p.results[n] = r
	for _, pt := range r.Points {
		if pt.Op == machine.Jump && pt.Target != 0 && r.Ends {
			if t := p.nodeAt(m, pt.Target); t != noNode && pt.Target == fn.Start+uint64(len(fn.Code)) {
				p.late[t] = append(p.late[t], caller{n, machine.EdgeJump, pt.Addr})
			}
		}
	}
	return r
}

// refine analyses a function again, this time knowing which of the functions
// it calls never return; it reports false if that was done before.
func (p *program) refine(n node) bool {
	if p.refined[n] {
		return false
	}
	p.refined[n] = true
	m, fn, ok := p.flowFunc(n)
	if !ok {
		return false
	}
	env := p.env(m)
	env.NoReturn = func(target uint64) bool {
		t := p.target(m, target)
		return t != noNode && p.noReturn(t, 0)
	}
	p.decoded++
	p.results[n] = env.Analyze(fn)
	return true
}

// noReturn reports whether no path through a function returns.
func (p *program) noReturn(n node, depth int) bool {
	if v, ok := p.never[n]; ok {
		return v
	}
	if depth > 8 {
		return false // not for those who ask from nearer
	}
	p.never[n] = false // for recursive functions, until known better
	m, fn, ok := p.flowFunc(n)
	if !ok || len(fn.Code) > 1<<16 {
		return false
	}
	env := p.env(m)
	env.Probe = true
	env.NoReturn = func(target uint64) bool {
		t := p.target(m, target)
		return t != noNode && p.noReturn(t, depth+1)
	}
	p.decoded++
	res := env.Analyze(fn)
	never := !res.Returns && !res.Lost && !res.Ends && res.Partial == ""
	for _, pt := range res.Points {
		if pt.Op != machine.Jump || !never {
			continue
		}
		t := noNode
		if pt.Target != 0 {
			t = p.target(m, pt.Target)
		}
		never = t != noNode && p.noReturn(t, depth+1)
	}
	p.never[n] = never
	return never
}
