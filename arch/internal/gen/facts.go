package main

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A call is one system call of one ABI.
type call struct {
	nr    int
	name  string
	proto string // text of its prototype, "" when unknown
}

// kernelFacts is what data/kernel.txt holds: the tables and prototypes of one
// kernel release.
type kernelFacts struct {
	version string // "7.3"
	sources []string
	tables  map[string][]call // by ABI name
}

const factsHelp = `# Facts about the Linux system call interface: numbers, and the parameters of
# the kernel's entry points. Refreshed by "go run ./arch/internal/gen -fetch".
`

func (k *kernelFacts) encode() []byte {
	var b bytes.Buffer
	b.WriteString(factsHelp)
	for _, s := range k.sources {
		fmt.Fprintf(&b, "# source: %s\n", s)
	}
	fmt.Fprintf(&b, "kernel %s\n\nprototypes\n", k.version)
	protos := map[string]int{}
	for _, calls := range k.tables {
		for _, c := range calls {
			protos[c.proto] = 0
		}
	}
	delete(protos, "")
	for i, p := range slices.Sorted(maps.Keys(protos)) {
		protos[p] = i + 1
		fmt.Fprintf(&b, "%d %s\n", i+1, p)
	}
	for _, name := range slices.Sorted(maps.Keys(k.tables)) {
		fmt.Fprintf(&b, "\nabi %s\n", name)
		for _, c := range k.tables[name] {
			fmt.Fprintf(&b, "%d %s %d\n", c.nr, c.name, protos[c.proto])
		}
	}
	return b.Bytes()
}

func readKernelFacts(path string) (*kernelFacts, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	k := &kernelFacts{tables: map[string][]call{}}
	protos := map[string]string{"0": ""}
	section := ""
	sc := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		key, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "# source: "):
			k.sources = append(k.sources, strings.TrimPrefix(line, "# source: "))
		case line == "" || strings.HasPrefix(line, "#"):
		case key == "kernel":
			k.version = rest
		case key == "prototypes" || key == "abi":
			section = rest
		case section == "":
			protos[key] = rest
		default:
			nr, err := strconv.Atoi(key)
			name, id, ok := strings.Cut(rest, " ")
			if err != nil || !ok {
				return nil, fmt.Errorf("%s:%d: want NUMBER NAME PROTOTYPE, have %q", path, n, line)
			}
			k.tables[section] = append(k.tables[section], call{nr, name, protos[id]})
		}
	}
	return k, sc.Err()
}

// readKernel extracts the facts from a kernel source tree and the 31-bit s390
// header, which newer kernels no longer have.
func readKernel(src, s390Header, version string) (*kernelFacts, error) {
	tree, err := readKernelTree(src)
	if err != nil {
		return nil, err
	}
	k := &kernelFacts{version: version, tables: map[string][]call{}}
	missing := map[string][]string{}
	for _, a := range abis {
		if a.same != "" {
			continue
		}
		rows, err := tableRows(src, s390Header, a)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			p, ok := tree.resolve(r, a)
			c := call{nr: r.nr + a.base, name: r.name}
			if ok {
				c.proto = p.String()
			} else if r.entry != "" && r.entry != "sys_ni_syscall" && r.entry != "sys_nis_syscall" {
				missing[r.entry] = append(missing[r.entry], a.name)
			}
			k.tables[a.name] = append(k.tables[a.name], c)
		}
		slices.SortStableFunc(k.tables[a.name], func(x, y call) int { return x.nr - y.nr })
	}
	// arch/arm/include/uapi/asm/unistd.h: __ARM_NR_BASE, as arch/arm/kernel/traps.c
	// arm_syscall takes them; seccomp sees the number with the base.
	k.tables["arm"] = append(k.tables["arm"],
		call{0xf0001, "breakpoint", "void"},
		call{0xf0002, "cacheflush", "unsigned long start, unsigned long end, int flags"},
		call{0xf0003, "usr26", "void"},
		call{0xf0004, "usr32", "void"},
		call{0xf0005, "set_tls", "unsigned long tls"},
		call{0xf0006, "get_tls", "void"})
	reportMissing(missing)
	return k, nil
}

func tableRows(src, s390Header string, a abi) ([]tableRow, error) {
	if a.table == "" {
		return headerRows(src, s390Header)
	}
	all, err := readTable(src + "/" + a.table)
	if err != nil {
		return nil, err
	}
	want := strings.Fields(a.tableABIs)
	var rows []tableRow
	for _, r := range all {
		if slices.Contains(want, r.abi) && !placeholder(r.name) {
			rows = append(rows, r)
		}
	}
	if len(rows) < 250 {
		return nil, fmt.Errorf("%s: only %d rows for %s", a.table, len(rows), a.name)
	}
	return rows, nil
}

var unistdRE = regexp.MustCompile(`(?m)^#define\s+__NR_(\w+)\s+(\d+)\s*$`)

// headerRows reads a table from a header, which has no entry points: those of
// i386 stand in, whose calls are the same generation.
func headerRows(src, path string) ([]tableRow, error) {
	i386, err := readTable(src + "/arch/x86/entry/syscalls/syscall_32.tbl")
	if err != nil {
		return nil, err
	}
	entries := map[string]string{}
	for _, r := range i386 {
		entries[r.name] = r.entry
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rows []tableRow
	for _, m := range unistdRE.FindAllStringSubmatch(string(b), -1) {
		nr, _ := strconv.Atoi(m[2])
		rows = append(rows, tableRow{nr: nr, name: m[1], entry: entries[m[1]]})
	}
	if len(rows) < 300 {
		return nil, fmt.Errorf("%s: only %d numbers", path, len(rows))
	}
	return rows, nil
}
