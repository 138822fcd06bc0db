// Package int80 makes system calls through the 32-bit gate of x86_64's kernel,
// as any 64-bit process can. It exists for tests on that architecture.
package int80
