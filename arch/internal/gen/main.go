// Gen writes the tables of package arch.
//
// It reads golang.org/x/sys at the version go.mod names, and the facts files
// in data/, so that it works offline and always writes the same bytes. With
// -fetch it refreshes the facts files first: that needs the Debian tools
// apt-get, dpkg-deb, tar and xz, and about 250 MB of downloads.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

func main() {
	fetch := flag.Bool("fetch", false, "refresh the facts files from Debian's kernel packages and the history of x/sys")
	flag.Parse()
	if err := run(*fetch); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(fetch bool) error {
	_, file, _, _ := runtime.Caller(0)
	data := filepath.Join(filepath.Dir(file), "data")
	out := filepath.Join(filepath.Dir(file), "..", "..")
	if fetch {
		if err := refresh(data); err != nil {
			return err
		}
	}
	return generate(data, out)
}
