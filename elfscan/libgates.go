package elfscan

import (
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// libGate is a part of the C library that only certain of its functions
// enable: attributes that a program must set by calling them. Code near the
// via functions that leads to the targets is not followed while none of the
// enabling functions is reachable.
type libGate struct {
	what    string
	via     []string // exported; none means everywhere
	targets []string // exported names, * for any ending
	calls   []string // made in the functions near via themselves
	enable  []string
	flags   int64 // if not 0, enabled only by callers whose second argument may have these bits
}

var (
	spawners      = []string{"posix_spawn", "posix_spawnp"}
	setSpawnFlags = []string{"posix_spawnattr_setflags"}
	globs         = []string{"glob", "glob64", "__glob64"}
)

// libGates are facts about glibc: nptl/pthread_create.c, nptl/tpp.c,
// sysdeps/unix/sysv/linux/spawni.c, sunrpc/rpc_thread.c, nss/nss_module.c,
// posix/glob.c and sysdeps/posix/tempname.c.
var libGates = []libGate{
	{
		what: "POSIX_SPAWN_SETSID", via: spawners, targets: []string{"setsid", "__setsid"}, calls: []string{"setsid"},
		enable: setSpawnFlags, flags: 0x80,
	},
	{
		what: "POSIX_SPAWN_SETPGROUP", via: spawners, targets: []string{"setpgid", "__setpgid", "getpgid", "__getpgid"},
		calls: []string{"setpgid"}, enable: setSpawnFlags, flags: 0x02,
	},
	{
		what: "POSIX_SPAWN_RESETIDS", via: spawners, targets: []string{"getuid", "__getuid", "getgid", "__getgid"},
		calls: []string{"setresuid", "setresgid", "setresuid32", "setresgid32"}, enable: setSpawnFlags, flags: 0x01,
	},
	{
		what: "POSIX_SPAWN_SETSCHEDULER", via: spawners,
		targets: []string{"sched_setparam", "__sched_setparam", "__sched_setscheduler", "sched_setscheduler"},
		calls:   []string{"sched_setparam", "sched_setscheduler"}, enable: setSpawnFlags, flags: 0x30,
	},
	{
		what: "posix_spawn_file_actions_addchdir_np", via: spawners,
		targets: []string{"chdir", "__chdir", "fchdir"},
		enable:  []string{"posix_spawn_file_actions_addchdir_np", "posix_spawn_file_actions_addfchdir_np"},
	},
	{
		what: "posix_spawn_file_actions_addclosefrom_np", via: spawners,
		targets: []string{"close_range", "getdents64"}, calls: []string{"close_range"},
		enable: []string{"posix_spawn_file_actions_addclosefrom_np"},
	},
	{
		what: "scheduling attributes of threads", via: []string{"pthread_create"},
		targets: []string{"__sched_getparam", "__sched_getscheduler", "__sched_setscheduler", "sched_getparam", "sched_getscheduler"},
		calls:   []string{"sched_setaffinity", "sched_setscheduler", "sched_getparam", "sched_getscheduler"},
		enable: []string{"pthread_attr_setschedparam", "pthread_attr_setschedpolicy", "pthread_attr_setinheritsched",
			"pthread_attr_setaffinity_np", "pthread_setattr_default_np", "pthread_setschedparam"},
	},
	{
		what: "priority protection of mutexes",
		via: []string{"pthread_mutex_lock", "__pthread_mutex_lock", "pthread_mutex_trylock", "__pthread_mutex_trylock", "pthread_mutex_timedlock",
			"pthread_mutex_clocklock", "pthread_mutex_unlock", "__pthread_mutex_unlock", "pthread_cond_wait", "pthread_cond_timedwait", "pthread_mutex_init", "__pthread_mutex_init"},
		targets: []string{"__sched_get_priority_max", "__sched_get_priority_min", "sched_get_priority_max", "sched_get_priority_min",
			"__sched_getparam", "__sched_getscheduler", "__sched_setscheduler", "sched_setscheduler"},
		calls:  []string{"sched_setscheduler", "sched_getparam", "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min"},
		enable: []string{"pthread_mutexattr_setprotocol", "pthread_mutexattr_setprioceiling", "pthread_mutex_setprioceiling"},
	},
	{
		what: "Sun RPC", via: []string{"pthread_create", "thrd_create"},
		targets: []string{"svc_*", "pmap_*", "clnt*", "xprt_*"},
		enable:  []string{"svctcp_create", "svcudp_create", "svcudp_bufcreate", "svc_register", "svcraw_create", "svcunix_create", "xprt_register"},
	},
	{ // libio/genops.c (_IO_unbuffer_all) waits for a lock that another holds
		what: "a second thread", via: []string{"exit", "_IO_cleanup"}, targets: []string{"sched_yield", "__sched_yield"}, enable: startThreads,
	},
	{ // malloc/arena.c (arena_get2) counts processors when there are many arenas
		what: "a second thread", via: []string{"malloc", "calloc", "realloc", "free", "memalign", "aligned_alloc", "posix_memalign", "valloc",
			"pvalloc", "__libc_memalign"},
		targets: []string{"get_nprocs", "__get_nprocs"}, enable: startThreads,
	},
	{ // glob's calls of itself ask for no more than it was asked for
		what: "GLOB_TILDE", via: globs, targets: []string{"getlogin_r", "__getlogin_r", "getlogin", "getpwnam_r", "__getpwnam_r"},
		enable: globs, flags: 0x5000, // GLOB_TILDE, GLOB_TILDE_CHECK
	},
	{ // sysdeps/posix/tempname.c: of names for files and directories
		what: "mkdtemp",
		via: []string{"mkstemp", "mkstemp64", "mkostemp", "mkostemp64", "mkstemps", "mkstemps64", "mkostemps", "mkostemps64",
			"mktemp", "tmpfile", "tmpfile64", "tmpnam", "tmpnam_r", "tempnam"},
		targets: []string{"mkdir", "__mkdir"}, enable: []string{"mkdtemp"},
	},
	{
		what: "looking up hosts", targets: []string{"_nss_dns_*"},
		enable: []string{"getaddrinfo", "gethostbyname", "gethostbyname2", "gethostbyname_r", "gethostbyname2_r", "gethostbyaddr",
			"gethostbyaddr_r", "gethostent", "gethostent_r", "getnetbyname", "getnetbyaddr", "getnetbyname_r", "getnetbyaddr_r", "getnameinfo", "__nss_hostname_digits_dots"},
	},
}

// startThreads are the functions by which a program comes to have a second
// thread, in the C library's own work too.
var startThreads = []string{"pthread_create", "thrd_create", "clone", "__clone", "timer_create", "mq_notify", "getaddrinfo_a", "lio_listio",
	"lio_listio64", "aio_read", "aio_read64", "aio_write", "aio_write64", "aio_fsync", "aio_fsync64"}

// loaderGates are calls of glibc's ld.so that only a way to start it enables
// which is not that of a program: elf/rtld.c (rtld_chain_load) and
// elf/dl-profile.c.
var loaderGates = map[string]string{
	"execve":    "ld.so run by hand on a static program",
	"setitimer": "LD_PROFILE in the environment",
}

// loaderGate names what would enable a call made in ld.so.
func (p *program) loaderGate(n node, call string) string {
	m, _ := p.function(n)
	if _, glibc := m.syms["_rtld_global"]; !m.loader || !glibc {
		return ""
	}
	return loaderGates[call]
}

// libGateState is the closed gates of one search.
type libGateState struct {
	p     *program
	open  []bool
	near  []map[node]bool // by gate; nil means everywhere
	names map[node][]string
	leads map[node][]int // gates that a function is a target of
}

// viaDepth is how far from a via function its internals reach.
const viaDepth = 6

// newLibGates returns all gates, closed.
func (p *program) newLibGates() *libGateState {
	if p.lib == nil {
		p.lib = p.findLibGates()
	}
	g := *p.lib
	g.open = make([]bool, len(libGates))
	return &g
}

func (p *program) findLibGates() *libGateState {
	g := &libGateState{p: p, names: map[node][]string{}, leads: map[node][]int{}}
	for _, m := range p.mods {
		if m.goTab != nil {
			continue
		}
		for addr, names := range m.exported {
			if n := p.startAt(m, addr); n != noNode {
				g.names[n] = append(g.names[n], names...)
			}
		}
	}
	for i, gate := range libGates {
		g.near = append(g.near, g.around(gate.via))
		for n, names := range g.names {
			if slices.ContainsFunc(names, func(name string) bool { return contains(gate.targets, name) }) {
				g.leads[n] = append(g.leads[n], i)
			}
		}
	}
	return g
}

// isLibc reports whether a module is of the C library, not a program or library
// that has functions of the same names: glibc, which has symbols for its own use
// alone, or musl, which is its dynamic linker.
func (mod *module) isLibc() bool { return mod.private || mod.loader }

// around are the functions through which the C library's named ones do their
// work and which nobody outside the library can call.
func (g *libGateState) around(via []string) map[node]bool {
	if via == nil {
		return nil
	}
	near := map[node]bool{}
	var queue []node
	for n, names := range g.names {
		if m, _ := g.p.function(n); !m.isLibc() || !slices.ContainsFunc(names, func(name string) bool { return contains(via, name) }) {
			continue
		}
		near[n] = true
		queue = append(queue, n)
	}
	for depth := 0; depth < viaDepth; depth++ {
		var next []node
		for _, n := range queue {
			m, _ := g.p.function(n)
			i := int(uint32(n) - m.base)
			for _, e := range m.edges[m.first[i]:m.first[i+1]] {
				for _, t := range g.targets(m, e) {
					if t != noNode && t < g.p.nodes && !near[t] && g.names[t] == nil {
						near[t] = true
						next = append(next, t)
					}
				}
			}
		}
		queue = next
	}
	return near
}

// maxHooks is the size of data that holds but a few hooks.
const maxHooks = 32

// targets are the functions that a reference leads to: directly, or through
// hooks such as those of exit.
func (g *libGateState) targets(m *module, e edge) []node {
	to := m.lo + uint64(e.to)
	switch {
	case e.kind == machine.EdgeCall || e.kind == machine.EdgeJump:
		return []node{g.p.target(m, to)}
	case e.kind == machine.EdgeRef && m.inCode(to):
		return []node{g.p.startAt(m, to)}
	case e.kind != machine.EdgeRef && e.kind != machine.EdgeNear || m.objectEnd(to) > to+maxHooks:
		return nil
	}
	var out []node
	for _, r := range m.f.RelocsIn(image.Range{Start: to, End: m.objectEnd(to)}) {
		if r.Kind == image.RelRelative {
			out = append(out, g.p.startAt(m, m.codeAddress(r.Addend)))
		}
	}
	return out
}

func contains(list []string, name string) bool {
	for _, x := range list {
		if x == name || strings.HasSuffix(x, "*") && strings.HasPrefix(name, x[:len(x)-1]) {
			return true
		}
	}
	return false
}

// cut reports whether a closed gate keeps from from leading to to.
func (g *libGateState) cut(from, to node) bool {
	for _, i := range g.leads[to] {
		if !g.open[i] && (g.near[i] == nil || g.near[i][from]) {
			return true
		}
	}
	return false
}

// update opens the gates that reachable functions enable; it reports whether
// any was closed.
func (g *libGateState) update(r *reach) bool {
	changed := false
	for n, names := range g.names {
		if !r.has(n) {
			continue
		}
		for i, gate := range libGates {
			if g.open[i] {
				continue
			}
			for _, name := range names {
				if contains(gate.enable, name) && g.mayPass(r, n, gate.flags, g.near[i]) {
					g.open[i], changed = true, true
				}
			}
		}
	}
	return changed
}

// mayPass reports whether a function has a reachable caller outside of its
// library, or, if there are flags, one anywhere but in what the gate is about
// that may set one of them in the second argument.
func (g *libGateState) mayPass(r *reach, n node, flags int64, near map[node]bool) bool {
	if g.p.pointerTaken(n) {
		return true
	}
	for _, c := range g.p.callersOf(n) {
		if !r.has(c.from) || near[n] && near[c.from] {
			continue // not made, or the library's own work
		}
		if flags == 0 {
			from, _ := g.p.function(c.from)
			if to, _ := g.p.function(n); from != to || !to.isLibc() {
				return true
			}
			continue
		}
		for _, call := range g.p.callStates(c) {
			m, _ := g.p.function(call.fn)
			vals, ok := g.p.values.Consts(g.p.substituteAtom(m, cParam(m, 1), call.pt))
			if !ok {
				return true
			}
			for _, v := range vals {
				if v&flags != 0 {
					return true
				}
			}
		}
	}
	return false
}

// gate names what would enable a call that is made near a via function.
func (g *libGateState) gate(fn node, call string) string {
	if g == nil {
		return ""
	}
	for i, gate := range libGates {
		if !g.open[i] && g.near[i] != nil && g.near[i][fn] && contains(gate.calls, call) {
			return gate.what
		}
	}
	return ""
}
