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
	if later, ok := laterOn(i.Name, name); ok {
		v = later
	}
	if v.Compare(i.since) < 0 {
		v = i.since
	}
	return v, true
}
