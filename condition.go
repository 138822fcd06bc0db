package seccomp

import (
	"errors"
	"fmt"
	"strings"
)

// A Condition compares one argument of a system call. It is the register that
// is compared: what a pointer points to is out of a filter's reach.
type Condition struct {
	// Argument is the argument's position, 0 to 5. Name, when set, gives the
	// argument by its name in the kernel's prototype instead ("domain",
	// "request"), which finds it wherever an ABI has it; Argument must be 0 then.
	Argument uint32 `config:"argument" default:"0" json:"position" yaml:"position"`
	Name     string `config:"name" json:"name,omitempty" yaml:"name,omitempty"`

	Operation Operation `config:"operation" validate:"required" json:"operation" yaml:"operation"`

	// Value is what the argument is compared with. Symbol, when set, is the
	// value as text and looked up for each ABI: constants of the kernel's
	// headers and numbers, joined by '|' ("CLONE_NEWUSER|CLONE_NEWNS",
	// "AF_INET|AF_UNIX", "0x10", "-100"); Value must be 0 then.
	//
	// Flags joined by '|' are one value, all their bits. Names of an
	// enumeration joined by '|' are alternatives, for Equal, NotEqual, In and
	// NotIn. A negative number is encoded as wide as it is compared.
	Value  uint64 `config:"value" default:"0" json:"value" yaml:"value"`
	Symbol string `config:"symbol" json:"symbol,omitempty" yaml:"symbol,omitempty"`

	// Mask is for MaskedEqual and MaskedNotEqual: the bits to compare.
	// MaskSymbol is the same as text ("S_IFMT").
	Mask       uint64 `config:"mask" json:"mask,omitempty" yaml:"mask,omitempty"`
	MaskSymbol string `config:"mask_symbol" json:"mask_symbol,omitempty" yaml:"mask_symbol,omitempty"`

	// Values and Symbols together are the set for In and NotIn.
	Values  []uint64 `config:"values" json:"values,omitempty" yaml:"values,omitempty"`
	Symbols []string `config:"symbols" json:"symbols,omitempty" yaml:"symbols,omitempty"`

	// Width says how much of the register is compared. Zero follows the
	// kernel's prototype: the low 32 bits for int, unsigned int and the like,
	// of which the kernel ignores the upper half, and 64 for longs and pointers.
	Width Width `config:"width" json:"width,omitempty" yaml:"width,omitempty"`
}

// Width is how many low bits of an argument's register are compared.
type Width uint8

// The widths a condition may force. The registers of a 32-bit ABI have 32 bits
// to compare either way.
const (
	Width32 Width = 32
	Width64 Width = 64
)

// ArgumentConditions must all hold. The same argument may appear more than
// once, as the ends of a range.
type ArgumentConditions []Condition

// Validate returns what is wrong with the conditions, nothing when all is well.
func (a ArgumentConditions) Validate() []string {
	var problems []string
	for i := range a {
		if err := a[i].validate(); err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}

// validate checks what can be known without an ABI.
func (c *Condition) validate() error {
	if err := c.validateArgument(); err != nil {
		return err
	}
	if c.Operation == "" {
		return fmt.Errorf("%s: no operation is set", c.argument())
	}
	op, err := ParseOperation(string(c.Operation))
	if err != nil {
		return fmt.Errorf("%s: %w", c.argument(), err)
	}
	if err := c.validateOperands(op); err != nil {
		return fmt.Errorf("%s: %w", c.argument(), err)
	}
	return nil
}

func (c *Condition) validateArgument() error {
	switch {
	case c.Argument > 5:
		return fmt.Errorf("argument must be between 0 and 5 (inclusive), but is %d", c.Argument)
	case c.Name != "" && c.Argument != 0:
		return fmt.Errorf("an argument is given by name (%s) or by position (%d), not by both", c.Name, c.Argument)
	case c.Width != 0 && c.Width != Width32 && c.Width != Width64:
		return fmt.Errorf("%s: width must be 32 or 64, but is %d", c.argument(), c.Width)
	}
	return nil
}

func (c *Condition) validateOperands(op Operation) error {
	hasMask := c.Mask != 0 || c.MaskSymbol != ""
	hasSet := len(c.Values)+len(c.Symbols) > 0
	switch {
	case c.Value != 0 && c.Symbol != "":
		return fmt.Errorf("both value %d and symbol %q are set", c.Value, c.Symbol)
	case c.Mask != 0 && c.MaskSymbol != "":
		return fmt.Errorf("both mask %#x and mask symbol %q are set", c.Mask, c.MaskSymbol)
	case op.masked() && !hasMask:
		return fmt.Errorf("%s needs a mask other than 0", op)
	case hasMask && !op.masked():
		return fmt.Errorf("a mask is for %s and %s, not for %s", MaskedEqual, MaskedNotEqual, op)
	case op.set() && !hasSet:
		return fmt.Errorf("%s needs values", op)
	case op.set() && (c.Value != 0 || c.Symbol != ""):
		return fmt.Errorf("%s takes a set of values, not a single one", op)
	case hasSet && !op.set():
		return fmt.Errorf("a set of values is for %s and %s, not for %s", In, NotIn, op)
	}
	for _, s := range append([]string{c.Symbol, c.MaskSymbol}, c.Symbols...) {
		if err := checkSymbol(s); err != nil {
			return err
		}
	}
	return nil
}

// checkSymbol checks the form of a symbolic value; what the names are worth is
// an ABI's to say.
func checkSymbol(s string) error {
	if s == "" {
		return nil
	}
	for _, term := range strings.Split(s, "|") {
		switch term = strings.TrimSpace(term); {
		case term == "":
			return fmt.Errorf("value %q: a name or number is missing", s)
		case isNumber(term):
			if _, _, err := parseNumber(term); err != nil {
				return fmt.Errorf("value %q: %w", s, err)
			}
			if term[0] == '-' && term != strings.TrimSpace(s) {
				return fmt.Errorf("value %q: a negative number stands alone", s)
			}
		case !isIdentifier(term):
			return fmt.Errorf("value %q: %q is neither a name nor a number", s, term)
		}
	}
	return nil
}

func isIdentifier(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// argument names the condition's argument for messages.
func (c *Condition) argument() string {
	if c.Name != "" {
		return "argument " + c.Name
	}
	return fmt.Sprintf("argument %d", c.Argument)
}

var errNoConditions = errors.New("has no conditions: list it under names to match it whatever its arguments")
