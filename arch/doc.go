// Package arch knows the system call ABIs of Linux.
package arch
