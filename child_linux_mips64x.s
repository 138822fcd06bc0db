//go:build mips64 || mips64le

#include "textflag.h"
#include "child_linux.h"

// See child_image_linux.go for what this does; p is R16.
TEXT ·trampoline(SB),NOSPLIT|NOFRAME,$0-0
	MOVV 0(R29), R4
	ADDV $8, R29, R5
	SLLV $3, R4, R6
	ADDV R5, R6, R6
	ADDV $8, R6, R6
	MOVV $TABLE, R17
	MOVV $STATUS, R18
	MOVV R5, (ENTRY64+16)(R17)
	MOVV R6, (ENTRY64+24)(R17)
	ADDV $(2*ENTRY64), R17, R16
loop:
	MOVV 0(R16), R2
	MOVV 8(R16), R4
	MOVV 16(R16), R5
	MOVV 24(R16), R6
	MOVV 32(R16), R7
	MOVV 40(R16), R8
	MOVV 48(R16), R9
	SYSCALL
	BNE  R7, R0, fail
	MOVV R2, 16(R18)
	SYNC
	MOVV R16, 0(R18)
	MOVV 64(R16), R6
	BEQ  R6, R0, next
	MOVV $SPINS, R7
spin:
	ADDV $-1, R7, R7
	BEQ  R7, R0, die
	MOVV 24(R18), R6
	BEQ  R6, R0, spin
next:
	MOVV 56(R16), R16
	JMP  loop
fail:
	BEQ  R16, R17, die
	MOVV R2, 8(R18)
	MOVV R17, R16
	JMP  loop
die:
	UNDEF
	WORD $MARK1
	WORD $MARK2

TEXT ·trampolineAddress(SB),NOSPLIT,$0-8
	MOVV $·trampoline(SB), R4
	MOVV R4, ret+0(FP)
	RET
