package testvm

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// A Guest is one kernel on one machine.
type Guest struct {
	Name     string   // architecture-version, as Debian spells the architecture
	Suites   []string // Debian suites that have the kernel: the first that can be fetched serves
	DebArch  string   // Debian architecture of the kernel
	Kernel   string   // meta-package
	Append   string   // kernel command line, console first
	Emulator machine  // what it runs on
	Tests    []Target // what tests are built for: the native ABI first, then compat ones
	Small    bool     // part of the smaller set that continuous integration runs
	CPUs     int      // processors, 0: one
}

// A machine is a qemu target with the flags that make Debian's kernels boot on it.
type machine struct {
	Package string   // Debian package of the emulator
	Binary  string   // in /usr/bin
	Args    []string // machine and cpu
	CPUs    int      // processors its kernels can start, 0: any number
}

// A Target is what go build is told.
type Target struct {
	GOARCH string
	Env    []string // GOMIPS=softfloat and the like
}

func (t Target) String() string { return t.GOARCH }

var (
	amd64    = Target{GOARCH: "amd64"}
	i386     = Target{GOARCH: "386"}
	arm64    = Target{GOARCH: "arm64"}
	arm      = Target{GOARCH: "arm", Env: []string{"GOARM=7"}}
	ppc64le  = Target{GOARCH: "ppc64le"}
	s390x    = Target{GOARCH: "s390x"}
	riscv64  = Target{GOARCH: "riscv64"}
	loong64  = Target{GOARCH: "loong64"}
	mips64le = Target{GOARCH: "mips64le", Env: []string{"GOMIPS64=softfloat"}}
	mipsle   = Target{GOARCH: "mipsle", Env: []string{"GOMIPS=softfloat"}}
)

var (
	pc      = machine{"qemu-system-x86", "qemu-system-x86_64", []string{"-M", "pc", "-cpu", "max"}, 0}
	pc32    = machine{"qemu-system-x86", "qemu-system-i386", []string{"-M", "pc", "-cpu", "max"}, 0}
	virt64  = machine{"qemu-system-arm", "qemu-system-aarch64", []string{"-M", "virt", "-cpu", "cortex-a57"}, 0}
	virt32  = machine{"qemu-system-arm", "qemu-system-arm", []string{"-M", "virt,highmem=off", "-cpu", "cortex-a15"}, 0}
	pseries = machine{"qemu-system-ppc", "qemu-system-ppc64",
		[]string{"-M", "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off", "-cpu", "power9"}, 0}
	zvirt     = machine{"qemu-system-s390x", "qemu-system-s390x", []string{"-M", "s390-ccw-virtio", "-cpu", "max"}, 0}
	rvvirt    = machine{"qemu-system-riscv", "qemu-system-riscv64", []string{"-M", "virt"}, 0}
	loongvirt = machine{"qemu-system-misc", "qemu-system-loongarch64", []string{"-M", "virt", "-cpu", "la464"}, 0}
	malta64   = machine{"qemu-system-mips", "qemu-system-mips64el", []string{"-M", "malta", "-cpu", "5KEf"}, 1}
	malta32   = machine{"qemu-system-mips", "qemu-system-mipsel", []string{"-M", "malta", "-cpu", "24Kf"}, 1}
)

// pcConsole comes without the kernel's test of the timer, which panics where
// the host is too busy to emulate ten ticks in time.
const pcConsole = "console=ttyS0 no_timer_check"

// maltaTicks has a kernel ask for a timer interrupt at regular times. Where it
// asks for each when it needs it, the emulated timer of MIPS misses some: with
// the processor idle, everything in the guest then sleeps until the timer's 32
// bits have gone round, about a minute.
const maltaTicks = " nohz=off highres=off"

// Guests is the matrix. A compat target's tests run on the 64-bit kernel.
// Debian builds no 32-bit kernels after bookworm's 6.1 (armhf aside) and no
// MIPS after bookworm; its mirrors have none before bullseye's 5.10.
//
// Threads run at once on few: emulated processors wait for each other busily,
// and a guest with two takes 1.8 times the host's time that one with one takes
// (-guests 'riscv64-*' with -cpus 1 and 2).
var Guests = []Guest{
	{Name: "amd64-5.10", Suites: []string{"bullseye"}, DebArch: "amd64", Kernel: "linux-image-amd64",
		Append: pcConsole, Emulator: pc, Tests: []Target{amd64, i386}, Small: true},
	{Name: "amd64-6.1", Suites: []string{"bookworm"}, DebArch: "amd64", Kernel: "linux-image-amd64",
		Append: pcConsole, Emulator: pc, Tests: []Target{amd64, i386}},
	{Name: "amd64-6.1-x32", Suites: []string{"bookworm"}, DebArch: "amd64", Kernel: "linux-image-amd64",
		Append: pcConsole + " syscall.x32=y", Emulator: pc, Tests: []Target{amd64}, CPUs: 2},
	{Name: "amd64-6.12", Suites: []string{"trixie"}, DebArch: "amd64", Kernel: "linux-image-amd64",
		Append: pcConsole, Emulator: pc, Tests: []Target{amd64, i386}},
	{Name: "amd64-7", Suites: []string{"forky"}, DebArch: "amd64", Kernel: "linux-image-amd64",
		Append: pcConsole, Emulator: pc, Tests: []Target{amd64, i386}, Small: true},
	{Name: "i386-6.1", Suites: []string{"bookworm"}, DebArch: "i386", Kernel: "linux-image-686-pae",
		Append: pcConsole, Emulator: pc32, Tests: []Target{i386}, Small: true},
	{Name: "arm64-5.10", Suites: []string{"bullseye"}, DebArch: "arm64", Kernel: "linux-image-arm64",
		Append: "console=ttyAMA0", Emulator: virt64, Tests: []Target{arm64, arm}},
	{Name: "arm64-6.1", Suites: []string{"bookworm"}, DebArch: "arm64", Kernel: "linux-image-arm64",
		Append: "console=ttyAMA0", Emulator: virt64, Tests: []Target{arm64, arm}, Small: true, CPUs: 2},
	{Name: "arm64-7", Suites: []string{"forky"}, DebArch: "arm64", Kernel: "linux-image-arm64",
		Append: "console=ttyAMA0", Emulator: virt64, Tests: []Target{arm64, arm}},
	{Name: "armhf-6.1", Suites: []string{"bookworm"}, DebArch: "armhf", Kernel: "linux-image-armmp",
		Append: "console=ttyAMA0", Emulator: virt32, Tests: []Target{arm}},
	{Name: "ppc64el-6.1", Suites: []string{"bookworm"}, DebArch: "ppc64el", Kernel: "linux-image-powerpc64le",
		Append: "console=hvc0", Emulator: pseries, Tests: []Target{ppc64le}},
	{Name: "ppc64el-6.12", Suites: []string{"trixie", "bookworm-backports"}, DebArch: "ppc64el", Kernel: "linux-image-powerpc64le",
		Append: "console=hvc0", Emulator: pseries, Tests: []Target{ppc64le}},
	{Name: "ppc64el-7", Suites: []string{"forky"}, DebArch: "ppc64el", Kernel: "linux-image-powerpc64le",
		Append: "console=hvc0", Emulator: pseries, Tests: []Target{ppc64le}, CPUs: 2},
	{Name: "s390x-6.1", Suites: []string{"bookworm"}, DebArch: "s390x", Kernel: "linux-image-s390x",
		Append: "console=ttysclp0", Emulator: zvirt, Tests: []Target{s390x}, Small: true},
	{Name: "s390x-7", Suites: []string{"forky"}, DebArch: "s390x", Kernel: "linux-image-s390x",
		Append: "console=ttysclp0", Emulator: zvirt, Tests: []Target{s390x}},
	{Name: "riscv64-6.12", Suites: []string{"trixie"}, DebArch: "riscv64", Kernel: "linux-image-riscv64",
		Append: "console=ttyS0", Emulator: rvvirt, Tests: []Target{riscv64}},
	{Name: "riscv64-7", Suites: []string{"forky"}, DebArch: "riscv64", Kernel: "linux-image-riscv64",
		Append: "console=ttyS0", Emulator: rvvirt, Tests: []Target{riscv64}},
	{Name: "loong64-7", Suites: []string{"forky"}, DebArch: "loong64", Kernel: "linux-image-loong64",
		Append: "console=ttyS0 initcall_blacklist=i8042_init", Emulator: loongvirt, Tests: []Target{loong64}},
	{Name: "mips64el-6.1", Suites: []string{"bookworm"}, DebArch: "mips64el", Kernel: "linux-image-5kc-malta",
		Append: "console=ttyS0" + maltaTicks, Emulator: malta64, Tests: []Target{mips64le, mipsle}},
	{Name: "mipsel-6.1", Suites: []string{"bookworm"}, DebArch: "mipsel", Kernel: "linux-image-4kc-malta",
		Append: "console=ttyS0" + maltaTicks, Emulator: malta32, Tests: []Target{mipsle}},
}

// programTargets are the targets that helper programs are built for: the
// tests', and the 32-bit one whose programs an amd64 kernel runs anyway.
func (g Guest) programTargets() []Target {
	if g.DebArch == "amd64" && !slices.ContainsFunc(g.Tests, func(t Target) bool { return t.GOARCH == i386.GOARCH }) {
		return append(slices.Clone(g.Tests), i386)
	}
	return g.Tests
}

// Select returns the guests whose name matches one of the comma-separated
// shell patterns; a pattern that matches none is an error.
func Select(patterns string, small bool) ([]Guest, error) {
	var picked []Guest
	for _, g := range Guests {
		if !small || g.Small {
			picked = append(picked, g)
		}
	}
	if patterns == "" {
		return picked, nil
	}
	want := map[string]bool{}
	for p := range strings.SplitSeq(patterns, ",") {
		found := false
		for _, g := range picked {
			ok, err := path.Match(p, g.Name)
			if err != nil {
				return nil, fmt.Errorf("guest pattern %q: %w", p, err)
			}
			if ok {
				want[g.Name], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("guest pattern %q matches none of %s", p, strings.Join(names(picked), ", "))
		}
	}
	return slices.DeleteFunc(picked, func(g Guest) bool { return !want[g.Name] }), nil
}

func names(gs []Guest) []string {
	var n []string
	for _, g := range gs {
		n = append(n, g.Name)
	}
	return n
}
