package seccomp

import (
	"fmt"
	"strings"
	"unicode"
)

// An Operation compares an argument of a system call.
type Operation string

// The operations. All but the signed ones take argument and value as unsigned.
const (
	Equal          Operation = "Equal"          // argument == Value
	NotEqual       Operation = "NotEqual"       // argument != Value
	GreaterThan    Operation = "GreaterThan"    // argument > Value
	LessThan       Operation = "LessThan"       // argument < Value
	GreaterOrEqual Operation = "GreaterOrEqual" // argument >= Value
	LessOrEqual    Operation = "LessOrEqual"    // argument <= Value
	BitsSet        Operation = "BitsSet"        // argument & Value != 0: any of the bits
	BitsNotSet     Operation = "BitsNotSet"     // argument & Value == 0: none of the bits

	MaskedEqual    Operation = "MaskedEqual"    // argument & Mask == Value & Mask
	MaskedNotEqual Operation = "MaskedNotEqual" // argument & Mask != Value & Mask
	In             Operation = "In"             // argument is one of Values and Symbols
	NotIn          Operation = "NotIn"          // argument is none of Values and Symbols

	// The argument, as wide as it is compared, and Value, as int64, are signed.
	SignedGreaterThan    Operation = "SignedGreaterThan"
	SignedLessThan       Operation = "SignedLessThan"
	SignedGreaterOrEqual Operation = "SignedGreaterOrEqual"
	SignedLessOrEqual    Operation = "SignedLessOrEqual"
)

// Operations lists every operation.
var Operations = []Operation{
	Equal, NotEqual, GreaterThan, LessThan, GreaterOrEqual, LessOrEqual, BitsSet, BitsNotSet,
	MaskedEqual, MaskedNotEqual, In, NotIn,
	SignedGreaterThan, SignedLessThan, SignedGreaterOrEqual, SignedLessOrEqual,
}

// operationSpellings are other ways to write an operation, in the normal form
// of ParseOperation.
var operationSpellings = map[string]Operation{
	"eq": Equal, "==": Equal, "=": Equal,
	"ne": NotEqual, "!=": NotEqual,
	"gt": GreaterThan, ">": GreaterThan,
	"lt": LessThan, "<": LessThan,
	"ge": GreaterOrEqual, ">=": GreaterOrEqual, "greaterequal": GreaterOrEqual,
	"le": LessOrEqual, "<=": LessOrEqual, "lessequal": LessOrEqual,
	"&": BitsSet, "anybits": BitsSet,
	"!&": BitsNotSet, "nobits": BitsNotSet,
	"maskedeq": MaskedEqual, "&==": MaskedEqual,
	"maskedne": MaskedNotEqual, "&!=": MaskedNotEqual,
	"!in": NotIn,
	"sgt": SignedGreaterThan, "s>": SignedGreaterThan, "signedgt": SignedGreaterThan,
	"slt": SignedLessThan, "s<": SignedLessThan, "signedlt": SignedLessThan,
	"sge": SignedGreaterOrEqual, "s>=": SignedGreaterOrEqual, "signedge": SignedGreaterOrEqual,
	"sle": SignedLessOrEqual, "s<=": SignedLessOrEqual, "signedle": SignedLessOrEqual,
}

// ParseOperation reads an operation's name or one of its usual spellings, such
// as eq, ==, masked_equal, not_in or s>=. Case, '_', '-' and spaces do not matter.
func ParseOperation(s string) (Operation, error) {
	normal := strings.Map(func(r rune) rune {
		if strings.ContainsRune("_- ", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
	for _, o := range Operations {
		if strings.ToLower(string(o)) == normal {
			return o, nil
		}
	}
	if o, ok := operationSpellings[normal]; ok {
		return o, nil
	}
	var names []string
	for _, o := range Operations {
		names = append(names, string(o))
	}
	return "", fmt.Errorf("invalid operation %q (one of %s)", s, strings.Join(names, ", "))
}

// Unpack sets o from text: see ParseOperation.
func (o *Operation) Unpack(s string) error {
	op, err := ParseOperation(s)
	if err != nil {
		return err
	}
	*o = op
	return nil
}

// UnmarshalText sets o from text: see ParseOperation.
func (o *Operation) UnmarshalText(text []byte) error { return o.Unpack(string(text)) }

// MarshalText gives the operation's name.
func (o Operation) MarshalText() ([]byte, error) {
	op, err := ParseOperation(string(o))
	return []byte(op), err
}

func (o Operation) masked() bool { return o == MaskedEqual || o == MaskedNotEqual }
func (o Operation) set() bool    { return o == In || o == NotIn }

func (o Operation) signed() bool {
	switch o {
	case SignedGreaterThan, SignedLessThan, SignedGreaterOrEqual, SignedLessOrEqual:
		return true
	}
	return false
}

// alternatives tells whether several values make sense: any of them for Equal
// and In, none of them for NotEqual and NotIn.
func (o Operation) alternatives() bool {
	return o == Equal || o == NotEqual || o.set()
}
