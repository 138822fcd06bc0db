package arch

// Since returns the Linux release that introduced a system call on the first
// ABI that had it.
func Since(name string) (Version, bool) {
	n, ok := nameIndex(name)
	if !ok {
		return Version{}, false
	}
	return callVersion(n), true
}

// Since returns the Linux release from which this ABI has a system call. It is
// never older than the ABI itself.
func (i *Info) Since(name string) (Version, bool) {
	c, ok := i.find(name)
	if !ok {
		return Version{}, false
	}
	v := callVersion(int(c.name))
	if later, ok := i.laterOn(c.name); ok {
		v = later
	}
	if v.Compare(i.since) < 0 {
		v = i.since
	}
	return v, true
}

func callVersion(name int) Version { return unpackVersion(callSince[name]) }

func unpackVersion(v uint16) Version { return Version{int(v >> 8), int(v & 0xff)} }

// laterOn finds the release in which an ABI gained a call that others had.
func (i *Info) laterOn(name uint16) (Version, bool) {
	for _, l := range laterSince {
		if int(l.abi) == i.index() && l.name == name {
			return unpackVersion(l.version), true
		}
	}
	return Version{}, false
}
