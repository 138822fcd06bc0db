// Numbers of system calls that are set in code to which only jumps through
// tables and pointers lead, or jumps of parts of a function that the compiler
// puts elsewhere because they are seldom executed.

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

volatile int x;

__attribute__((cold, noipa)) void seldom(int i) { x = i; }

__attribute__((noinline)) long table_with_a_case_elsewhere(int v) {
	long n = SYS_acct;
	switch (v) {
	case 0: n = SYS_chroot; x = 1; break;
	case 1: n = SYS_delete_module; x = 4; break;
	case 2: abort();
	case 3: n = SYS_personality; x = 5; break;
	case 4: n = SYS_pivot_root; x = 7; break;
	case 5: n = SYS_reboot; x = 9; break;
	}
	return syscall(n, x);
}

__attribute__((noinline)) long cases_elsewhere(int v) {
	long n = SYS_setdomainname;
	switch (v) {
	case 0: n = SYS_sethostname; x = 1; break;
	case 1: seldom(3); n = SYS_swapoff; break;
	case 2: n = SYS_swapon; x = 5; break;
	case 3: seldom(4); x++; seldom(6); n = SYS_syslog; break;
	case 4: x = 9; seldom(8); return syscall(SYS_vhangup, x);
	case 5: seldom(9); syscall(SYS_add_key, 5); abort();
	}
	return syscall(n, x);
}

__attribute__((noinline)) int back_from_elsewhere(int v) {
	long n = SYS_request_key;
	do {
		x = syscall(n, x);
		if (x == 5) { seldom(1); n = SYS_keyctl; }
		if (x == 6) { seldom(2); x++; n = SYS_kcmp; }
		x += 2;
	} while (x < v);
	return x;
}

struct instruction { void *label; int more; };

__attribute__((noinline)) long labels_behind_a_pointer(struct instruction *i, int fill) {
	long n;
	if (fill) { i[0].label = &&a; i[1].label = &&b; i[2].label = &&c; return 0; }
	goto *i->label;
a:
	n = SYS_mbind; x = 1; i++;
	if (i->more) goto *i->label;
	goto end;
b:
	n = SYS_migrate_pages; x = 2; goto end;
c:
	n = SYS_move_pages; x = 3;
end:
	return syscall(n, x);
}

__attribute__((noinline)) long labels_on_the_stack(int i, int j) {
	void *label[4] = {&&a, &&b, &&c, &&d};
	label[j] = &&d;
	long n = SYS_unshare;
	goto *label[i];
a:
	n = SYS_setns; x = 1;
b:
	x = 2; syscall(n, 1);
c:
	n = SYS_quotactl; x = 3;
d:
	x = 9;
	return syscall(n, x);
}

static const void *const *labels;

__attribute__((noinline)) long interpreter(const unsigned char *code) {
	static const void *const table[] = {&&a, &&b, &&c, &&end};
	labels = table;
	long n = SYS_fanotify_init;
	goto *labels[*code++];
a:
	n = SYS_fanotify_mark; x = 1; goto *labels[*code++];
b:
	n = SYS_ioprio_set; x = 2; goto *labels[*code++];
c:
	n = SYS_ioprio_get; x = 3; goto *labels[*code++];
end:
	return syscall(n, x);
}

__attribute__((noinline)) int loop(const char *s) {
	long n = SYS_bpf;
	for (;; s++)
		switch (*s) {
		case 'a': x++; break;
		case 'b': n = SYS_userfaultfd; break;
		case 'c': seldom(1); n = SYS_perf_event_open; continue;
		case 'd': if (x == 4) { seldom(2); n = SYS_set_mempolicy; } break;
		case 'e': x = syscall(n, x); break;
		case 'f': seldom(syscall(SYS_get_mempolicy)); abort();
		case 'g': return x;
		}
}

int main(int argc, char **argv) {
	struct instruction code[4];
	labels_behind_a_pointer(code, 1);
	return table_with_a_case_elsewhere(argc) + cases_elsewhere(argc) + back_from_elsewhere(argc) +
		labels_behind_a_pointer(code + argc, 0) + labels_on_the_stack(argc, argc + 1) +
		interpreter((unsigned char *)argv[1]) + loop(argv[1]);
}
