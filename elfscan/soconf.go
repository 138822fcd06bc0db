package elfscan

import (
	"path"
	"path/filepath"
	"strings"
)

// maxConf bounds the files that ld.so.conf includes.
const maxConf = 256

// readConf reads the directories of ld.so.conf as ldconfig does (glibc,
// elf/ldconfig.c, parse_conf).
func (l *loader) readConf(name string) []string {
	c := conf{l: l, left: maxConf}
	c.read(name, 0)
	return c.dirs
}

type conf struct {
	l    *loader
	dirs []string
	left int
}

func (c *conf) read(name string, depth int) {
	if c.left--; c.left < 0 || depth > 10 {
		return
	}
	for line := range strings.Lines(c.l.readText(name)) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		patterns, ok := strings.CutPrefix(line, "include")
		switch {
		case ok && patterns != "" && strings.TrimLeft(patterns, " \t") != patterns:
			for _, p := range strings.Fields(patterns) {
				if !path.IsAbs(p) {
					p = path.Join(path.Dir(name), p)
				}
				for _, f := range c.l.glob(p) {
					c.read(f, depth+1)
				}
			}
		case strings.HasPrefix(line, "/"):
			dir, _, _ := strings.Cut(line, "=") // behind it the kind of library, of old
			c.dirs = append(c.dirs, strings.TrimRight(dir, "/ \t"))
		}
	}
}

// glob is glob(3) below the root.
func (l *loader) glob(pattern string) []string {
	found := []string{"/"}
	for part := range strings.SplitSeq(strings.Trim(path.Clean(pattern), "/"), "/") {
		var next []string
		for _, dir := range found {
			if !strings.ContainsAny(part, "*?[\\") {
				next = append(next, filepath.Join(dir, part))
				continue
			}
			for _, name := range l.list(dir) {
				if ok, _ := path.Match(part, name); ok && (name[0] != '.' || part[0] == '.') && len(next) < maxConf {
					next = append(next, filepath.Join(dir, name))
				}
			}
		}
		found = next
	}
	return found
}
