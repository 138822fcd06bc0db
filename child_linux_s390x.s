#include "textflag.h"
#include "child_linux.h"

// See child_image_linux.go for what this does; p is R8.
TEXT ·trampoline(SB),NOSPLIT|NOFRAME,$0-0
	MOVD 0(R15), R2
	ADD  $8, R15, R3
	SLD  $3, R2, R4
	ADD  R3, R4
	ADD  $8, R4
	MOVD $TABLE, R9
	MOVD $STATUS, R12
	MOVD R3, (ENTRY64+16)(R9)
	MOVD R4, (ENTRY64+24)(R9)
	MOVD R9, R8
	ADD  $(2*ENTRY64), R8
loop:
	MOVD 0(R8), R1
	MOVD 8(R8), R2
	MOVD 16(R8), R3
	MOVD 24(R8), R4
	MOVD 32(R8), R5
	MOVD 40(R8), R6
	MOVD 48(R8), R7
	SYSCALL
	NEG  R2, R3
	MOVD R3, R4
	ADD  $-1, R4
	SRD  $12, R4, R4
	CMPBEQ R4, $0, fail
	MOVD R2, 16(R12)
	SYNC
	MOVD R8, 0(R12)
	MOVD 64(R8), R4
	CMPBEQ R4, $0, next
	MOVD $SPINS, R5
spin:
	ADD  $-1, R5
	CMPBEQ R5, $0, die
	MOVD 24(R12), R4
	CMPBEQ R4, $0, spin
next:
	MOVD 56(R8), R8
	BR   loop
fail:
	CMPBEQ R8, R9, die
	MOVD R3, 8(R12)
	MOVD R9, R8
	BR   loop
die:
	UNDEF
	WORD $MARK1
	WORD $MARK2

TEXT ·trampolineAddress(SB),NOSPLIT,$0-8
	MOVD $·trampoline(SB), R2
	MOVD R2, ret+0(FP)
	RET
