package arch

import "strings"

// Param is one parameter of a system call as the kernel's entry point on an
// ABI declares it.
type Param struct {
	Name string // such as "fd"
	Type string // C type without __user, such as "unsigned int" or "const char *"

	// Bits is how many low bits of the argument register a filter should
	// compare: 32 where the kernel ignores the upper half (int, unsigned int,
	// u32, pid_t, uid_t …), 64 for longs, sizes and pointers of 64-bit ABIs,
	// always 32 on 32-bit ABIs. The calls that x32 and mips64n32 share with
	// 32-bit ABIs have compat_ulong_t and the like: 32.
	//
	// umode_t, and the 16-bit user ids of 32-bit ABIs, are 16 bits in the
	// kernel; Bits is 32 there and Mask is 0xffff.
	Bits    int
	Signed  bool
	Pointer bool
}

// Mask has a one for each bit of the register that the kernel looks at. It
// differs from Bits where the kernel keeps 16 bits only (umode_t).
func (p Param) Mask() uint64 {
	switch p.Type {
	case "umode_t", "compat_mode_t", "old_uid_t", "old_gid_t":
		return 0xffff
	}
	return 1<<p.Bits - 1
}

// Params returns the parameters of a system call in register order: element n
// is seccomp_data.args[n]. On 32-bit ABIs a 64-bit value is two elements, and
// a register that the calling convention skips is one named "pad" or as the
// kernel names it. There are six at most: a seventh is on the stack. Params reports false for names the ABI does not have and
// for calls whose prototype is not known: those the kernel no longer
// implements, and those newer than the kernel source the tables were made from.
func (i *Info) Params(name string) ([]Param, bool) {
	c, ok := i.find(name)
	if !ok || c.proto == 0 {
		return nil, false
	}
	text := protoText[protoAt[c.proto]:protoAt[c.proto+1]]
	if text == "-" {
		return []Param{}, true
	}
	out := make([]Param, 0, 6)
	for text != "" {
		var field string
		field, text, _ = strings.Cut(text, ",")
		cut := strings.LastIndexByte(field, ' ')
		out = append(out, param(field[0], field[1:cut], field[cut+1:], i.WordBits))
	}
	return out, true
}

// param decodes one parameter; arch/internal/gen's typeCodes has the codes.
func param(code byte, typ, name string, word int) Param {
	p := Param{Name: name, Type: typ, Bits: word}
	switch code {
	case 'i':
		p.Bits, p.Signed = 32, true
	case 'u':
		p.Bits = 32
	case 'l':
		p.Signed = true
	case 'p':
		p.Pointer = true
	case 'q':
		p.Bits, p.Pointer = 32, true
	}
	return p
}
