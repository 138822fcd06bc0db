#include "textflag.h"

// func syscall64(nr uintptr) uintptr
//
// __USER_CS is 0x33 and __USER32_CS 0x23 (arch/x86/include/asm/segment.h).
TEXT ·syscall64(SB), NOSPLIT, $0-8
	MOVL nr+0(FP), AX
	// push $0x33; call next; next: add $5, (%esp); lret
	BYTE $0x6a; BYTE $0x33
	BYTE $0xe8; LONG $0
	BYTE $0x83; BYTE $0x04; BYTE $0x24; BYTE $0x05
	BYTE $0xcb
	// 64-bit from here: mov %esp, %esp; syscall
	BYTE $0x89; BYTE $0xe4
	BYTE $0x0f; BYTE $0x05
	// call next; next: movl $0x23, 4(%rsp); addl $13, (%rsp); lret
	BYTE $0xe8; LONG $0
	BYTE $0xc7; BYTE $0x44; BYTE $0x24; BYTE $0x04; LONG $0x23
	BYTE $0x83; BYTE $0x04; BYTE $0x24; BYTE $0x0d
	BYTE $0xcb
	// 32-bit again
	MOVL AX, ret+4(FP)
	RET
