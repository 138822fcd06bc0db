// Numbers of system calls in variables that change where it does not show, a
// function for each.
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define apart __attribute__((noinline, noclone))

struct call {
	int known, nr;
};

static int scanned = SYS_getpgid;
apart long from_text(const char *s)
{
	sscanf(s, "%d", &scanned);
	return syscall(scanned, 0);
}

static struct call copied = {1, SYS_getpgid};
apart long from_file(void)
{
	if (read(0, &copied, sizeof copied) < 0)
		return -1;
	return syscall(copied.nr, 0);
}

static struct call behind = {1, SYS_getpgid};
static struct call *volatile pointer = &behind;
apart void set_behind(int n) { pointer->nr = n; }
apart long behind_pointer(void) { return syscall(pointer->nr, 0); }

static int kept = SYS_getpgid;
struct holder {
	int *p;
};
apart void set_kept(struct holder *h, int n) { *h->p = n; }
apart long kept_elsewhere(int n)
{
	struct holder h = {&kept};
	set_kept(&h, n);
	return syscall(kept, 0);
}

static __thread int local = SYS_getpgid;
apart void set_local(int n) { local = n; }
apart long thread_local_variable(void) { return syscall(local, 0); }

static int never; // by code that is seen
apart void set(int *p, int n) { *p = n; }
apart long never_set(int n)
{
	set(&never, n);
	return syscall(never, 0);
}

int main(int argc, char **argv)
{
	set_behind(argc);
	set_local(argc);
	return from_text(argv[0]) + from_file() + behind_pointer() + kept_elsewhere(argc) + thread_local_variable() + never_set(argc) < 0;
}
