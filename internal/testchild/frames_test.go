//go:build linux

package testchild

import "testing"

// A process that never called Dispatch can have no children that do.
func TestWithoutDispatch(t *testing.T) {
	dispatched = false
	defer func() { dispatched = true }()
	f := &Func{name: "any"}
	if r, err := f.Do(nil, Options{}); r != nil || err == nil {
		t.Errorf("have %v, %v, want an error", r, err)
	}
}

func TestFrames(t *testing.T) {
	for _, c := range []struct {
		name, in          string
		reached, returned bool
		out               string
		fails             bool
	}{
		{"nothing", "", false, false, "", false},
		{"cut short", "R\x00\x00\x00\x03val", true, false, "", false},
		{"half a header", "R\x00\x00", false, false, "", false},
		{"another number", "R\x00\x00\x00\x03lav", false, false, "", true},
		{"output before the number", "O\x00\x00\x00\x01x", false, false, "", true},
		{"done before the number", "D\x00\x00\x00\x03val", false, false, "", true},
		{"whole", "R\x00\x00\x00\x03valO\x00\x00\x00\x01xO\x00\x00\x00\x01yD\x00\x00\x00\x03val", true, true, "xy", false},
		{"done with another number", "R\x00\x00\x00\x03valD\x00\x00\x00\x03lav", true, false, "", true},
		{"too long a frame", "R\x00\x00\x00\x03valO\xff\xff\xff\xffx", true, false, "", false},
	} {
		r := &Result{}
		reached, err := r.read([]byte(c.in), "val")
		if (err != nil) != c.fails || err == nil && (reached != c.reached || r.Returned != c.returned || string(r.Out) != c.out) {
			t.Errorf("%s: have %v, %v, %q, %v", c.name, reached, r.Returned, r.Out, err)
		}
	}
}
