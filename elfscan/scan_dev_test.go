package elfscan

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
	"syscall"
	"testing"
	"time"
)

func TestDev(t *testing.T) {
	path := os.Getenv("SCAN")
	if path == "" {
		t.Skip()
	}
	start := time.Now()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	st, _ := f.Stat()
	mod, err := openModule(path, f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("funcs", len(mod.funcs), time.Since(start))
	l := &loader{ctx: context.Background(), mods: []*module{mod}, names: map[string]*module{}, parent: map[*module]*module{}}
	if err := l.closure(); err != nil {
		t.Fatal(err)
	}
	fmt.Println("missing", l.missing)
	sites := 0
	for _, m := range l.mods {
		if err := m.scan(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		sites += len(m.sites)
		fmt.Println(m.path, "sites", len(m.sites), "edges", len(m.edges), "funcs", len(m.funcs), time.Since(start))
	}
	p := newProgram(context.Background(), l.mods)
	if err := p.link(); err != nil {
		t.Fatal(err)
	}
	fmt.Println("linked", len(p.callers), time.Since(start))
	r := &resolver{p: p, reach: p.reachable(false)}
	fmt.Println("reach", len(r.reach.from), "of", p.nodes, time.Since(start))
	for _, m := range l.mods {
		for _, s := range m.sites {
			r.site(m, s)
		}
	}
	fmt.Println("resolved", len(r.found), "open", len(r.open), "decoded", p.decoded, time.Since(start))
	if why := os.Getenv("WHY"); why != "" {
		for _, x := range r.found {
			if x.nr != int64(atoi(why)) {
				continue
			}
			fmt.Print("WHY ", why, ": ")
			for n := x.task.fn; n != noNode; n = r.reach.from[n] {
				m, f := p.function(n)
				fmt.Printf(" < %s(%s %#x)", p.nodeName(n), m.soname, f.start)
			}
			fmt.Println()
		}
	}
	var nums map[string]int
	b, _ := os.ReadFile("/work/shared/bench/syscalls_x86_64.json")
	if err := json.Unmarshal(b, &nums); err != nil {
		t.Fatal(err)
	}
	names := map[int64]string{}
	for n, i := range nums {
		names[int64(i)] = n
	}
	have := map[string]map[string]bool{}
	for _, x := range r.found {
		n := names[x.nr]
		if n == "" {
			n = fmt.Sprint(x.nr)
		}
		if have[n] == nil {
			have[n] = map[string]bool{}
		}
		have[n][p.nodeName(x.task.fn)] = true
	}
	var list []string
	for n := range have {
		list = append(list, n)
	}
	sort.Strings(list)
	for _, o := range r.open {
		fmt.Printf("OPEN %#x %s: %s", o.site, p.nodeName(o.task.fn), o.reason)
		for u := o.task.up; u != nil; u = u.up {
			fmt.Print(" < ", p.nodeName(u.fn))
		}
		fmt.Println()
	}
	used := map[string]bool{}
	if g := os.Getenv("TRUTH"); g != "" {
		var v struct{ Used []string }
		b, _ := os.ReadFile(g)
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		hit := 0
		for _, u := range v.Used {
			used[u] = true
			if have[u] == nil {
				fmt.Println("MISS", u)
			} else {
				hit++
			}
		}
		fmt.Printf("recall %d/%d precision %.3f (%d)\n", hit, len(v.Used), float64(hit)/float64(len(list)), len(list))
	}
	for _, n := range list {
		if used[n] {
			continue
		}
		var fs []string
		for f := range have[n] {
			fs = append(fs, f)
		}
		sort.Strings(fs)
		if len(fs) > 6 {
			fs = fs[:6]
		}
		fmt.Println("  +", n, fs)
	}
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	var ru syscall.Rusage
	syscall.Getrusage(0, &ru)
	fmt.Println("cpu", time.Duration(ru.Utime.Nano()+ru.Stime.Nano()), "maxrss", ru.Maxrss>>10, "MB")
}

func atoi(s string) (n int) { fmt.Sscan(s, &n); return }
