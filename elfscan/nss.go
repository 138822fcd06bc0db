package elfscan

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// nssDefaults are the services of glibc where nsswitch.conf names none for a
// database (nss/nsswitch.c, nss_database.c), or is not there.
var nssDefaults = []string{"files", "dns", "nis", "compat"}

// nssModules says which modules of the name service switch the program may
// load that the scan has not read: those of nsswitch.conf, whatever database
// they are for, as far as they are there.
func (s *scanner) nssModules() {
	asks := slices.ContainsFunc(s.res.Loads, func(e Evidence) bool { return e.Gate == "NSS" })
	if !asks || s.loader.musl { // which has files and DNS inside, and no modules
		return
	}
	var unread []string
	for _, service := range nssServices(s.loader.readText("/etc/nsswitch.conf")) {
		name := "libnss_" + service + ".so.2"
		if s.loader.names[name] == nil && s.loader.exists(name) {
			unread = append(unread, name)
		}
	}
	if len(unread) > 0 {
		s.res.Notes = append(s.res.Notes, fmt.Sprintf("users, groups or hosts are looked up through modules that were not read; if /etc/nsswitch.conf is the one in use, add --dlopen %s",
			strings.Join(unread, ",")))
	}
}

// nssServices are the services that nsswitch.conf(5) names: behind the colon
// of each line, without actions in brackets.
func nssServices(text string) (out []string) {
	out = slices.Clone(nssDefaults)
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		_, services, _ := strings.Cut(line, ":")
		for part := range strings.SplitSeq(services, "[") {
			if _, after, ok := strings.Cut(part, "]"); ok {
				part = after
			}
			out = append(out, strings.Fields(part)...)
		}
	}
	return slices.DeleteFunc(unique(out), func(s string) bool { return strings.Contains(s, "/") })
}

// exists reports whether the program would find a library by its name.
func (l *loader) exists(name string) bool {
	for p := range l.places(l.mods[0], name) {
		if l.tries++; l.tries > maxTries || len(p.path) >= pathMax {
			return false
		}
		if f, err := l.open(filepath.Clean(p.path)); err == nil {
			_ = f.Close() // opened for reading only
			return true
		}
	}
	return false
}
