#include "textflag.h"
#include "child_linux.h"

// See child_image_linux.go for what this does; p is R23.
TEXT ·trampoline(SB),NOSPLIT|NOFRAME,$0-0
	MOVV 0(R3), R4
	ADDV $8, R3, R5
	SLLV $3, R4, R6
	ADDV R5, R6, R6
	ADDV $8, R6, R6
	MOVV $TABLE, R24
	MOVV $STATUS, R25
	MOVV R5, (ENTRY64+16)(R24)
	MOVV R6, (ENTRY64+24)(R24)
	ADDV $(2*ENTRY64), R24, R23
loop:
	MOVV 0(R23), R11
	MOVV 8(R23), R4
	MOVV 16(R23), R5
	MOVV 24(R23), R6
	MOVV 32(R23), R7
	MOVV 40(R23), R8
	MOVV 48(R23), R9
	SYSCALL
	SUBV R4, R0, R5
	ADDV $-1, R5, R6
	SRLV $12, R6, R6
	BEQ  R6, R0, fail
	MOVV R4, 16(R25)
	DBAR
	MOVV R23, 0(R25)
	MOVV 64(R23), R6
	BEQ  R6, R0, next
	MOVV $SPINS, R7
spin:
	ADDV $-1, R7, R7
	BEQ  R7, R0, die
	MOVV 24(R25), R6
	BEQ  R6, R0, spin
next:
	MOVV 56(R23), R23
	JMP  loop
fail:
	BEQ  R23, R24, die
	MOVV R5, 8(R25)
	MOVV R24, R23
	JMP  loop
die:
	BREAK
	WORD $MARK1
	WORD $MARK2

TEXT ·trampolineAddress(SB),NOSPLIT,$0-8
	MOVV $·trampoline(SB), R4
	MOVV R4, ret+0(FP)
	RET
