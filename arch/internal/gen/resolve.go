package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A tableRow is a line of a syscall.tbl.
type tableRow struct {
	nr                  int
	abi                 string
	name, entry, compat string
}

func readTable(path string) ([]tableRow, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rows []tableRow
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		nr, err := strconv.Atoi(f[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", path, line, err)
		}
		r := tableRow{nr: nr, abi: f[1], name: f[2]}
		if len(f) > 3 {
			r.entry = f[3]
		}
		if len(f) > 4 && f[4] != "-" {
			r.compat = f[4]
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// asmEntries are entry points written in assembler or as plain functions; the
// value is the entry whose parameters they take.
var asmEntries = map[string]string{
	"sys_fork_wrapper": "sys_fork", "sys_vfork_wrapper": "sys_vfork", "sys_clone_wrapper": "sys_clone",
	"sys_clone3_wrapper": "sys_clone3", "__sys_fork": "sys_fork", "__sys_vfork": "sys_vfork", "__sys_clone": "sys_clone",
	"__sys_clone3": "sys_clone3", "sys_sigreturn_wrapper": "sys_sigreturn", "sys_rt_sigreturn_wrapper": "sys_rt_sigreturn",
	"sys_arm_fadvise64_64":           "compat_sys_aarch32_fadvise64_64",
	"sys_statfs64_wrapper":           "sys_statfs64",
	"sys_fstatfs64_wrapper":          "sys_fstatfs64",
	"sys_mmap2":                      "sys_mmap_pgoff",
	"sys_mmap":                       "sys_mmap_pgoff",
	"sys64_execve":                   "sys_execve",
	"sys32_execve":                   "sys_execve",
	"sys64_execveat":                 "sys_execveat",
	"sys32_execveat":                 "sys_execveat",
	"sys32_rt_sigreturn":             "sys_rt_sigreturn",
	"sysn32_rt_sigreturn":            "sys_rt_sigreturn",
	"sys_sparc_pipe_wrapper":         "sys_sparc_pipe",
	"sys_execv":                      "sys_execve",
	"sys_nis_syscall":                "",
	"sys_oldumount":                  "sys_oldumount",
	"sys_sync_file_range2":           "compat_sys_aarch32_sync_file_range2",
	"sys_ppc_newselect":              "sys_select",
	"sys_ppc64_clone":                "sys_clone",
	"sys_32_mmap2":                   "sys_mips_mmap2",
	"sys_memory_ordering_wrapper":    "sys_memory_ordering",
	"sys_ia32_rt_sigreturn":          "sys_rt_sigreturn",
	"compat_sys_x32_rt_sigreturn":    "sys_rt_sigreturn",
	"sys_sparc_sigaction_wrapper":    "sys_sparc_sigaction",
	"sys_sparc_remap_file_pages_asm": "sys_sparc_remap_file_pages",
}

// noParams are entry points that take none and have no SYSCALL_DEFINE.
var noParams = []string{"sys_rt_sigreturn", "sys_sigreturn", "sys_fork", "sys_vfork", "sys_ni_syscall", "sys_getpagesize"}

// removedEntries have a number still and were removed from the kernel: uselib
// in Linux 6.16 (fs/exec.c of earlier kernels).
var removedEntries = map[string]string{"sys_uselib": "const char * library"}

// s390Structs are calls that 31-bit s390 gives a pointer to their arguments
// (arch/s390/kernel/compat_linux.c before Linux 6.19).
var s390Structs = map[string]string{
	"mmap":         "struct mmap_arg_struct_emu31 * arg",
	"mmap2":        "struct mmap_arg_struct_emu31 * arg",
	"fadvise64_64": "struct fadvise64_64_args * args",
}

// resolve finds the parameters of a table row on an ABI. ok is false for calls
// that the kernel no longer implements or whose registers cannot be known.
func (t *kernelTree) resolve(r tableRow, a abi) (prototype, bool) {
	for _, entry := range []string{r.entry, asmEntries[r.entry], "sys_" + r.name, r.compat} {
		if entry == "" || entry == "sys_ni_syscall" {
			continue
		}
		p, ok := t.find(entry, a)
		if !ok && strings.HasPrefix(entry, "compat_sys_aarch32_") {
			p, ok = t.find(entry, abi{archDir: "arm64", bits: 32})
		}
		if s := s390Structs[r.name]; s != "" && a.name == "s390" {
			return parsePrototype(s), true
		}
		if s, removed := removedEntries[entry]; !ok && removed {
			return parsePrototype(s), true
		}
		if !ok && slices.Contains(noParams, entry) {
			return prototype{}, true
		}
		if !ok {
			continue
		}
		if a.bits == 64 || !p.wide() {
			return p, true
		}
		if c, ok := t.find(r.compat, a); ok && !c.wide() && len(c) <= 6 {
			return c, true
		}
		return p.split(a), true
	}
	return nil, false
}

func (p prototype) wide() bool {
	return slices.ContainsFunc(p, func(q param) bool { return wideType(q.typ) })
}

func wideType(t string) bool {
	return slices.Contains([]string{"loff_t", "u64", "__u64", "s64", "long long", "unsigned long long", "uint64_t"}, t)
}

// split lays a prototype out in 32-bit registers: a 64-bit value takes two, in
// the byte order of the ABI, from an even register where the calling
// convention pairs them (EABI, o32, PowerPC SVR4). What comes after the sixth
// is on the stack, where seccomp does not see it.
func (p prototype) split(a abi) prototype {
	out := prototype{}
	for _, q := range p {
		if !wideType(q.typ) {
			out = append(out, q)
			continue
		}
		if a.pairs && len(out)%2 == 1 {
			out = append(out, param{"u32", "pad"})
		}
		lo, hi := param{"u32", q.name + "_lo"}, param{"u32", q.name + "_hi"}
		if a.bigEndian {
			lo, hi = hi, lo
		}
		out = append(out, lo, hi)
	}
	return out[:min(len(out), 6)]
}

// report lists, for the person who refreshes the facts, table rows without a
// prototype.
func reportMissing(missing map[string][]string) {
	for _, entry := range slices.Sorted(maps.Keys(missing)) {
		fmt.Fprintf(os.Stderr, "no prototype for %s (%s)\n", entry, strings.Join(missing[entry], " "))
	}
}
