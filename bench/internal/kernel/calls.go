// Package kernel measures what filters cost in the running kernel: all of them
// in one run, in short batches that take turns on one CPU.
package kernel

import (
	"math/rand/v2"

	"github.com/elastic/go-seccomp-bpf/bench/internal/ruler"
	"github.com/elastic/go-seccomp-bpf/bench/neutral"
)

// A call is made as it stands: it fails early in the kernel, or changes nothing.
type call struct {
	nr   uint32
	args [6]uint64
}

const (
	noFD    = ^uint64(0) // -1
	atFDCWD = ^uint64(99)

	retErrno = 0x00050000 // SECCOMP_RET_ERRNO
)

const futexNR = 202

// mixCalls are the calls of a mix; how often each is made is the trace's to say.
var mixCalls = []call{
	{0, [6]uint64{noFD}},                        // read
	{1, [6]uint64{noFD}},                        // write
	{3, [6]uint64{noFD}},                        // close
	{8, [6]uint64{noFD, 0, 1}},                  // lseek
	{9, [6]uint64{0, 0, 1, 0x22, noFD}},         // mmap of no length
	{10, [6]uint64{1, 4096, 1}},                 // mprotect, unaligned
	{11, [6]uint64{1, 0}},                       // munmap, unaligned
	{12, [6]uint64{0}},                          // brk: asks where it is
	{13, [6]uint64{99, 0, 0, 8}},                // rt_sigaction of no signal
	{14, [6]uint64{0, 0, 0, 8}},                 // rt_sigprocmask: changes nothing
	{16, [6]uint64{noFD, 0x5401}},               // ioctl TCGETS
	{17, [6]uint64{noFD}},                       // pread64
	{18, [6]uint64{noFD}},                       // pwrite64
	{20, [6]uint64{noFD}},                       // writev
	{21, [6]uint64{0, 0}},                       // access of no path
	{25, [6]uint64{1}},                          // mremap, unaligned
	{39, [6]uint64{}},                           // getpid
	{40, [6]uint64{noFD, noFD}},                 // sendfile
	{44, [6]uint64{noFD}},                       // sendto
	{45, [6]uint64{noFD}},                       // recvfrom
	{54, [6]uint64{noFD, 6, 3}},                 // setsockopt TCP_CORK
	{56, [6]uint64{0x10000}},                    // clone of a thread without its memory
	{72, [6]uint64{noFD, 3}},                    // fcntl F_GETFL
	{75, [6]uint64{noFD}},                       // fdatasync
	{89, [6]uint64{0, 0, 0}},                    // readlink of no length
	{93, [6]uint64{noFD, noFD, noFD}},           // fchown
	{102, [6]uint64{}},                          // getuid
	{104, [6]uint64{}},                          // getgid
	{107, [6]uint64{}},                          // geteuid
	{108, [6]uint64{}},                          // getegid
	{110, [6]uint64{}},                          // getppid
	{202, [6]uint64{0, 129, 1}},                 // futex FUTEX_WAKE_PRIVATE, on a word of the worker's
	{217, [6]uint64{noFD}},                      // getdents64
	{232, [6]uint64{noFD}},                      // epoll_wait
	{233, [6]uint64{noFD, 1, noFD}},             // epoll_ctl
	{257, [6]uint64{atFDCWD, 0, 0x80000}},       // openat of no path
	{262, [6]uint64{noFD, 0, 0, 0}},             // newfstatat of no path
	{281, [6]uint64{noFD}},                      // epoll_pwait
	{332, [6]uint64{noFD, 0, 0x1000, 0xfff, 0}}, // statx of no path
}

// refusable are calls of which policies tend to refuse one.
var refusable = []call{
	{312, [6]uint64{1, 1, 99}},   // kcmp of no type
	{169, [6]uint64{0, 0, 0, 0}}, // reboot without its magic numbers
	{168, [6]uint64{0}},          // swapoff of no path
	{176, [6]uint64{0, 0}},       // delete_module of no name
	{41, [6]uint64{45, 15, 0}},   // socket of no family
}

// conditional are calls that policies tend to decide by their arguments.
var conditional = []call{
	{16, [6]uint64{noFD, 0x1277}}, // ioctl
	{16, [6]uint64{noFD, 0x5401}},
	{72, [6]uint64{noFD, 3}},     // fcntl F_GETFL
	{41, [6]uint64{45, 15, 0}},   // socket of no family
	{135, [6]uint64{0xffffffff}}, // personality: asks what it is
	{10, [6]uint64{1, 4096, 1}},  // mprotect, unaligned
}

// A workload is calls that a worker makes in turn, and what it is called.
type workload struct {
	name  string
	calls []call
}

const mixLength = 4096

// workloads are what is timed under a policy: "mix", calls as often as the
// trace has them; "always", one that is allowed whatever its arguments;
// "argument", one allowed for them; "refused".
func workloads(p *neutral.Policy, t *ruler.Trace) []workload {
	out := []workload{{"mix", mix(t)}}
	getppid := call{nr: 110}
	if r := p.Rule(getppid.nr); decide(p, getppid) == neutral.Allow && (r == nil || len(r.Alts) == 0) {
		out = append(out, workload{"always", []call{getppid}})
	}
	for _, c := range conditional {
		if r := p.Rule(c.nr); r != nil && len(r.Alts) > 0 && decide(p, c) == neutral.Allow {
			out = append(out, workload{"argument", []call{c}})
			break
		}
	}
	for _, c := range refusable {
		if decide(p, c)&^0xffff == retErrno {
			out = append(out, workload{"refused", []call{c}})
			break
		}
	}
	return out
}

func decide(p *neutral.Policy, c call) uint32 { return p.Eval(p.Rule(c.nr), &c.args) }

func mix(t *ruler.Trace) []call {
	var total float64
	for _, c := range mixCalls {
		total += t.Weights[c.nr]
	}
	rng := rand.New(rand.NewPCG(1, 2)) // the same calls in every run
	out := make([]call, mixLength)
	for i := range out {
		x := rng.Float64() * total
		for _, c := range mixCalls {
			out[i] = c
			if x -= t.Weights[c.nr]; x < 0 {
				break
			}
		}
	}
	return out
}
