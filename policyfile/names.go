package policyfile

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

// CheckName says what is wrong with a name where a policy takes one: it is
// neither a system call of any ABI, nor a group, nor a number of 32 bits. The
// error suggests the nearest names.
func CheckName(name string) error {
	switch {
	case strings.HasPrefix(name, "@"):
		groups := seccomp.Groups()
		if !slices.Contains(groups, name) {
			return fmt.Errorf("unknown group %q%s", shorten(name), suggest(name, groups))
		}
		return nil
	case startsNumber(name):
		first, last, isRange := strings.Cut(name, "-")
		if first == "" || !isRange { // a negative number, or one alone
			first, last = name, name
		}
		lo, errLo := strconv.ParseInt(strings.TrimSpace(first), 0, 64)
		hi, errHi := strconv.ParseInt(strings.TrimSpace(last), 0, 64)
		if errLo != nil || errHi != nil || lo < math.MinInt32 || hi > math.MaxUint32 || lo > hi {
			return fmt.Errorf("%q is not a number of a system call, which has 32 bits, nor a range of them (512-547)", shorten(name))
		}
		return nil
	case arch.Known(name):
		return nil
	}
	if near := arch.Nearest(name, 3); len(near) > 0 {
		for i := range near {
			near[i] = strconv.Quote(near[i])
		}
		return fmt.Errorf("unknown syscall %q (did you mean %s?)", name, strings.Join(near, " or "))
	}
	return fmt.Errorf("unknown syscall %q", shorten(name))
}

func startsNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// checkConstants checks that some ABI has each name of a symbol. That the ABIs
// of the policy have them is checked when it is compiled.
func checkConstants(symbol string) error {
	for _, term := range strings.Split(symbol, "|") {
		term = strings.TrimSpace(term)
		if term == "" || startsNumber(term) || hasConstant(term) {
			continue
		}
		return fmt.Errorf("unknown constant %q%s", shorten(term), suggest(term, constantsLike(term)))
	}
	return nil
}

func hasConstant(name string) bool {
	return slices.ContainsFunc(arch.All(), func(abi *arch.Info) bool {
		_, _, ok := abi.Constant(name)
		return ok
	})
}

// constantsLike has the names to choose a suggestion from: those with the same
// prefix, or all when there are none.
func constantsLike(name string) []string {
	all := arch.All()
	native := all[0]
	for _, abi := range all {
		if abi.Name == "x86_64" { // which has the most
			native = abi
		}
	}
	if prefix, _, ok := strings.Cut(name, "_"); ok {
		if names := native.ConstantNames(prefix + "_"); len(names) > 0 {
			return names
		}
	}
	return native.ConstantNames("")
}
