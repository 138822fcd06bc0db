package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldXSys are versions of x/sys from before it had release tags, one for each
// kernel it was brought to.
var oldXSys = strings.Fields(`
	v0.0.0-20180830151530-49385e6e1522 v0.0.0-20190215142949-d0b11bdaac8a v0.0.0-20190412213103-97732733099d
	v0.0.0-20190624142023-c5567b49c5d0 v0.0.0-20190813064441-fde4db37ae7a v0.0.0-20191026070338-33540a1f6037
	v0.0.0-20191204072324-ce4227a45e2e v0.0.0-20200202164722-d101bd2416d5 v0.0.0-20200323222414-85ca7c5b95cd
	v0.0.0-20200622214017-ed371f2e16b4 v0.0.0-20200930185726-fdedc70b468f v0.0.0-20201119102817-f84b799fce68
	v0.0.0-20210124154548-22da62e12c0c v0.0.0-20210330210617-4fbd30eecc44 v0.0.0-20210510120138-977fb7262007
	v0.0.0-20210615035016-665e8c7367d1 v0.0.0-20210630005230-0f9fa26af87c v0.0.0-20210927094055-39ccf1dd6fa6
	v0.0.0-20211216021012-1d35b9e2eb4e v0.0.0-20220114195835-da31bd327af9 v0.0.0-20220319134239-a9b59b0215f8
	v0.0.0-20220520151302-bc2c85ada10a v0.0.0-20220722155257-8c9f86f7a55f v0.0.0-20220908164124-27713097b956`)

// A snapshot is what one version of x/sys says: the kernel, and the calls of
// each of its ports.
type snapshot struct {
	version, kernel string
	ports           map[string]map[string]int
}

// history reads every version of x/sys, oldest kernel first, up to the one
// go.mod names.
func history() ([]snapshot, error) {
	out, err := exec.Command("go", "list", "-m", "-versions", "golang.org/x/sys").Output()
	if err != nil {
		return nil, fmt.Errorf("listing the versions of golang.org/x/sys: %w", err)
	}
	var snaps []snapshot
	for _, v := range append(slices.Clone(oldXSys), strings.Fields(string(out))[1:]...) {
		x, err := openXSys(v)
		if err != nil {
			fmt.Fprintln(os.Stderr, "skipped:", err)
			continue
		}
		if n := len(snaps); n > 0 && compareVersions(snaps[n-1].kernel, x.kernel) >= 0 {
			continue // the same kernel again
		}
		s := snapshot{version: x.version, kernel: x.kernel, ports: map[string]map[string]int{}}
		for _, a := range abis {
			if a.goarch == "" {
				continue
			}
			if calls, err := x.syscalls(a.goarch); err == nil {
				s.ports[a.name] = calls
			}
		}
		snaps = append(snaps, s)
	}
	return snaps, nil
}

func compareVersions(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range 2 {
		m, _ := strconv.Atoi(x[i])
		n, _ := strconv.Atoi(y[i])
		if m != n {
			return m - n
		}
	}
	return 0
}

var (
	manRowRE = regexp.MustCompile(`(?m)^(?:\\f\[B\]|\.BR )(\w+)(?:\\f\[\])? ?\([0-9a-z]+\)(?:\nT\})?\t([0-9][0-9.]*)`)
	shortRE  = regexp.MustCompile(`^\d+\.\d+`)
)

// manVersions reads the table of the syscalls(2) page: name to kernel version.
func manVersions(page string) map[string]string {
	out := map[string]string{}
	for _, m := range manRowRE.FindAllStringSubmatch(page, -1) {
		out[m[1]] = shortRE.FindString(m[2])
	}
	return out
}

// A sinceFacts is what data/since.txt holds.
type sinceFacts struct {
	sources []string
	calls   map[string]string // "name", or "abi/name" where an ABI gained it later, to "5.1"
}

// deriveSince works out the release of every call. Precedence: what
// statedVersions says, the manual page, the first x/sys that has it.
func deriveSince(names []string, man map[string]string, snaps []snapshot, newest string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range names {
		first, before := "", ""
		for i, s := range snaps {
			if hasCall(s, name) {
				first = s.kernel
				if i > 0 {
					before = snaps[i-1].kernel
				}
				break
			}
		}
		switch {
		case statedVersions[name] != "":
			out[name] = statedVersions[name]
		case man[name] != "":
			out[name] = man[name]
		case first != "" && before != "":
			out[name] = first
			fmt.Fprintf(os.Stderr, "since %s: %s (not in %s)\n", name, first, before)
		case first == "":
			out[name] = newest
			fmt.Fprintf(os.Stderr, "since %s: %s (in the kernel's table, in no x/sys)\n", name, newest)
		default:
			return nil, fmt.Errorf("no source says which kernel introduced %s: add it to statedVersions", name)
		}
	}
	for key, v := range statedOnABI {
		out[key] = v
	}
	for _, s := range snaps[1:] {
		for abi, calls := range s.ports {
			for name := range calls {
				gained(out, snaps, s, abi, name)
			}
		}
	}
	return out, nil
}

func hasCall(s snapshot, name string) bool {
	for _, calls := range s.ports {
		if _, ok := calls[name]; ok {
			return true
		}
	}
	return false
}

// gained records that an ABI got a call in snapshot s that other ABIs had.
func gained(out map[string]string, snaps []snapshot, s snapshot, abi, name string) {
	key := abi + "/" + name
	if out[name] == "" || out[key] != "" || slices.Contains(notGained, key) || compareVersions(out[name], s.kernel) >= 0 {
		return
	}
	seen := false
	for _, earlier := range snaps {
		if earlier.version == s.version {
			break
		}
		calls, ok := earlier.ports[abi]
		if _, has := calls[name]; has {
			return
		}
		seen = seen || ok && compareVersions(earlier.kernel, out[name]) >= 0
	}
	if seen {
		out[key] = s.kernel
	}
}

func (f *sinceFacts) encode() []byte {
	var b bytes.Buffer
	b.WriteString(sinceHelp)
	for _, s := range f.sources {
		fmt.Fprintf(&b, "# source: %s\n", s)
	}
	for _, name := range slices.Sorted(maps.Keys(f.calls)) {
		fmt.Fprintf(&b, "%s %s\n", name, f.calls[name])
	}
	return b.Bytes()
}

const sinceHelp = `# The Linux release that introduced each system call: "NAME RELEASE", and
# "ABI/NAME RELEASE" where an ABI gained it after the first.
# Refreshed by "go run ./arch/internal/gen -fetch".
`

func readSinceFacts(path string) (*sinceFacts, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &sinceFacts{calls: map[string]string{}}
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if s, ok := strings.CutPrefix(line, "# source: "); ok {
			f.sources = append(f.sources, s)
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, version, ok := strings.Cut(line, " ")
		if !ok || !shortRE.MatchString(version) {
			return nil, fmt.Errorf("%s:%d: want NAME RELEASE, have %q", path, n, line)
		}
		f.calls[name] = version
	}
	return f, nil
}
