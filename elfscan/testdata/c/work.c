/* work exercises a C library: files, directories, memory, threads, sockets,
   signals, time, children and calls by number. It prints "done". */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static sem_t ready;
static volatile sig_atomic_t got;

static void on_signal(int n) { got = n; }

static void *thread(void *arg)
{
	sem_post(&ready);
	usleep(1000);
	return malloc(1 << 20);
}

static int by_number(long n, long a) { return syscall(n, a); }

static int (*const operations[])(const char *) = { unlink, rmdir, chdir };

static void files(const char *dir)
{
	char name[256], buf[64];
	struct stat st;
	snprintf(name, sizeof name, "%s/f", dir);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct iovec v[2] = { { "ab", 2 }, { "cd", 2 } };
	writev(fd, v, 2);
	pwrite(fd, "x", 1, 1);
	pread(fd, buf, 2, 0);
	lseek(fd, 0, SEEK_SET);
	read(fd, buf, 4);
	ftruncate(fd, 1 << 16);
	fsync(fd);
	fchmod(fd, 0644);
	void *m = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	msync(m, 1 << 16, MS_SYNC);
	munmap(m, 1 << 16);
	fstat(fd, &st);
	stat(name, &st);
	access(name, R_OK);
	close(dup(fd));
	close(fd);
	DIR *d = opendir(dir);
	while (readdir(d))
		;
	closedir(d);
	operations[0](name);
	operations[2](dir);
	getcwd(name, sizeof name);
	operations[1](dir);
}

static void sockets(void)
{
	int p[2];
	char c;
	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	send(p[0], "x", 1, 0);
	recv(p[1], &c, 1, 0);
	int e = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLOUT };
	epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev);
	epoll_wait(e, &ev, 1, 10);
	struct pollfd f = { p[0], POLLOUT, 0 };
	poll(&f, 1, 10);
	shutdown(p[0], SHUT_RDWR);
	int s = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	bind(s, (void *)&in, sizeof in);
	close(s);
	close(e);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/work.XXXXXX";
	struct utsname u;
	struct rlimit lim;
	struct timespec ts = { 0, 1000 };
	setlocale(LC_ALL, "");
	files(mkdtemp(dir));
	sockets();
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	uname(&u);
	getrlimit(RLIMIT_NOFILE, &lim);
	nanosleep(&ts, 0);
	umask(022);
	by_number(SYS_getpgid, 0);
	by_number(argc > 1 ? SYS_getsid : SYS_sync, 0);
	sysconf(_SC_PHYS_PAGES); /* sysinfo, by way of a table of jumps */
	sem_init(&ready, 0, 0);
	pthread_t t;
	void *got_memory;
	pthread_create(&t, 0, thread, 0);
	sem_wait(&ready);
	pthread_join(t, &got_memory);
	free(got_memory);
	char *big = malloc(1 << 22);
	big = realloc(big, 1 << 24);
	free(big);
	pid_t pid = fork();
	if (pid == 0)
		_exit(setsid() < 0);
	waitpid(pid, 0, 0);
	FILE *f = popen("echo child", "r");
	char line[16];
	fgets(line, sizeof line, f);
	pclose(f);
	printf("done %d\n", argc + got - got);
	return 0;
}
