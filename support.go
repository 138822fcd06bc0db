package seccomp

import (
	"fmt"
	"slices"
)

// Support is what is known about a feature of the running kernel.
type Support int

// Whether a feature is there. Unknown is the answer where asking is prevented,
// as by another filter.
const (
	Unknown Support = iota
	Yes
	No
)

// String is "unknown", "yes" or "no".
func (s Support) String() string {
	switch s {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "unknown"
}

// actionSince is the first Linux version that has an action; 3.17 is the first
// with seccomp(2), which all others came with.
var actionSince = map[Action]string{
	ActionKillProcess: "4.14",
	ActionLog:         "4.14",
	ActionUserNotify:  "5.0",
}

var flagSince = map[FilterFlag]string{
	FilterFlagTSync:            seccompSince,
	FilterFlagLog:              "4.14",
	FilterFlagSpecAllow:        "4.17",
	FilterFlagNewListener:      "5.0",
	FilterFlagTSyncESRCH:       "5.7",
	FilterFlagWaitKillableRecv: "5.19",
}

const seccompSince = "3.17"

// Since is the first Linux version that has the action, such as "4.14", with
// whatever data; empty for what is not an action.
func (a Action) Since() string {
	kind := a.Kind()
	if kind == 0 {
		return ""
	}
	if since, ok := actionSince[kind]; ok {
		return since
	}
	return seccompSince
}

// Supported asks the running kernel whether it has the action. The answer is
// kept. A kernel that lacks an action treats it as ActionKillThread.
func (a Action) Supported() Support {
	kind := a.Kind()
	if kind == 0 {
		return No
	}
	return actionSupport(kind)
}

// Since is the first Linux version that has all of the flags, such as "5.19".
func (f FilterFlag) Since() string {
	since := seccompSince
	for _, n := range filterFlagNames { // in the order of their versions
		if f&n.flag != 0 {
			since = flagSince[n.flag]
		}
	}
	return since
}

// Supported asks the running kernel whether it has all of the flags. The
// answer is kept.
func (f FilterFlag) Supported() Support {
	answer := Yes
	if f.known() != nil {
		return No
	}
	for _, n := range filterFlagNames {
		if f&n.flag == 0 {
			continue
		}
		switch flagSupport(n.flag) {
		case No:
			return No
		case Unknown:
			answer = Unknown
		}
	}
	return answer
}

// Adapt returns the policy with what the running kernel is known to lack
// replaced: kill_process by kill_thread and log by allow, both for Linux before
// 4.14. Each replacement is a note. It is for callers who would rather have a
// weaker filter than none; nothing else in this package replaces actions.
// ActionUserNotify has no replacement and stays.
func (p *Policy) Adapt() (Policy, []Note) {
	return p.adapt(func(a Action) bool { return a.Supported() == No })
}

func (p *Policy) adapt(lacks func(Action) bool) (Policy, []Note) {
	replacement := map[Action]Action{ActionKillProcess: ActionKillThread, ActionLog: ActionAllow}
	out := *p
	var notes []Note
	replace := func(field string, a *Action) {
		to, ok := replacement[*a]
		if !ok || !lacks(*a) {
			return
		}
		notes = append(notes, Note{
			Kind: NoteAdapted,
			Text: field + ": " + a.String() + ", which Linux " + a.Since() + " has, was replaced by " + to.String(),
		})
		*a = to
	}
	replace("default_action", &out.DefaultAction)
	if out.BadArchAction == 0 {
		out.BadArchAction = ActionKillProcess
	}
	replace("bad_arch_action", &out.BadArchAction)
	out.Syscalls = slices.Clone(p.Syscalls)
	for i := range out.Syscalls {
		replace(fmt.Sprintf("syscalls[%d].action", i), &out.Syscalls[i].Action)
	}
	return out, notes
}
