package seccomp

import (
	"strings"
	"syscall"
	"testing"
)

func TestActionText(t *testing.T) {
	for _, tt := range []struct {
		text   string
		action Action
		want   string // canonical form; text when empty
	}{
		{"kill_thread", ActionKillThread, ""},
		{"kill_process", ActionKillProcess, ""},
		{"trap", ActionTrap, ""},
		{"errno", ActionErrno, ""},
		{"trace", ActionTrace, ""},
		{"log", ActionLog, ""},
		{"allow", ActionAllow, ""},
		{"user_notify", ActionUserNotify, ""},
		{"user_notif", ActionUserNotify, "user_notify"},
		{" Allow ", ActionAllow, "allow"},
		{"errno(13)", ActionErrno | 13, ""},
		{"errno(4095)", ActionErrno | 4095, ""},
		{"errno(0)", Errno(0), ""},
		{"errno(EACCES)", ErrnoName("EACCES"), ""},
		{"ERRNO( enosys )", ErrnoName("ENOSYS"), "errno(ENOSYS)"},
		{"trap(0)", ActionTrap, "trap"},
		{"trap(7)", TrapData(7), ""},
		{"trace(0xffff)", TraceData(65535), "trace(65535)"},
		{"trap(ENOSYS)", ActionTrap | 0x80000 | ErrnoName("ENOSYS")&0xffff, ""},
		{"trace(E2BIG)", ActionTrace | 0x80000 | 1, ""},
	} {
		a, err := ParseAction(tt.text)
		if err != nil || a != tt.action {
			t.Errorf("ParseAction(%q) = %#x, %v; want %#x", tt.text, uint32(a), err, uint32(tt.action))
			continue
		}
		want := tt.want
		if want == "" {
			want = tt.text
		}
		text, err := a.MarshalText()
		if err != nil || string(text) != want {
			t.Errorf("%q is written %q, %v; want %q", tt.text, text, err, want)
		}
		var back Action
		if err := back.UnmarshalText(text); err != nil || back != a {
			t.Errorf("%q reads back as %#x, %v; want %#x", text, uint32(back), err, uint32(a))
		}
	}
}

func TestActionTextRefused(t *testing.T) {
	for text, part := range map[string]string{
		"":              "one of kill_thread",
		"kill":          "kill_process or kill_thread",
		"deny":          "unknown",
		"errno()":       "data",
		"errno(":        "data",
		"errno(13":      "data",
		"errno(13))":    "0 to 65535",
		"errno(4096)":   "at most 4095",
		"errno(65536)":  "0 to 65535",
		"errno(-1)":     "no errno named",
		"errno(EACCED)": "no errno named EACCED",
		"allow(1)":      "carries no data",
		"log(ENOSYS)":   "carries no data",
	} {
		a := ActionAllow
		err := a.Unpack(text)
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Unpack(%q) = %v, want an error with %q", text, err, part)
		}
		if a != ActionAllow {
			t.Errorf("Unpack(%q) changed its receiver to %v", text, a)
		}
	}
}

func TestActionValuesRefused(t *testing.T) {
	for _, a := range []Action{
		0, 2, 0x000000ff, ActionAllow | 1, ActionKillProcess | 1, ActionUserNotify | 1, ActionLog | 1,
		ActionErrno | 4096, ErrnoName("ENOTHING"), TrapData(1) | 0x80000 | 0xffff, ActionTrap | 0x80000,
		0x00070000, 0x7ffe0000, 0xffffffff,
	} {
		if err := a.check(); err == nil {
			t.Errorf("action %#x (%v) is accepted", uint32(a), a)
		}
		if text, err := a.MarshalText(); err == nil {
			t.Errorf("action %#x is written %q", uint32(a), text)
		}
	}
}

func TestErrnoIsStoredByName(t *testing.T) {
	if got, want := Errno(syscall.ENOSYS).String(), "errno(ENOSYS)"; got != want {
		t.Errorf("Errno(ENOSYS) is %s, want %s", got, want)
	}
	if got := Errno(4000).String(); got != "errno(4000)" {
		t.Errorf("Errno(4000) is %s", got)
	}
	if err := Errno(1 << 20).check(); err == nil {
		t.Error("Errno(1<<20) is accepted")
	}
}

func TestActionKind(t *testing.T) {
	for action, want := range map[Action]Action{
		ErrnoName("EACCES"): ActionErrno,
		ActionErrno | 5:     ActionErrno,
		TraceData(9):        ActionTrace,
		ActionKillThread:    ActionKillThread,
		0:                   0,
		12345:               0,
	} {
		if got := action.Kind(); got != want {
			t.Errorf("%v.Kind() = %v, want %v", action, got, want)
		}
	}
}
