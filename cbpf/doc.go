// Package cbpf holds classic BPF programs as the Linux kernel's seccomp sees
// them: it encodes, decodes, validates, runs, prints and assembles them.
//
//	p, err := cbpf.Decode(raw, binary.LittleEndian)
//	if err != nil {
//		return err
//	}
//	if err := p.Validate(); err != nil {
//		return err // the kernel would refuse it too, for this reason
//	}
//	call := cbpf.Data{NR: 59, Arch: 0xc000003e}
//	words := call.Words(false)
//	ret, executed := p.Run(&words)
//
// # What is valid?
//
// [Program.Validate] accepts exactly what seccomp(2) accepts: the checks of
// net/core/filter.c (bpf_check_classic) followed by those of kernel/seccomp.c
// (seccomp_check_filter).
//
// # What does a program read?
//
// A filter reads struct seccomp_data in sixteen aligned 32-bit words. Which
// half of a 64-bit field comes first depends on the byte order of the machine;
// [Data.Words] lays a call out for either, and [Program.Run] never needs to
// know.
//
// # What does a program look like?
//
// [Disassemble] prints labelled text with symbols, [Assemble] reads it back to
// the same bytes, also for instructions no kernel would accept.
package cbpf
