package main

import (
	"fmt"
	"strings"
)

// typeCodes says how many bits of a register the kernel looks at for a type
// that is no pointer: i, u are signed and unsigned 32 bits, l
// and L signed and unsigned words, q a 32-bit pointer.
var typeCodes = map[string]byte{
	"int": 'i', "__s32": 'i', "s32": 'i', "pid_t": 'i', "compat_pid_t": 'i', "clockid_t": 'i', "timer_t": 'i',
	"key_serial_t": 'i', "key_t": 'i', "mqd_t": 'i', "rwf_t": 'i', "compat_long_t": 'i', "compat_ssize_t": 'i',
	"compat_off_t": 'i', "utrap_entry_t": 'i',
	"unsigned int": 'u', "unsigned": 'u', "uint": 'u', "u32": 'u', "__u32": 'u', "uint32_t": 'u', "uid_t": 'u', "gid_t": 'u',
	"qid_t": 'u', "compat_ulong_t": 'u', "compat_size_t": 'u', "compat_aio_context_t": 'u',
	"compat_old_sigset_t": 'u', "enum landlock_rule_type": 'u',
	"umode_t": 'u', "compat_mode_t": 'u', "old_uid_t": 'u', "old_gid_t": 'u', "mode_t": 'u',
	"long": 'l', "off_t": 'l', "loff_t": 'l', "s64": 'l', "ssize_t": 'l',
	"unsigned long": 'L', "size_t": 'L', "u64": 'L', "__u64": 'L', "uintptr_t": 'L', "aio_context_t": 'L', "old_sigset_t": 'L',
	"compat_uptr_t": 'q',
}

func typeCode(t string) (byte, bool) {
	base := strings.TrimPrefix(t, "const ")
	switch {
	case strings.HasSuffix(t, "*"):
		return 'p', true
	case base == "__sighandler_t" || base == "cap_user_header_t" || base == "cap_user_data_t" || base == "utrap_handler_t":
		return 'p', true // pointer types by another name
	}
	c, ok := typeCodes[base]
	return c, ok
}

// checkTypes refuses a type nobody has classified yet.
func checkTypes(tables map[string][]call) error {
	for abi, calls := range tables {
		for _, c := range calls {
			if c.proto == "" || c.proto == "void" {
				continue
			}
			for _, p := range parsePrototype(c.proto) {
				if _, ok := typeCode(p.typ); !ok {
					return fmt.Errorf("%s: %s: type %q of %s has no entry in typeCodes (arch/internal/gen/types.go): add how many bits of a register the kernel looks at",
						abi, c.name, p.typ, p.name)
				}
			}
		}
	}
	return nil
}

// compactPrototype is the form the generated table holds: each parameter its
// code, type, a space and the name; commas between. "" is unknown, "-" void.
func compactPrototype(text string) string {
	if text == "" {
		return ""
	}
	if text == "void" {
		return "-"
	}
	var parts []string
	for _, p := range parsePrototype(text) {
		code, _ := typeCode(p.typ) // checkTypes has seen it
		parts = append(parts, string(code)+p.typ+" "+strings.TrimLeft(p.name, "_"))
	}
	return strings.Join(parts, ",")
}
