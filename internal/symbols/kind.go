package symbols

// A Kind is what the values of an argument are.
type Kind int

// The kinds of arguments.
const (
	Plain Kind = iota // a number, a pointer, a descriptor
	Enum              // one of several names
	Flags             // bits
)

// Kind tells what the values of a call's argument are.
func (n *Namer) Kind(call string, arg int) Kind {
	s := n.set(call, arg)
	switch {
	case s == nil:
		return Plain
	case len(s.flags) > 1:
		return Flags
	case len(s.names) > 1:
		return Enum
	}
	return Plain
}
