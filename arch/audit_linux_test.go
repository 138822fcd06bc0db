package arch

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestAuditArch compares with the values x/sys took from linux/audit.h.
func TestAuditArch(t *testing.T) {
	want := map[string]uint32{
		"aarch64": unix.AUDIT_ARCH_AARCH64, "arm": unix.AUDIT_ARCH_ARM, "i386": unix.AUDIT_ARCH_I386,
		"loongarch64": unix.AUDIT_ARCH_LOONGARCH64, "mips": unix.AUDIT_ARCH_MIPS, "mips64": unix.AUDIT_ARCH_MIPS64,
		"mips64n32": unix.AUDIT_ARCH_MIPS64N32, "mipsel": unix.AUDIT_ARCH_MIPSEL, "mipsel64": unix.AUDIT_ARCH_MIPSEL64,
		"mipsel64n32": unix.AUDIT_ARCH_MIPSEL64N32, "ppc": unix.AUDIT_ARCH_PPC, "ppc64": unix.AUDIT_ARCH_PPC64,
		"ppc64le": unix.AUDIT_ARCH_PPC64LE, "riscv32": unix.AUDIT_ARCH_RISCV32, "riscv64": unix.AUDIT_ARCH_RISCV64,
		"s390": unix.AUDIT_ARCH_S390, "s390x": unix.AUDIT_ARCH_S390X, "sparc": unix.AUDIT_ARCH_SPARC,
		"sparc64": unix.AUDIT_ARCH_SPARC64, "x32": unix.AUDIT_ARCH_X86_64, "x86_64": unix.AUDIT_ARCH_X86_64,
		"m68k": unix.AUDIT_ARCH_M68K, "parisc": unix.AUDIT_ARCH_PARISC, "parisc64": unix.AUDIT_ARCH_PARISC64,
		"sh": unix.AUDIT_ARCH_SHEL, "sheb": unix.AUDIT_ARCH_SH,
	}
	for _, i := range All() {
		if uint32(i.ID) != want[i.Name] {
			t.Errorf("%s: ID %#x, want %#x", i.Name, uint32(i.ID), want[i.Name])
		}
		delete(want, i.Name)
	}
	if len(want) > 0 {
		t.Errorf("All lacks %v", want)
	}
	if s := AuditArch(unix.AUDIT_ARCH_X86_64).String(); s != "AUDIT_ARCH_X86_64" {
		t.Errorf("x86_64's ID prints as %s", s)
	}
	if s := AuditArch(5).String(); s != "AuditArch(0x5)" {
		t.Errorf("an unknown ID prints as %s", s)
	}
}
