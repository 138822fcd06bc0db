package cbpf

// ConstAllow tells whether the kernel (5.11 and later, on architectures that
// define SECCOMP_ARCH_NATIVE) finds out when the filter is loaded that it
// allows the call whatever its arguments, and then never runs the filter for
// it (kernel/seccomp.c: seccomp_is_const_allow). The kernel follows only
// loads of the number and the architecture, JEQ, JGE, JGT and JSET with a
// constant, JA, AND with a constant, and RET with a constant.
//
// Two calls of x86_64 pass every filter on kernels that have them, whatever
// it says: uretprobe (335) and uprobe (336). That is the kernel's doing and
// not the program's; ConstAllow does not report it.
func (p Program) ConstAllow(arch, nr uint32) bool {
	a := uint32(0)
	for pc := uint64(0); pc < uint64(len(p)); pc++ {
		in := &p[pc]
		k := in.K
		switch in.Op {
		case opLoadAbs:
			switch k {
			case offsetNR:
				a = nr
			case offsetArch:
				a = arch
			default:
				return false
			}
		case opRetK:
			return k == RetAllow
		case opJump:
			pc += uint64(k)
		case opJeqK:
			pc += skip(in.Jt, in.Jf, a == k)
		case opJgeK:
			pc += skip(in.Jt, in.Jf, a >= k)
		case opJgtK:
			pc += skip(in.Jt, in.Jf, a > k)
		case opJsetK:
			pc += skip(in.Jt, in.Jf, a&k != 0)
		case opAndK:
			a &= k
		default:
			return false
		}
	}
	return false
}

// Offsets in struct seccomp_data.
const (
	offsetNR   = 0
	offsetArch = 4
	offsetIP   = 8
	offsetArgs = 16
)
