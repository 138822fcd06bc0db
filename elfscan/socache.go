package elfscan

import (
	"encoding/binary"
	"path"
	"slices"
	"strings"
)

// soCache is what ld.so.cache says: where each library is, in the order of
// preference.
type soCache map[string][]cached

type cached struct {
	path  string
	level string // directory for the processors that it is for, "" if for all
}

// Layout of ld.so.cache (glibc, sysdeps/generic/dl-cache.h): the format since
// glibc 2.2, which may follow an older one in the same file.
const (
	cacheMagic  = "glibc-ld.so.cache1.1"
	cacheHeader = 48
	cacheEntry  = 24
)

// parseCache reads the contents of ld.so.cache; nil if they are none.
func parseCache(text string, order binary.ByteOrder) soCache {
	i := strings.Index(text, cacheMagic)
	if i < 0 || len(text)-i < cacheHeader {
		return nil
	}
	b := []byte(text[i:])
	at := func(off uint32) string { // offsets of strings count from the magic number
		if uint64(off) >= uint64(len(b)) {
			return ""
		}
		s := b[off:min(len(b), int(off)+4096)]
		return string(s[:max(slices.Index(s, 0), 0)])
	}
	c := soCache{}
	n := min(int(order.Uint32(b[len(cacheMagic):])), (len(b)-cacheHeader)/cacheEntry)
	for e := b[cacheHeader:]; n > 0; n, e = n-1, e[cacheEntry:] {
		name, p := at(order.Uint32(e[4:])), at(order.Uint32(e[8:]))
		if name != "" && path.IsAbs(p) {
			c[name] = append(c[name], cached{p, levelOf(p, order.Uint64(e[16:]))})
		}
	}
	for _, list := range c {
		slices.SortStableFunc(list, func(x, y cached) int { return compareLevels(x.level, y.level) })
	}
	return c
}

// levelOf is the directory for processors that ldconfig found a library in.
func levelOf(p string, hwcap uint64) string {
	dir := path.Dir(p)
	if path.Base(path.Dir(dir)) == hwcaps {
		return hwcaps + "/" + path.Base(dir)
	}
	for _, sub := range oldSubdirs {
		if hwcap != 0 && strings.HasSuffix(dir, "/"+sub) {
			return sub
		}
	}
	return ""
}

// compareLevels puts the best processor's directory first, and that for all
// last.
func compareLevels(x, y string) int {
	kind := func(s string) int {
		switch {
		case s == "":
			return 2
		case strings.HasPrefix(s, hwcaps):
			return 0
		}
		return 1
	}
	if a, b := kind(x), kind(y); a != 0 || b != 0 {
		return a - b
	}
	switch {
	case lower(x, y):
		return 1
	case lower(y, x):
		return -1
	}
	return 0
}
