package arch

// ELF machine numbers (linux/elf-em.h) with the bits of linux/audit.h that
// make AUDIT_ARCH_ values of them.
const (
	audit64  = 0x80000000
	auditLE  = 0x40000000
	auditN32 = 0x20000000

	emSPARC     = 2
	em386       = 3
	em68K       = 4
	emMIPS      = 8
	emPARISC    = 15
	emPPC       = 20
	emPPC64     = 21
	emS390      = 22
	emARM       = 40
	emSH        = 42
	emSPARCV9   = 43
	emX86_64    = 62
	emAARCH64   = 183
	emRISCV     = 243
	emLOONGARCH = 258
)

// infos lists the ABIs by name, in the order of the generated tables. since is
// the Linux release from which programs could use the ABI, zero if that was
// before 2.6.
var infos = [...]Info{
	{Name: "aarch64", ID: emAARCH64 | audit64 | auditLE, auditName: "AARCH64", GOARCH: "arm64", WordBits: 64,
		aliases: []string{"armv8", "armv8l"}, compat: []string{"arm"}, since: Version{3, 7}, table: &tables[0]},
	{Name: "arm", ID: emARM | auditLE, auditName: "ARM", GOARCH: "arm", WordBits: 32,
		aliases: []string{"armv5", "armv6", "armv6l", "armv7", "armv7l", "armhf", "armel", "armeabi"}, table: &tables[1]},
	{Name: "i386", ID: em386 | auditLE, auditName: "I386", GOARCH: "386", WordBits: 32,
		aliases: []string{"x86", "i486", "i586", "i686", "ia32"}, table: &tables[2]},
	{Name: "loongarch64", ID: emLOONGARCH | audit64 | auditLE, auditName: "LOONGARCH64", GOARCH: "loong64", WordBits: 64,
		since: Version{5, 19}, table: &tables[3]},
	{Name: "m68k", ID: em68K, auditName: "M68K", BigEndian: true, WordBits: 32, NumberFirst: true, table: &tables[4]},
	{Name: "mips", ID: emMIPS, auditName: "MIPS", GOARCH: "mips", BigEndian: true, WordBits: 32,
		aliases: []string{"mipso32"}, table: &tables[5]},
	{Name: "mips64", ID: emMIPS | audit64, auditName: "MIPS64", GOARCH: "mips64", BigEndian: true, WordBits: 64,
		aliases: []string{"mips64n64"}, compat: []string{"mips", "mips64n32"}, table: &tables[6]},
	{Name: "mips64n32", ID: emMIPS | audit64 | auditN32, auditName: "MIPS64N32", BigEndian: true, WordBits: 64,
		aliases: []string{"mipsn32", "mips64p32"}, table: &tables[7]},
	{Name: "mipsel", ID: emMIPS | auditLE, auditName: "MIPSEL", GOARCH: "mipsle", WordBits: 32,
		aliases: []string{"mipselo32"}, table: &tables[8]},
	{Name: "mipsel64", ID: emMIPS | audit64 | auditLE, auditName: "MIPSEL64", GOARCH: "mips64le", WordBits: 64,
		aliases: []string{"mips64el", "mipsel64n64"}, compat: []string{"mipsel", "mipsel64n32"}, table: &tables[9]},
	{Name: "mipsel64n32", ID: emMIPS | audit64 | auditLE | auditN32, auditName: "MIPSEL64N32", WordBits: 64,
		aliases: []string{"mipsn32el", "mips64eln32", "mips64p32le"}, table: &tables[10]},
	{Name: "parisc", ID: emPARISC, auditName: "PARISC", BigEndian: true, WordBits: 32,
		aliases: []string{"hppa", "parisc32"}, table: &tables[11]},
	{Name: "parisc64", ID: emPARISC | audit64, auditName: "PARISC64", BigEndian: true, WordBits: 64,
		aliases: []string{"hppa64"}, compat: []string{"parisc"}, table: &tables[12]},
	{Name: "ppc", ID: emPPC, auditName: "PPC", GOARCH: "", BigEndian: true, WordBits: 32,
		aliases: []string{"powerpc", "ppc32"}, table: &tables[13]},
	{Name: "ppc64", ID: emPPC64 | audit64, auditName: "PPC64", GOARCH: "ppc64", BigEndian: true, WordBits: 64,
		aliases: []string{"powerpc64"}, compat: []string{"ppc"}, table: &tables[14]},
	{Name: "ppc64le", ID: emPPC64 | audit64 | auditLE, auditName: "PPC64LE", GOARCH: "ppc64le", WordBits: 64,
		aliases: []string{"powerpc64le", "ppc64el"}, since: Version{3, 13}, table: &tables[15]},
	{Name: "riscv32", ID: emRISCV | auditLE, auditName: "RISCV32", WordBits: 32, since: Version{4, 15}, table: &tables[16]},
	{Name: "riscv64", ID: emRISCV | audit64 | auditLE, auditName: "RISCV64", GOARCH: "riscv64", WordBits: 64,
		compat: []string{"riscv32"}, since: Version{4, 15}, table: &tables[17]},
	{Name: "s390", ID: emS390, auditName: "S390", BigEndian: true, WordBits: 32, table: &tables[18]},
	{Name: "s390x", ID: emS390 | audit64, auditName: "S390X", GOARCH: "s390x", BigEndian: true, WordBits: 64,
		compat: []string{"s390"}, table: &tables[19]},
	{Name: "sh", ID: emSH | auditLE, auditName: "SHEL", WordBits: 32,
		aliases: []string{"sh4", "shel"}, table: &tables[20]},
	{Name: "sheb", ID: emSH, auditName: "SH", BigEndian: true, WordBits: 32,
		aliases: []string{"sh4eb"}, table: &tables[21]},
	{Name: "sparc", ID: emSPARC, auditName: "SPARC", BigEndian: true, WordBits: 32,
		aliases: []string{"sparc32"}, table: &tables[22]},
	{Name: "sparc64", ID: emSPARCV9 | audit64, auditName: "SPARC64", BigEndian: true, WordBits: 64,
		compat: []string{"sparc"}, table: &tables[23]},
	{Name: "x32", ID: emX86_64 | audit64 | auditLE, SeccompMask: 0x40000000, WordBits: 64,
		aliases: []string{"amd64p32"}, since: Version{3, 4}, table: &tables[24]},
	{Name: "x86_64", ID: emX86_64 | audit64 | auditLE, auditName: "X86_64", GOARCH: "amd64", WordBits: 64,
		aliases: []string{"x86-64", "x64"}, compat: []string{"i386", "x32"}, table: &tables[25]},
}
