package lint

import (
	"cmp"
	"fmt"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// A fallback is a call that libraries try first, and what they use instead when
// it fails with ENOSYS and with nothing else.
type fallback struct {
	call    string
	older   string // a call; empty: none
	who     string
	instead string // what is used instead, when that is not older alone
}

const time64 = "glibc 2.31 and later, and musl 1.2, on 32-bit machines"

var fallbacks = []fallback{
	{call: "clone3", older: "clone", who: "glibc 2.34 and later creates threads and processes with"},
	{call: "faccessat2", older: "faccessat", who: "glibc 2.33 and later checks access with"},
	{call: "fchmodat2", older: "fchmodat", who: "glibc 2.39 and later changes modes with"},
	{call: "statx", older: "newfstatat", who: "glibc 2.28 and later offers statx and, on 32-bit machines, makes stat of"},
	{call: "statx", older: "fstatat64", who: "glibc 2.28 and later offers statx and, on 32-bit machines, makes stat of"},
	// Go ends the program when crypto/rand fails (crypto/internal/sysrand).
	{call: "getrandom", older: "openat", instead: "/dev/urandom", who: "glibc 2.36 and later (arc4random), like Go 1.24 and later, draws random bytes with"},
	{call: "clock_gettime64", older: "clock_gettime", who: time64 + " read clocks with"},
	{call: "clock_settime64", older: "clock_settime", who: time64 + " set clocks with"},
	{call: "clock_getres_time64", older: "clock_getres", who: time64 + " read clocks with"},
	{call: "clock_nanosleep_time64", older: "clock_nanosleep", who: time64 + " sleep with"},
	{call: "futex_time64", older: "futex", who: time64 + " wait with"},
	{call: "ppoll_time64", older: "ppoll", who: time64 + " poll with"},
	{call: "pselect6_time64", older: "pselect6", who: time64 + " select with"},
	{call: "recvmmsg_time64", older: "recvmmsg", who: time64 + " receive with"},
	{call: "utimensat_time64", older: "utimensat", who: time64 + " set times with"},
	{call: "timer_settime64", older: "timer_settime", who: time64 + " set timers with"},
	{call: "timerfd_settime64", older: "timerfd_settime", who: time64 + " set timers with"},
	{call: "rt_sigtimedwait_time64", older: "rt_sigtimedwait", who: time64 + " wait for signals with"},
	{call: "rseq", who: "glibc 2.35 and later registers each thread with"},
	{call: "set_robust_list", who: "glibc registers each thread with"},
}

// enosys: an errno other than ENOSYS, or worse, on such a call.
func (l *linter) enosys() {
	abis, _, err := l.f.Architectures()
	if err != nil {
		l.err = err
		return
	}
	for _, abi := range abis {
		if abi.Name == "x32" || !l.used(abi) {
			continue
		}
		for i := range fallbacks {
			l.fallback(abi, &fallbacks[i])
		}
	}
}

func (l *linter) fallback(abi *arch.Info, fb *fallback) {
	nr, s, ok := l.named(abi, fb.call)
	if !ok || s != refused {
		return
	}
	call := cbpf.Data{Arch: uint32(abi.ID), NR: nr}
	ret := l.f.Action(call)
	enosys, _ := abi.Errno("ENOSYS")
	if ret&cbpf.RetActionFull == cbpf.RetErrno && (uint16(ret) == enosys || fb.older == "") {
		return
	}
	if fb.older != "" {
		if _, older, ok := l.named(abi, fb.older); !ok || older == refused {
			return // nothing to fall back to
		}
	}
	text := fmt.Sprintf("%s%s %s", l.on(abi), fb.who, fb.call)
	if instead := cmp.Or(fb.instead, fb.older); instead != "" {
		text += fmt.Sprintf(", and uses %s instead only after ENOSYS", instead)
	} else {
		text += ", and does not survive this"
	}
	l.add(Warning, &call, text, fmt.Sprintf("give %s errno(ENOSYS)", fb.call))
}
