package seccomp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// conditionForm is the JSON and YAML form of a Condition: argument is a
// position or a name, and every value is a number or the text of a symbol.
type conditionForm struct {
	Argument  any       `json:"argument" yaml:"argument"`
	Operation Operation `json:"operation" yaml:"operation"`
	Mask      any       `json:"mask,omitempty" yaml:"mask,omitempty"`
	Value     any       `json:"value,omitempty" yaml:"value,omitempty"`
	Values    []any     `json:"values,omitempty" yaml:"values,omitempty"`
	Width     Width     `json:"width,omitempty" yaml:"width,omitempty"`
}

func (c Condition) form() conditionForm {
	if op, err := ParseOperation(string(c.Operation)); err == nil {
		c.Operation = op
	}
	f := conditionForm{Argument: c.Argument, Operation: c.Operation, Width: c.Width}
	if c.Name != "" {
		f.Argument = c.Name
	}
	if !c.Operation.set() {
		f.Value = numberOrSymbol(c.Value, c.Symbol)
	}
	if c.Operation.masked() {
		f.Mask = numberOrSymbol(c.Mask, c.MaskSymbol)
	}
	for _, v := range c.Values {
		f.Values = append(f.Values, v)
	}
	for _, s := range c.Symbols {
		f.Values = append(f.Values, s)
	}
	return f
}

func numberOrSymbol(n uint64, symbol string) any {
	if symbol != "" {
		return symbol
	}
	return n
}

// MarshalJSON gives the form that UnmarshalJSON reads.
func (c Condition) MarshalJSON() ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return json.Marshal(c.form())
}

// MarshalYAML gives the form that UnmarshalYAML reads.
func (c Condition) MarshalYAML() (any, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return c.form(), nil
}

// UnmarshalJSON reads an object with the keys argument (or position), operation,
// value, mask, values and width. The argument is a position or a name; values
// are numbers or text such as "AF_INET", "CLONE_NEWUSER|CLONE_NEWNS", "0x10" or
// "-1". Other keys are refused.
func (c *Condition) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	keys := map[string]any{}
	if err := dec.Decode(&keys); err != nil {
		return fmt.Errorf("condition: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("condition: more than one JSON value")
	}
	return c.fromKeys(keys)
}

// UnmarshalYAML reads the same keys as UnmarshalJSON.
func (c *Condition) UnmarshalYAML(unmarshal func(any) error) error {
	keys := map[string]any{}
	if err := unmarshal(&keys); err != nil {
		return err
	}
	return c.fromKeys(keys)
}

func (c *Condition) fromKeys(keys map[string]any) error {
	var got Condition
	_, hasArgument := keys["argument"]
	if _, hasPosition := keys["position"]; hasArgument && hasPosition {
		return errors.New("condition: argument and position are the same key, given twice")
	}
	if err := refuseNulls(keys); err != nil {
		return err
	}
	for key, v := range keys {
		if err := got.setKey(key, v); err != nil {
			return fmt.Errorf("condition: %s: %w", key, err)
		}
	}
	if err := got.validate(); err != nil {
		return fmt.Errorf("condition: %w", err)
	}
	*c = got
	return nil
}

// refuseNulls refuses a key without a value, which would silently become 0. A
// key that is left out does: argument and value default to it.
func refuseNulls(keys map[string]any) error {
	for key, v := range keys {
		if v == nil {
			return fmt.Errorf("condition: %s has no value", key)
		}
	}
	return nil
}

func (c *Condition) setKey(key string, v any) (err error) {
	switch key {
	case "argument", "position":
		return c.setArgument(v)
	case "operation":
		s, ok := v.(string)
		if !ok {
			return fmt.Errorf("want the name of an operation, have %v", v)
		}
		return c.Operation.Unpack(s)
	case "value":
		c.Value, c.Symbol, err = ParseValue(v)
	case "mask":
		c.Mask, c.MaskSymbol, err = ParseValue(v)
	case "values":
		return c.setValues(v)
	case "width":
		n, symbol, err := ParseValue(v)
		if err != nil || symbol != "" || n != uint64(Width32) && n != uint64(Width64) {
			return fmt.Errorf("want 32 or 64, have %v", v)
		}
		c.Width = Width(n)
	default:
		return errors.New("unknown key (want argument, operation, value, mask, values, width)")
	}
	return err
}

func (c *Condition) setArgument(v any) error {
	n, symbol, err := ParseValue(v)
	switch {
	case err != nil:
		return err
	case symbol == "" && n > 5:
		return fmt.Errorf("must be between 0 and 5 (inclusive), but is %v", v)
	case symbol != "" && !isIdentifier(symbol):
		return fmt.Errorf("want a position from 0 to 5 or an argument's name, have %v", v)
	}
	c.Argument, c.Name = uint32(n), symbol
	return nil
}

func (c *Condition) setValues(v any) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("want a list, have %v", v)
	}
	for _, item := range list {
		n, symbol, err := ParseValue(item)
		if err != nil {
			return err
		}
		if symbol != "" {
			c.Symbols = append(c.Symbols, symbol)
		} else {
			c.Values = append(c.Values, n)
		}
	}
	return nil
}

// ParseValue turns a value as decoders of configuration files deliver it (an
// integer of any type, a json.Number or a string) into what a Condition holds:
// a number, or the text of a symbol when it has to be looked up on each ABI.
func ParseValue(v any) (value uint64, symbol string, err error) {
	switch v := v.(type) {
	case string:
		return parseText(v)
	case json.Number:
		return parseText(v.String())
	case int:
		return parseText(strconv.Itoa(v))
	case int64:
		return parseText(strconv.FormatInt(v, 10))
	case uint64:
		return v, "", nil
	case uint:
		return uint64(v), "", nil
	case uint32:
		return uint64(v), "", nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return parseText(strconv.FormatInt(int64(v), 10))
		}
	}
	return 0, "", fmt.Errorf("want a whole number or a name, have %v", v)
}

func parseText(s string) (value uint64, symbol string, err error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, "", errors.New("is empty")
	}
	if err := checkSymbol(s); err != nil {
		return 0, "", err
	}
	if isNumber(s) && s[0] != '-' && !strings.Contains(s, "|") {
		value, _, err = parseNumber(s)
		return value, "", err
	}
	return 0, s, nil
}

func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// parseNumber reads a number of 64 bits, in Go's notations; a negative one is
// returned in two's complement.
func parseNumber(s string) (n uint64, negative bool, err error) {
	digits, negative := strings.CutPrefix(s, "-")
	n, err = strconv.ParseUint(digits, 0, 64)
	if err != nil || negative && n > 1<<63 {
		return 0, false, fmt.Errorf("%q is not a 64-bit number", s)
	}
	if negative {
		n = -n
	}
	return n, negative, nil
}
