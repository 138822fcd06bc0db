package arch

// ConstKind says how a constant is combined with others.
type ConstKind int

const (
	Enum ConstKind = iota // one of several values: AF_INET, F_DUPFD, an ioctl request
	Flag                  // bits to be ORed: CLONE_NEWUSER, O_CREAT, PROT_EXEC
)

func (k ConstKind) String() string {
	if k == Flag {
		return "flag"
	}
	return "enum"
}
