// Package testvm runs the repository's live tests on real kernels of other
// architectures and other ages, under qemu's emulation:
//
//	go run ./internal/testvm/cmd/matrix            # every guest
//	go run ./internal/testvm/cmd/matrix -list      # what there is
//	go run ./internal/testvm/cmd/matrix -guests 's390x-*' -run TestKernel ./cbpf
//
// # What happens
//
// The kernels and the emulators are Debian's packages, fetched and verified by
// the machine's own apt in a private root (apt.go): nothing is installed, and
// the mirror is the one the machine's apt configuration names. The tests are
// built with go test -c for the guest's GOARCH and without cgo (build.go), packed
// with a small /init (directory init) as an initramfs (cpio.go), and the kernel is
// booted with it (qemu.go). There is no disk image and no distribution in the guest.
//
// /init reports over the serial console in the language of package console;
// the host turns it into what go test prints, or go test -json (results.go), and
// ends with a table (table.go). The guests are the table in guests.go.
//
// # What counts as a failure
//
// A failed test; a guest that does not boot, hangs, or powers off before its
// tests are over; output lines that the console lost; a kernel that warned or
// oopsed while a test ran. A kernel that could not be fetched is reported as
// skipped, with the reason, and never as passed.
package testvm
