package guest

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

// What each Linux version brought, by the kernel's own history: the commits
// that added SECCOMP_RET_* and SECCOMP_FILTER_FLAG_* to
// include/uapi/linux/seccomp.h.
var (
	actionVersions = []struct {
		action seccomp.Action
		since  arch.Version
	}{
		{seccomp.ActionKillThread, arch.Version{Major: 3, Minor: 5}},
		{seccomp.ActionTrap, arch.Version{Major: 3, Minor: 5}},
		{seccomp.ActionErrno, arch.Version{Major: 3, Minor: 5}},
		{seccomp.ActionTrace, arch.Version{Major: 3, Minor: 5}},
		{seccomp.ActionAllow, arch.Version{Major: 3, Minor: 5}},
		{seccomp.ActionKillProcess, arch.Version{Major: 4, Minor: 14}},
		{seccomp.ActionLog, arch.Version{Major: 4, Minor: 14}},
		{seccomp.ActionUserNotify, arch.Version{Major: 5, Minor: 0}},
	}
	flagVersions = []struct {
		flag  seccomp.FilterFlag
		since arch.Version
	}{
		{seccomp.FilterFlagTSync, arch.Version{Major: 3, Minor: 17}},
		{seccomp.FilterFlagLog, arch.Version{Major: 4, Minor: 14}},
		{seccomp.FilterFlagSpecAllow, arch.Version{Major: 4, Minor: 17}},
		{seccomp.FilterFlagNewListener, arch.Version{Major: 5, Minor: 0}},
		{seccomp.FilterFlagTSyncESRCH, arch.Version{Major: 5, Minor: 7}},
		{seccomp.FilterFlagWaitKillableRecv, arch.Version{Major: 5, Minor: 19}},
	}
)

func TestFeatures(t *testing.T) {
	inGuest(t)
	v, _ := kernel(t)
	want := func(since arch.Version) seccomp.Support {
		if v.Compare(since) >= 0 {
			return seccomp.Yes
		}
		return seccomp.No
	}
	if !seccomp.Supported() {
		t.Error("Supported() is false")
	}
	for _, a := range actionVersions {
		if got := a.action.Supported(); got != want(a.since) {
			t.Errorf("Linux %v: action %v supported: %v, want %v", v, a.action, got, want(a.since))
		}
	}
	for _, f := range flagVersions {
		if got := f.flag.Supported(); got != want(f.since) {
			t.Errorf("Linux %v: flag %v supported: %v, want %v", v, f.flag, got, want(f.since))
		}
	}
}

// TestActionsAvail compares the probes with the kernel's own list.
func TestActionsAvail(t *testing.T) {
	inGuest(t)
	b, err := os.ReadFile("/proc/sys/kernel/seccomp/actions_avail")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, n := range strings.Fields(string(b)) {
		listed[n] = true
	}
	for name, a := range map[string]seccomp.Action{
		"kill_process": seccomp.ActionKillProcess, "kill_thread": seccomp.ActionKillThread, "trap": seccomp.ActionTrap,
		"errno": seccomp.ActionErrno, "user_notif": seccomp.ActionUserNotify, "trace": seccomp.ActionTrace,
		"log": seccomp.ActionLog, "allow": seccomp.ActionAllow,
	} {
		if got := a.Supported() == seccomp.Yes; got != listed[name] {
			t.Errorf("action %v supported: %v, in actions_avail: %v (%s)", a, got, listed[name], b)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("the kernel has an action that the package does not know: %s", name)
	}
}

var waitKillable = testchild.New("wait killable", func([]byte) ([]byte, error) {
	f := denylist(seccomp.SyscallGroup{Action: seccomp.ActionUserNotify, Names: []string{"getpriority"}})
	f.Flag = seccomp.FilterFlagNewListener | seccomp.FilterFlagWaitKillableRecv
	listener, err := seccomp.LoadListener(f)
	if err == nil {
		return []byte("loaded"), listener.Close()
	}
	var missing *seccomp.UnsupportedError
	if !errors.As(err, &missing) || !errors.Is(err, seccomp.ErrNotSupported) {
		return nil, fmt.Errorf("the error is no *UnsupportedError: %w", err)
	}
	return []byte("needs " + missing.Since), nil
})

// TestMissingFlag loads a filter with a flag that the oldest kernels lack.
func TestMissingFlag(t *testing.T) {
	inGuest(t)
	want := "loaded"
	if v, _ := kernel(t); v.Compare(arch.Version{Major: 5, Minor: 19}) < 0 {
		want = "needs 5.19"
	}
	if got := string(waitKillable.Run(t, nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
