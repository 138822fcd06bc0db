package image

import "debug/elf"

// maxVersions bounds the versions of symbols that a file defines, or needs.
const maxVersions = 1 << 12

// readVersions reads the names of the versions of symbols that a file defines
// and needs (Linux Standard Base, 10.7).
func (f *File) readVersions() {
	d := &f.Dyn
	if _, ok := d.tags[elf.DT_VERSYM]; !ok {
		return
	}
	d.versions = map[uint16]string{}
	const base = 1 // vd_flags: the file itself
	f.eachVersion(d.tags[elf.DT_VERDEF], d.tags[elf.DT_VERDEFNUM], 16, func(at uint64) {
		flags, ok1 := f.Uint(at+2, 2)
		index, ok2 := f.Uint(at+4, 2)
		aux, ok3 := f.Uint(at+12, 4)
		name, ok4 := f.Uint(at+aux, 4)
		if ok1 && ok2 && ok3 && ok4 && flags&base == 0 {
			d.versions[uint16(index)] = f.dynString(name)
		}
	})
	f.eachVersion(d.tags[elf.DT_VERNEED], d.tags[elf.DT_VERNEEDNUM], 12, func(at uint64) {
		count, ok1 := f.Uint(at+2, 2)
		aux, ok2 := f.Uint(at+8, 4)
		if !ok1 || !ok2 {
			return
		}
		f.eachVersion(at+aux, count, 12, func(at uint64) {
			index, ok1 := f.Uint(at+6, 2)
			name, ok2 := f.Uint(at+8, 4)
			if ok1 && ok2 {
				d.versions[uint16(index)&0x7fff] = f.dynString(name)
			}
		})
	})
}

// eachVersion walks a list of n entries, each of which has at its offset next
// the distance to the one that follows.
func (f *File) eachVersion(at, n, next uint64, yield func(at uint64)) {
	for range min(n, maxVersions) {
		yield(at)
		step, ok := f.Uint(at+next, 4)
		if !ok || step == 0 {
			return
		}
		at += step
	}
}

// setVersion gives the i-th dynamic symbol its version.
func (f *File) setVersion(s *Symbol, i uint32) {
	if f.Dyn.versions == nil {
		return
	}
	v, ok := f.Uint(f.Dyn.tags[elf.DT_VERSYM]+2*uint64(i), 2)
	if !ok {
		return
	}
	index := uint16(v) & 0x7fff
	s.Version, s.Hidden = f.Dyn.versions[index], v&0x8000 != 0
	s.Base = index <= 2
}
