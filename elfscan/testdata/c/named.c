// Numbers of system calls that are looked up by name while the program runs.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct entry {
	const char *name;
	int nr;
} entries[] = {
	{"getpid", SYS_getpid}, {"sched_yield", SYS_sched_yield}, {"getpgid", SYS_getpgid}, {"getsid", SYS_getsid},
	{"personality", SYS_personality}, {"sync", SYS_sync}, {"getpriority", SYS_getpriority},
};

__attribute__((noinline)) static int lookup(int from, const char *name)
{
	for (unsigned i = from; i < sizeof(entries) / sizeof(*entries); i++)
		if (!strcmp(entries[i].name, name))
			return entries[i].nr;
	return -ENOSYS;
}

static volatile int first[2] = {1, 1}; // an object at a page's address could be taken for the page

static struct {
	int known, nr;
} state = {-1, -1};

__attribute__((noinline)) static int known(int argc)
{
	if (state.known >= 0)
		return state.known;
	int nr = lookup(argc - 1, "getsid");
	if (nr < 0 || syscall(nr, 0) < 0)
		return state.known = 0;
	state.nr = lookup(argc - 1, "personality");
	return state.known = 1;
}

int main(int argc, char **argv)
{
	if (known(argc) != first[argc > 1] || syscall(state.nr, 0xffffffff) < 0)
		return 1;
	printf("done 1\n");
	return 0;
}
