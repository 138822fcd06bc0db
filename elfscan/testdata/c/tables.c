// Functions that make system calls, to which only tables in data lead.

#include <sys/syscall.h>
#include <unistd.h>

volatile int x;

// What is called with the number of a system call is told, not found.
static __attribute__((noinline)) long one(long n) { return syscall(n, 1, x); }
static __attribute__((noinline)) long two(long n) { return syscall(n, 2, x); }
struct { long (*f)(long); } passed[2] = {{one}, {two}};
__attribute__((noinline)) long number_passed(unsigned v) { return passed[v & 1].f(SYS_kexec_load); }

#define CALLS(name, nr) static __attribute__((noinline)) long name(void) { return syscall(nr, x); }
CALLS(first, SYS_nfsservctl)
CALLS(second, SYS_lookup_dcookie)
CALLS(a0, SYS_finit_module)
CALLS(a1, SYS_name_to_handle_at)
CALLS(b0, SYS_open_by_handle_at)
CALLS(b1, SYS_process_vm_readv)
CALLS(c0, SYS_process_vm_writev)
CALLS(c1, SYS_mq_open)
CALLS(d0, SYS_mq_unlink)
CALLS(d1, SYS_mq_notify)

struct entry { long (*f)(void); };

// One word of the table is used by itself.
struct entry pair[2] = {{first}, {second}}, *pairs;
__attribute__((noinline)) void first_of_a_pair(void) { pair[0].f(); pairs = pair; }
__attribute__((noinline)) long any_of_a_pair(unsigned v) { return pairs[v & 1].f(); }

// Compilers count the addresses of variables from that of another one.
struct entry a[2] = {{a0}, {a1}}, b[2] = {{b0}, {b1}}, c[2] = {{c0}, {c1}}, d[2] = {{d0}, {d1}};
volatile int m = 1, n = 2;
void *never_used = &b[0], *p, *q;
__attribute__((noinline)) long beside_another(unsigned v) { p = a; q = c; m++; return a[v & 1].f() + b[v >> 1 & 1].f(); }
__attribute__((noinline)) long beside_a_third(unsigned v) { n++; return c[v & 1].f() + d[v & 1].f(); }

// A table that the linker makes of its pieces.
#define REGISTERED(name, nr) \
	CALLS(name, nr) static struct entry entry_##name __attribute__((section("registered"), used)) = {name};
REGISTERED(r0, SYS_acct)
REGISTERED(r1, SYS_chroot)
REGISTERED(r2, SYS_delete_module)
extern struct entry __start_registered[], __stop_registered[];
__attribute__((noinline)) void all_registered(void) {
	for (struct entry *e = __start_registered; e < __stop_registered; e++) e->f();
}

// Variables of each thread.
CALLS(t0, SYS_swapon)
CALLS(t1, SYS_swapoff)
CALLS(t2, SYS_vhangup)
__thread long (*thread)(void) = t0;
__thread struct { int n; long (*f[2])(void); } threads = {1, {t1, t2}};
__attribute__((noinline)) long of_thread(unsigned v) { return thread() + threads.f[v & 1](); }

// Functions that nobody calls start at the second entries of tables.
CALLS(e0, SYS_pivot_root)
CALLS(e1, SYS_quotactl)
CALLS(e2, SYS_settimeofday)
CALLS(s0, SYS_clock_adjtime)
CALLS(s1, SYS_adjtimex)
CALLS(s2, SYS_fanotify_mark)
static struct entry family0 = {e0}, family1 = {e1}, family2 = {e2};
static struct entry *const families[] = {&family0, &family1, &family2, 0};
static const struct { const char *name; long (*f)(void); int n; } named[] = {{"s0", s0, 1}, {"s1", s1, 2}, {"s2", s2, 3}, {0}};
__attribute__((noinline)) void of_family(volatile int n) { if (families[n]) families[n]->f(); }
__attribute__((noinline)) void of_name(volatile int n) { if (named[n].name) named[n].f(); }
__attribute__((noinline)) void all_but_one_family(void) { for (struct entry *const *f = &families[1]; *f; f++) (*f)->f(); }
__attribute__((noinline)) void all_but_one_name(void) { for (int i = 1; named[i].name; i++) named[i].f(); }

int main(int argc, char **argv) {
	of_family(argc);
	of_name(argc);
	first_of_a_pair();
	all_registered();
	return of_thread(argc) + number_passed(argc) + any_of_a_pair(argc) +
		beside_another(argc) + beside_a_third(argc);
}
