// Package symbols names the values of system call arguments as the kernel's
// headers do, and reads such names back.
package symbols

import (
	"fmt"
	"math/bits"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// A Namer names values on one ABI. It is safe for concurrent use.
type Namer struct {
	abi *arch.Info

	mu   sync.Mutex
	sets map[string]*set // by patterns
}

// For returns the Namer of an ABI.
func For(abi *arch.Info) *Namer { return &Namer{abi: abi, sets: map[string]*set{}} }

// A set is the constants that one argument may be.
type set struct {
	names map[uint64]string // preferred name of each value
	flags []constant        // single bits, ascending
}

type constant struct {
	name  string
	value uint64
}

// Param is the name of a call's argument: that of the kernel's prototype, else
// "arg" with its position.
func (n *Namer) Param(call string, arg int) string {
	if params, ok := n.abi.Params(call); ok && arg < len(params) && params[arg].Name != "" {
		return params[arg].Name
	}
	return fmt.Sprintf("arg%d", arg)
}

// Value names a value that an argument of a call is compared with in its low
// bits bits (32 or 64). A value without a name is printed as a number.
func (n *Namer) Value(call string, arg int, value uint64, width int) string {
	if s, ok := n.Name(call, arg, value, width); ok {
		return s
	}
	return n.number(call, arg, value, width)
}

// Name is Value, and false where there is no name.
func (n *Namer) Name(call string, arg int, value uint64, width int) (string, bool) {
	s := n.set(call, arg)
	if s == nil {
		return "", false
	}
	if name, ok := s.names[value]; ok {
		return name, true
	}
	if width == 32 && value>>31 == 1 { // a negative int, such as AT_FDCWD
		if name, ok := s.names[value|0xffffffff<<32]; ok {
			return name, true
		}
	}
	if value == 0 {
		return "", false
	}
	return s.bits(value)
}

// Mask names the bits of a mask, "A|B"; bits without a name are a number.
func (n *Namer) Mask(call string, arg int, mask uint64, width int) string {
	s := n.set(call, arg)
	if s == nil {
		return fmt.Sprintf("%#x", mask)
	}
	if name, ok := s.names[mask]; ok {
		return name
	}
	if text, ok := s.bits(mask); ok {
		return text
	}
	top := ^uint64(0) >> (64 - width)
	if text, ok := s.bits(^mask & top); ok {
		return "~(" + text + ")"
	}
	named := uint64(0)
	for _, f := range s.flags {
		named |= f.value
	}
	if text, ok := s.bits(mask & named); ok && bits.OnesCount64(mask) < 32 {
		return text + fmt.Sprintf("|%#x", mask&^named)
	}
	return fmt.Sprintf("%#x", mask)
}

// bits spells a value as flags, and what then remains as one name. It fails
// where bits remain that have no name.
func (s *set) bits(value uint64) (string, bool) {
	var names []string
	rest := value
	for _, f := range s.flags {
		if rest&f.value != 0 {
			names = append(names, f.name)
			rest &^= f.value
		}
	}
	if len(names) == 0 {
		return "", false
	}
	if rest != 0 {
		name, ok := s.names[rest]
		if !ok {
			return "", false
		}
		names = append([]string{name}, names...)
	}
	return strings.Join(names, "|"), true
}

// number prints a value in the notation that suits the argument.
func (n *Namer) number(call string, arg int, value uint64, width int) string {
	if params, ok := n.abi.Params(call); ok && arg < len(params) {
		p := params[arg]
		switch {
		case p.Type == "umode_t" || p.Type == "mode_t":
			return fmt.Sprintf("%#o", value)
		case p.Signed && width == 32 && value>>31 == 1 && value <= 0xffffffff && value > 0xffff0000:
			return fmt.Sprint(int32(uint32(value)))
		case p.Signed && width == 64 && int64(value) < 0 && int64(value) > -65536:
			return fmt.Sprint(int64(value))
		}
	}
	if value < 1024 {
		return fmt.Sprint(value)
	}
	return fmt.Sprintf("%#x", value)
}

// set finds the constants of an argument; nil when none are known.
func (n *Namer) set(call string, arg int) *set {
	patterns := patternsOf(call, arg)
	if patterns == "" {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if s, ok := n.sets[patterns]; ok {
		return s
	}
	s := n.collect(strings.Fields(patterns))
	n.sets[patterns] = s
	return s
}

func (n *Namer) collect(patterns []string) *set {
	s := &set{names: map[uint64]string{}}
	for _, pattern := range patterns {
		if pattern[0] == '!' {
			continue
		}
		prefix := len(pattern)
		if i := strings.IndexAny(pattern, "*?["); i >= 0 {
			prefix = i
		}
		names := n.abi.ConstantNames(pattern[:prefix])
		slices.SortStableFunc(names, func(a, b string) int { return len(a) - len(b) })
		for _, name := range names {
			if ok, err := path.Match(pattern, name); err != nil || !ok || excluded(patterns, name) {
				continue
			}
			v, kind, _ := n.abi.Constant(name)
			if _, taken := s.names[v]; taken {
				continue
			}
			s.names[v] = name
			if kind == arch.Flag && bits.OnesCount64(v) == 1 {
				s.flags = append(s.flags, constant{name, v})
			}
		}
	}
	slices.SortFunc(s.flags, func(a, b constant) int {
		if a.value < b.value {
			return -1
		}
		return 1
	})
	return s
}

func excluded(patterns []string, name string) bool {
	for _, p := range patterns {
		if p[0] != '!' {
			continue
		}
		if ok, err := path.Match(p[1:], name); err == nil && ok {
			return true
		}
	}
	return false
}

// Names lists the constants that an argument of a call may be, for completion
// and for error messages.
func (n *Namer) Names(call string, arg int) []string {
	s := n.set(call, arg)
	if s == nil {
		return nil
	}
	var names []string
	for _, name := range s.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
