package seccomp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Filter is all that is needed to load a policy into the kernel.
type Filter struct {
	NoNewPrivs bool       `config:"no_new_privs" json:"no_new_privs" yaml:"no_new_privs"` // Set the no_new_privs bit first, without which loading takes CAP_SYS_ADMIN.
	Flag       FilterFlag `config:"flag"         json:"flag"         yaml:"flag"`         // Flags to pass to seccomp(2).
	Policy     Policy     `config:"policy"       json:"policy"       yaml:"policy"`       // Policy that will be compiled into a BPF filter.

	// Precompiled, when set, is loaded in place of Policy, which must be empty.
	Precompiled *Precompiled `config:",ignore" json:"-" yaml:"-"`
}

// FilterFlag is a flag for seccomp(2). Multiple flags can be OR'ed together.
type FilterFlag uint32

// The flags, with the Linux version that has them.
const (
	// FilterFlagTSync puts the filter on all threads of the process (Linux 3.17).
	FilterFlagTSync FilterFlag = 1 << 0

	// FilterFlagLog has every action but allow logged (Linux 4.14).
	FilterFlagLog FilterFlag = 1 << 1

	// FilterFlagSpecAllow leaves speculative store bypass mitigation off (Linux 4.17).
	FilterFlagSpecAllow FilterFlag = 1 << 2

	// FilterFlagNewListener returns a listener for ActionUserNotify (Linux 5.0):
	// see LoadListener.
	FilterFlagNewListener FilterFlag = 1 << 3

	// FilterFlagTSyncESRCH reports a thread that cannot be synchronised as ESRCH
	// instead of by its id, which FilterFlagTSync needs beside
	// FilterFlagNewListener (Linux 5.7).
	FilterFlagTSyncESRCH FilterFlag = 1 << 4

	// FilterFlagWaitKillableRecv lets only fatal signals interrupt a call whose
	// notification has been received (Linux 5.19). It needs FilterFlagNewListener.
	FilterFlagWaitKillableRecv FilterFlag = 1 << 5
)

var filterFlagNames = []struct {
	flag FilterFlag
	name string
}{
	{FilterFlagTSync, "tsync"},
	{FilterFlagLog, "log"},
	{FilterFlagSpecAllow, "spec_allow"},
	{FilterFlagNewListener, "new_listener"},
	{FilterFlagTSyncESRCH, "tsync_esrch"},
	{FilterFlagWaitKillableRecv, "wait_killable_recv"},
}

// String is the flags' names joined by '|', empty when there are none.
func (f FilterFlag) String() string {
	var list []string
	for _, n := range filterFlagNames {
		if f&n.flag != 0 {
			f &^= n.flag
			list = append(list, n.name)
		}
	}
	if f != 0 {
		list = append(list, fmt.Sprintf("unknown(%#x)", uint32(f)))
	}
	return strings.Join(list, "|")
}

// MarshalText gives the text form that UnmarshalText reads.
func (f FilterFlag) MarshalText() ([]byte, error) {
	if err := f.known(); err != nil {
		return nil, err
	}
	return []byte(f.String()), nil
}

// UnmarshalText reads names of flags joined by '|' or ',', such as
// "tsync|log", or their number.
func (f *FilterFlag) UnmarshalText(text []byte) error { return f.Unpack(string(text)) }

// UnmarshalJSON reads a string as UnmarshalText does, or a number.
func (f *FilterFlag) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) != nil {
		s = string(text)
	}
	return f.Unpack(s)
}

// Unpack is UnmarshalText for github.com/elastic/go-ucfg.
func (f *FilterFlag) Unpack(s string) error {
	var flags FilterFlag
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == '|' || r == ',' || r == ' ' }) {
		flag, err := parseFlag(word)
		if err != nil {
			return err
		}
		flags |= flag
	}
	*f = flags
	return nil
}

func parseFlag(word string) (FilterFlag, error) {
	if n, err := strconv.ParseUint(word, 0, 32); err == nil {
		return FilterFlag(n), FilterFlag(n).known()
	}
	normal := strings.ToLower(word)
	normal = strings.TrimPrefix(normal, "seccomp_filter_flag_")
	var names []string
	for _, n := range filterFlagNames {
		if n.name == normal {
			return n.flag, nil
		}
		names = append(names, n.name)
	}
	return 0, fmt.Errorf("unknown filter flag %q (one of %s)", word, strings.Join(names, ", "))
}

func (f FilterFlag) known() error {
	var all FilterFlag
	for _, n := range filterFlagNames {
		all |= n.flag
	}
	if rest := f &^ all; rest != 0 {
		return fmt.Errorf("unknown filter flag %#x", uint32(rest))
	}
	return nil
}

// validate says which combination of flags the kernel would refuse, and why.
func (f FilterFlag) validate() error {
	has := func(flag FilterFlag) bool { return f&flag != 0 }
	switch {
	case f.known() != nil:
		return f.known()
	case has(FilterFlagTSync) && has(FilterFlagNewListener) && !has(FilterFlagTSyncESRCH):
		return fmt.Errorf("flags %s: tsync returns a thread's id where new_listener returns a descriptor; add tsync_esrch", f)
	case has(FilterFlagWaitKillableRecv) && !has(FilterFlagNewListener):
		return fmt.Errorf("flags %s: wait_killable_recv is about a listener; add new_listener", f)
	}
	return nil
}

// Validate checks the flags and the policy.
func (f *Filter) Validate() error {
	if err := f.Flag.validate(); err != nil {
		return err
	}
	if f.Precompiled != nil {
		if f.Policy.DefaultAction != 0 || len(f.Policy.Syscalls) > 0 {
			return errors.New("both policy and precompiled are set")
		}
		return nil
	}
	if err := f.Policy.Validate(); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	return nil
}
