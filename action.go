package seccomp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

// An Action is what happens to a system call that a filter has decided on.
//
// The zero Action means "not set" and is refused wherever an action is needed,
// so that a forgotten field never decides anything. ActionErrno, ActionTrap
// and ActionTrace carry 16 bits of data: see Errno, ErrnoName, TrapData,
// TraceData, or the text forms errno(EACCES), trap(7), trace(ENOSYS).
//
// An Action is not the number the kernel reads: data that is stored by name
// becomes a number for each ABI (ENOSYS is 38 on most and 89 on MIPS). Return
// gives that number.
type Action uint32

// The actions, with the Linux version that has them. Where no version is
// given, it is 3.17, the first with seccomp(2).
const (
	// ActionKillThread kills the calling thread with SIGSYS. A Go process that
	// loses one thread hangs rather than ends: prefer ActionKillProcess.
	ActionKillThread Action = 0x00000001

	ActionKillProcess Action = 0x80000000 // Kill the whole process with SIGSYS (Linux 4.14).
	ActionTrap        Action = 0x00030000 // Do not make the call; send SIGSYS to the thread, data in si_errno.
	ActionErrno       Action = 0x00050000 // Do not make the call; fail with an errno: EPERM unless data says otherwise.
	ActionTrace       Action = 0x7ff00000 // Stop for the ptrace(2) tracer, data as event message; ENOSYS without a tracer.
	ActionLog         Action = 0x7ffc0000 // Make the call after logging it (Linux 4.14).
	ActionAllow       Action = 0x7fff0000 // Make the call.
	ActionUserNotify  Action = 0x7fc00000 // Ask the supervisor that holds the filter's listener (Linux 5.0).
)

// Bit 19 is free in the three actions that have data. It marks data that is
// an index into errnoNames: index 0 stands for the number 0, which for errno
// is not what an Action without data means.
const (
	dataMask    Action = 0xffff
	namedMarker Action = 0x00080000

	maxErrno = 4095 // MAX_ERRNO: the kernel cuts off what is larger
)

var actionNames = []struct {
	action Action
	name   string
}{
	{ActionKillThread, "kill_thread"},
	{ActionKillProcess, "kill_process"},
	{ActionTrap, "trap"},
	{ActionErrno, "errno"},
	{ActionTrace, "trace"},
	{ActionLog, "log"},
	{ActionAllow, "allow"},
	{ActionUserNotify, "user_notify"},
}

// Errno is ActionErrno with the errno e, which is one of this machine's
// numbers and is stored by name where it has one. Errno(0) makes the call
// return 0 without being made.
func Errno(e syscall.Errno) Action {
	if e == 0 {
		return ActionErrno | namedMarker
	}
	if name := nativeErrnoName(e); name != "" {
		if a := ErrnoName(name); a.check() == nil {
			return a
		}
	}
	return ActionErrno | Action(min(uint64(e), uint64(dataMask)))
}

// ErrnoName is ActionErrno with the errno of that name, such as "ENOSYS". A
// name that Linux does not have gives an action that every use refuses.
func ErrnoName(name string) Action {
	i, ok := errnoIndex(name)
	if !ok {
		return ActionErrno | namedMarker | dataMask
	}
	return ActionErrno | namedMarker | i
}

// TrapData is ActionTrap with data, which the SIGSYS handler finds in si_errno.
func TrapData(data uint16) Action { return ActionTrap | Action(data) }

// TraceData is ActionTrace with data, which the tracer reads with
// PTRACE_GETEVENTMSG.
func TraceData(data uint16) Action { return ActionTrace | Action(data) }

// Kind is the action without its data, one of the Action constants; 0 when a
// is not an action.
func (a Action) Kind() Action {
	kind, _ := a.split()
	return kind
}

// split separates data from action and tells whether the data is a name's index.
func (a Action) split() (kind Action, named bool) {
	switch base := a &^ dataMask; base {
	case ActionErrno, ActionTrap, ActionTrace:
		return base, false
	case ActionErrno | namedMarker, ActionTrap | namedMarker, ActionTrace | namedMarker:
		return base &^ namedMarker, true
	}
	for _, n := range actionNames {
		if a == n.action {
			return a, false
		}
	}
	return 0, false
}

// errUnset is wrapped by the error for every field whose action is missing.
var errUnset = errors.New("no action is set")

// check says why a is not an action.
func (a Action) check() error {
	if a == 0 {
		return errUnset
	}
	kind, named := a.split()
	switch data := a & dataMask; {
	case kind == 0:
		return fmt.Errorf("%#x is not an action (one of %s)", uint32(a), actionList())
	case named && int(data) > len(errnoNames):
		return fmt.Errorf("%s with an errno name that Linux does not have", kind)
	case named && data == 0 && kind != ActionErrno:
		return fmt.Errorf("%#x is not an action", uint32(a))
	case !named && kind == ActionErrno && data > maxErrno:
		return fmt.Errorf("errno(%d) is out of range: an errno is at most %d", data, maxErrno)
	}
	return nil
}

// String is the text form of a.
func (a Action) String() string {
	if a == 0 {
		return "unset"
	}
	if a.check() != nil {
		return fmt.Sprintf("unknown(%#x)", uint32(a))
	}
	kind, named := a.split()
	var text string
	for _, n := range actionNames {
		if n.action == kind {
			text = n.name
		}
	}
	switch data := a & dataMask; {
	case named && data == 0:
		text += "(0)"
	case named:
		text += "(" + errnoNames[data-1] + ")"
	case data != 0 && kind != ActionKillThread:
		text += "(" + strconv.Itoa(int(data)) + ")"
	}
	return text
}

// MarshalText gives the text form that UnmarshalText reads. What is not an
// action has none.
func (a Action) MarshalText() ([]byte, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	return []byte(a.String()), nil
}

// UnmarshalText reads kill_thread, kill_process, trap, errno, trace, log, allow
// or user_notify; the three with data may be followed by an errno's name or a
// number in parentheses: errno(EACCES), errno(13), trace(7), trap(ENOSYS).
func (a *Action) UnmarshalText(text []byte) error { return a.Unpack(string(text)) }

// Unpack is UnmarshalText for github.com/elastic/go-ucfg.
func (a *Action) Unpack(s string) error {
	action, err := ParseAction(s)
	if err != nil {
		return err
	}
	*a = action
	return nil
}

// ParseAction reads the text form of an action: see UnmarshalText.
func ParseAction(s string) (Action, error) {
	name, data, hasData := strings.Cut(strings.TrimSpace(s), "(")
	kind, err := parseKind(strings.ToLower(strings.TrimSpace(name)))
	if err != nil {
		return 0, fmt.Errorf("action %q: %w", s, err)
	}
	if !hasData {
		return kind, nil
	}
	data, closed := strings.CutSuffix(data, ")")
	data = strings.TrimSpace(data)
	switch {
	case !closed || data == "":
		return 0, fmt.Errorf("action %q: want data in parentheses, such as %s(7)", s, kind)
	case kind != ActionErrno && kind != ActionTrap && kind != ActionTrace:
		return 0, fmt.Errorf("action %q: %s carries no data", s, kind)
	}
	if data[0] >= '0' && data[0] <= '9' {
		n, err := strconv.ParseUint(data, 0, 16)
		if err != nil {
			return 0, fmt.Errorf("action %q: data is a number from 0 to 65535", s)
		}
		if kind == ActionErrno && n == 0 {
			return Errno(0), nil
		}
		action := kind | Action(n)
		if err := action.check(); err != nil {
			return 0, fmt.Errorf("action %q: %w", s, err)
		}
		return action, nil
	}
	i, ok := errnoIndex(data)
	if !ok {
		return 0, fmt.Errorf("action %q: Linux has no errno named %s", s, data)
	}
	return kind | namedMarker | i, nil
}

func parseKind(name string) (Action, error) {
	for _, n := range actionNames {
		if n.name == name {
			return n.action, nil
		}
	}
	switch name {
	case "user_notif", "notify":
		return ActionUserNotify, nil
	case "kill":
		return 0, errors.New("ambiguous: write kill_process or kill_thread")
	}
	return 0, fmt.Errorf("unknown; want one of %s", actionList())
}

func actionList() string {
	var names []string
	for _, n := range actionNames {
		names = append(names, n.name)
	}
	return strings.Join(names, ", ")
}

// errnoIndex is the 1-based place of name in errnoNames.
func errnoIndex(name string) (Action, bool) {
	for i, n := range errnoNames {
		if strings.EqualFold(n, name) {
			return Action(i + 1), true
		}
	}
	return 0, false
}
