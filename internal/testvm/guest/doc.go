// Package guest has the tests that only make sense on a kernel of the matrix:
// calls through other ABIs than the program's own, what each kernel version
// has, programs of Debian's busybox under a policy. On any other machine they
// skip. See package testvm.
package guest
