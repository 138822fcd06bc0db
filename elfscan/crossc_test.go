//go:build tools

package elfscan_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// manyCalls uses files, threads, users, a child, a socket and time.
const manyCalls = `#define _GNU_SOURCE
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
	printf("%d\n", (int)time(NULL));
	return 0;
}
`

// crossCompilers are those of Debian, with what emulates their code.
var crossCompilers = []struct{ emulator, triplet, packages string }{
	{"i386", "i686-linux-gnu", "gcc-i686-linux-gnu libc6-dev-i386-cross"},
	{"arm", "arm-linux-gnueabi", "gcc-arm-linux-gnueabi libc6-dev-armel-cross"},
	{"aarch64", "aarch64-linux-gnu", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"},
	{"riscv64", "riscv64-linux-gnu", "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross"},
	{"ppc64le", "powerpc64le-linux-gnu", "gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross"},
	{"s390x", "s390x-linux-gnu", "gcc-s390x-linux-gnu libc6-dev-s390x-cross"},
}

// eachCompiler compiles a program, without symbols, with every compiler and in
// every way.
func eachCompiler(t *testing.T, source string, do func(t *testing.T, dir, bin, emulator, sysroot string)) {
	for _, c := range crossCompilers {
		ways := []string{"-static", "-pie -fPIE", "-no-pie", "-no-pie -fno-plt"}
		if c.emulator == "i386" || c.emulator == "aarch64" { // Debian's others have no rcrt1.o
			ways = append(ways, "-static-pie -fPIE")
		}
		for _, flags := range ways {
			t.Run(c.emulator+" "+flags, func(t *testing.T) {
				installed(t, c.triplet+"-gcc", c.packages)
				dir := t.TempDir()
				write(t, filepath.Join(dir, "main.c"), source)
				bin := filepath.Join(dir, "program")
				args := append([]string{"-O2", "-w", "-s", "-pthread", "-o", bin, "main.c"}, strings.Fields(flags)...)
				command(t, nil, dir, c.triplet+"-gcc", args...)
				do(t, dir, bin, c.emulator, "/usr/"+c.triplet)
			})
		}
	}
}

// TestCEmulated compares the calls found in C programs, static and dynamic, with
// those that qemu sees them make.
func TestCEmulated(t *testing.T) {
	eachCompiler(t, manyCalls, func(t *testing.T, dir, bin, emulator, sysroot string) {
		checkEmulated(t, dir, bin, emulator, sysroot)
	})
}

// TestCallerByPointer: what syscall(3) is asked for through a pointer is not
// known, and that is told, wherever the pointer is kept.
func TestCallerByPointer(t *testing.T) {
	for name, source := range map[string]string{
		"table": `static long (*volatile table[])(long, ...) = { syscall };
int main(int argc, char **argv) { return table[argc - 1](argc + 38) < 0; }
`,
		"argument": `int use(long (*f)(long, ...), int n);
int main(int argc, char **argv) { return use(syscall, argc); }
__attribute__((noinline)) int use(long (*f)(long, ...), int n)
{
	__asm__ volatile("" : "+r"(f));
	return f(n + 38) < 0;
}
`} {
		t.Run(name, func(t *testing.T) {
			eachCompiler(t, "#define _GNU_SOURCE\n#include <unistd.h>\n"+source, func(t *testing.T, dir, bin, emulator, sysroot string) {
				res := scanFile(t, bin, &elfscan.Options{Path: bin, Sysroot: sysroot})
				if len(res.Unresolved) == 0 {
					t.Error("nothing is unresolved")
				}
				for _, u := range res.Unresolved {
					if !strings.Contains(u.Reason, "through a pointer") {
						t.Errorf("%+v", u)
					}
				}
			})
		})
	}
}
