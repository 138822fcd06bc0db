package arch

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is a Linux release, such as 5.13. All of 2.6.0 to 2.6.39 are 2.6.
type Version struct{ Major, Minor int }

// ParseVersion reads "5.13", and forms with more behind it: "6.1.0-18-amd64".
func ParseVersion(s string) (Version, error) {
	bad := fmt.Errorf("kernel version %q: want MAJOR.MINOR, such as 6.1", s)
	major, rest, ok := strings.Cut(s, ".")
	if !ok {
		return Version{}, bad
	}
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	if end < len(rest) && !strings.ContainsRune(".-+_~", rune(rest[end])) {
		return Version{}, bad
	}
	a, err1 := strconv.ParseUint(major, 10, 16)
	b, err2 := strconv.ParseUint(rest[:end], 10, 16)
	if err1 != nil || err2 != nil {
		return Version{}, bad
	}
	return Version{int(a), int(b)}, nil
}

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Compare returns -1, 0 or +1 as v is older than, the same as or newer than w.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor))
}
