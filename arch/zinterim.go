package arch

// Not generated yet: versions, constants and errno names.

func (i *Info) Constant(name string) (value uint64, kind ConstKind, ok bool) { return 0, Enum, false }
func (i *Info) ConstantNames(prefix string) []string                         { return nil }
func (i *Info) Errno(name string) (uint16, bool)                             { return 0, false }
func (i *Info) ErrnoName(n uint16) (string, bool)                            { return "", false }
