#include "textflag.h"
#include "child_linux.h"

// See child_image_linux.go for what this does; p is R19.
TEXT ·trampoline(SB),NOSPLIT|NOFRAME,$0-0
	MOVD RSP, R1
	MOVD 0(R1), R0
	ADD  $8, R1
	ADD  R0<<3, R1, R2
	ADD  $8, R2
	MOVD $TABLE, R20
	MOVD $STATUS, R21
	MOVD R1, (ENTRY64+16)(R20)
	MOVD R2, (ENTRY64+24)(R20)
	ADD  $(2*ENTRY64), R20, R19
loop:
	MOVD 0(R19), R8
	MOVD 8(R19), R0
	MOVD 16(R19), R1
	MOVD 24(R19), R2
	MOVD 32(R19), R3
	MOVD 40(R19), R4
	MOVD 48(R19), R5
	SVC
	NEG  R0, R1
	SUB  $1, R1, R2
	LSR  $12, R2, R2
	CBZ  R2, fail
	MOVD R0, 16(R21)
	DMB  $0xb
	MOVD R19, 0(R21)
	MOVD 64(R19), R2
	CBZ  R2, next
	MOVD $SPINS, R3
spin:
	YIELD
	SUB  $1, R3
	CBZ  R3, die
	MOVD 24(R21), R2
	CBZ  R2, spin
next:
	MOVD 56(R19), R19
	B    loop
fail:
	CMP  R19, R20
	BEQ  die
	MOVD R1, 8(R21)
	MOVD R20, R19
	B    loop
die:
	UNDEF
	WORD $MARK1
	WORD $MARK2

TEXT ·trampolineAddress(SB),NOSPLIT,$0-8
	MOVD $·trampoline(SB), R0
	MOVD R0, ret+0(FP)
	RET
