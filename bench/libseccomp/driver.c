/*
 * Compiles a neutral policy with libseccomp.
 *
 *	driver OPTION BUDGET_NS FILTER.bpf < POLICY.txt
 *	driver version
 *
 * OPTION is the optimise level (1 or 2), or "1p" for level 1 with the weights
 * as priorities. The policy is text as package neutral's Text writes it. Prints
 * the median time on a CPU, allocations and their size as JSON.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct cond { unsigned arg; enum scmp_compare op; uint64_t v, mask; };
struct alt { int n; struct cond conds[6]; };
struct rule { int nr; char name[64]; uint32_t action; int n; struct alt *alts; };

static struct {
	uint32_t action;
	int n, nabis, nweights;
	struct rule *rules;
	uint32_t abis[8];
	struct { int nr; double w; } weights[1024];
} policy;

/* The C library's own allocator, behind a count. */
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
static unsigned long allocs, bytes;
void *malloc(size_t n) { allocs++; bytes += n; return __libc_malloc(n); }
void *calloc(size_t n, size_t m) { allocs++; bytes += n * m; return __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { allocs++; bytes += n; return __libc_realloc(p, n); }

static void die(const char *what, int rc)
{
	fprintf(stderr, "%s: %s\n", what, strerror(rc < 0 ? -rc : rc));
	exit(1);
}

static void *grow(void *p, int n, size_t size)
{
	if (n & (n - 1))
		return p;
	p = realloc(p, (n ? 2 * n : 1) * size);
	if (!p)
		die("out of memory", ENOMEM);
	return p;
}

static enum scmp_compare compare(const char *op)
{
	static const struct { const char *name; enum scmp_compare op; } ops[] = {
		{"eq", SCMP_CMP_EQ}, {"ne", SCMP_CMP_NE}, {"lt", SCMP_CMP_LT}, {"le", SCMP_CMP_LE},
		{"gt", SCMP_CMP_GT}, {"ge", SCMP_CMP_GE}, {"meq", SCMP_CMP_MASKED_EQ},
	};
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (!strcmp(op, ops[i].name))
			return ops[i].op;
	die(op, EINVAL);
	return 0;
}

static uint32_t abi(const char *name)
{
	if (!strcmp(name, "i386"))
		return SCMP_ARCH_X86;
	if (!strcmp(name, "x32"))
		return SCMP_ARCH_X32;
	die(name, ENOTSUP);
	return 0;
}

static void parse(const char *line)
{
	char s[64];
	unsigned arg;
	uint64_t v, mask;
	double w;
	int n, left = policy.n;
	struct rule *r = left ? &policy.rules[left - 1] : NULL;
	struct alt *a = r && r->n ? &r->alts[r->n - 1] : NULL;

	if (sscanf(line, "default %" SCNi64, (int64_t *)&v) == 1) {
		policy.action = v;
	} else if (sscanf(line, "abi %63s", s) == 1 && policy.nabis < 8) {
		policy.abis[policy.nabis++] = abi(s);
	} else if (sscanf(line, "weight %d %lf", &n, &w) == 2 && policy.nweights < 1024) {
		policy.weights[policy.nweights].nr = n;
		policy.weights[policy.nweights++].w = w;
	} else if (sscanf(line, "rule %d %63s %" SCNi64, &n, s, (int64_t *)&v) == 3) {
		policy.rules = grow(policy.rules, left, sizeof *r);
		r = &policy.rules[policy.n++];
		*r = (struct rule){.nr = n, .action = v};
		strcpy(r->name, s);
	} else if (sscanf(line, "alt %d", &n) == 1 && r) {
		r->alts = grow(r->alts, r->n, sizeof *a);
		r->alts[r->n++] = (struct alt){0};
	} else if (sscanf(line, "cond %u %63s %" SCNu64 " %" SCNu64, &arg, s, &v, &mask) == 4 && a && a->n < 6) {
		a->conds[a->n++] = (struct cond){arg, compare(s), v, mask};
	} else {
		die(line, EINVAL);
	}
}

static void add(scmp_filter_ctx ctx, const struct rule *r, int nr, const struct alt *a)
{
	struct scmp_arg_cmp c[6];
	int rc;

	for (int i = 0; i < a->n; i++) {
		const struct cond *k = &a->conds[i];
		if (k->op == SCMP_CMP_MASKED_EQ)
			c[i] = SCMP_CMP64(k->arg, k->op, k->mask, k->v);
		else
			c[i] = SCMP_CMP64(k->arg, k->op, k->v);
	}
	rc = seccomp_rule_add_array(ctx, r->action, nr, a->n, c);
	if (rc)
		die(r->name, rc);
}

static void prioritise(scmp_filter_ctx ctx)
{
	double most = 1;
	for (int i = 0; i < policy.nweights; i++)
		if (policy.weights[i].w > most)
			most = policy.weights[i].w;
	for (int i = 0; i < policy.nweights; i++)
		for (int j = 0; j < policy.n; j++)
			if (policy.rules[j].nr == policy.weights[i].nr)
				seccomp_syscall_priority(ctx, policy.weights[i].nr, 255 * log1p(policy.weights[i].w) / log1p(most));
}

static void compile(const char *option, int fd)
{
	static const struct alt always;
	int rc;
	scmp_filter_ctx ctx = seccomp_init(policy.action);

	if (!ctx)
		die("seccomp_init", ENOMEM);
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, option[0] - '0');
	if (rc)
		die("optimise level", rc);
	for (int i = 0; i < policy.nabis; i++) {
		rc = seccomp_arch_add(ctx, policy.abis[i]);
		if (rc)
			die("seccomp_arch_add", rc);
	}
	if (option[1] == 'p')
		prioritise(ctx);
	for (int i = 0; i < policy.n; i++) {
		const struct rule *r = &policy.rules[i];
		/* With several ABIs numbers are the library's to translate. */
		int nr = policy.nabis ? seccomp_syscall_resolve_name(r->name) : r->nr;
		if (nr == __NR_SCMP_ERROR)
			nr = r->nr;
		if (!r->n)
			add(ctx, r, nr, &always);
		for (int j = 0; j < r->n; j++)
			add(ctx, r, nr, &r->alts[j]);
	}
	if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET))
		die("output", errno);
	rc = seccomp_export_bpf(ctx, fd);
	if (rc)
		die("seccomp_export_bpf", rc);
	seccomp_release(ctx);
}

static double now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static int order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	char line[256];
	static double times[1001];
	unsigned long a, b;
	int n = 0;

	if (argc == 2 && !strcmp(argv[1], "version")) {
		const struct scmp_version *v = seccomp_version();
		printf("%u.%u.%u\n", v->major, v->minor, v->micro);
		return 0;
	}
	if (argc != 4)
		die("usage: driver OPTION BUDGET_NS FILTER.bpf", EINVAL);
	while (fgets(line, sizeof line, stdin))
		parse(line);
	/* The library writes to a descriptor: to memory, so that disks do not count. */
	int fd = memfd_create("filter", 0);
	if (fd < 0)
		die("memfd_create", errno);
	compile(argv[1], fd);
	a = allocs, b = bytes;
	compile(argv[1], fd);
	a = allocs - a, b = bytes - b;
	for (double end = now(CLOCK_MONOTONIC) + atof(argv[2]); !n || (n < 1001 && now(CLOCK_MONOTONIC) < end); n++) {
		double start = now(CLOCK_PROCESS_CPUTIME_ID);
		compile(argv[1], fd);
		times[n] = now(CLOCK_PROCESS_CPUTIME_ID) - start;
	}
	qsort(times, n, sizeof *times, order);

	FILE *out = fopen(argv[3], "w");
	char buf[8];
	lseek(fd, 0, SEEK_SET);
	for (ssize_t k; out && (k = read(fd, buf, sizeof buf)) > 0;)
		fwrite(buf, 1, k, out);
	if (!out || fclose(out))
		die(argv[3], errno);
	printf("{\"ns\":%.0f,\"allocs\":%lu,\"bytes\":%lu}\n", times[n / 2], a, b);
	return 0;
}
