/* Uses files, threads, users, a child, a socket and time. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>

static void *thread(void *p)
{
	char b[4096];
	sched_yield();
	memset(b, *(char *)p, sizeof b);
	return memchr(b, 1, sizeof b);
}

static int session(void) { return getsid(0); }
static int priority(void) { return getpriority(0, 0); }
static int (*hook)(void), (*other)(void);

__attribute__((noinline)) static void keep(int (*f)(void), int (*g)(void))
{
	__asm__ volatile("" : "+r"(f), "+r"(g));
	hook = f;
	other = g;
}

static int (*volatile set[])(unsigned) = { setuid, setgid };

int main(int argc, char **argv)
{
	struct timespec ts = { 0, 1000 };
	struct utsname u;
	struct stat st;
	struct rlimit rl;
	struct timeval tv = { 0, 1 };
	pthread_t t;
	int fds[2], s;
	char name[] = "fileXXXXXX", b[8192];
	FILE *f;
	DIR *d;

	pthread_create(&t, NULL, thread, argv[0]);
	set[0](getuid());
	set[1](getgid());
	setreuid(-1, -1);
	setresgid(-1, -1, -1);
	setgroups(0, NULL);
	pthread_join(t, NULL);
	keep(session, priority);
	hook();
	other();
	nanosleep(&ts, NULL);
	uname(&u);
	getrlimit(RLIMIT_NOFILE, &rl);
	s = mkstemp(name);
	write(s, name, sizeof name);
	pwrite(s, name, sizeof name, 4096);
	lseek(s, 0, SEEK_SET);
	ftruncate(s, 100);
	fsync(s);
	fchmod(s, 0600);
	fstat(s, &st);
	mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, s, 0);
	close(s);
	rename(name, "renamed");
	stat("renamed", &st);
	access("renamed", R_OK);
	symlink("renamed", "link");
	readlink("link", b, sizeof b);
	mkdir("directory", 0700);
	d = opendir(".");
	while (readdir(d))
		;
	closedir(d);
	chdir("directory");
	getcwd(b, sizeof b);
	pipe(fds);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	dup2(fds[0], 100);
	select(101, NULL, NULL, NULL, &tv);
	poll(&(struct pollfd){ fds[0], POLLIN, 0 }, 1, 1);
	writev(fds[1], &(struct iovec){ b, 1 }, 1);
	read(fds[0], b, 1);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	connect(s, (struct sockaddr *)&(struct sockaddr_un){ AF_UNIX, "/nowhere" }, sizeof(struct sockaddr_un));
	socketpair(AF_UNIX, SOCK_DGRAM, 0, fds);
	send(fds[0], b, 1, 0);
	recv(fds[1], b, sizeof b, 0);
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	kill(getpid(), 0);
	alarm(0);
	getppid();
	getpgid(0);
	setsid();
	if (fork() == 0)
		_exit(0);
	wait(NULL);
	f = popen("exit 0", "r");
	fgets(b, sizeof b, f);
	pclose(f);
	printf("done %d\n", time(NULL) > 0);
	return 0;
}
