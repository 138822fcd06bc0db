//go:build ppc64 || ppc64le

#include "textflag.h"
#include "child_linux.h"

// See child_image_linux.go for what this does; p is R14.
TEXT ·trampoline(SB),NOSPLIT|NOFRAME,$0-0
	MOVD 0(R1), R3
	ADD  $8, R1, R4
	SLD  $3, R3, R5
	ADD  R4, R5, R5
	ADD  $8, R5, R5
	MOVD $TABLE, R15
	MOVD $STATUS, R16
	MOVD R4, (ENTRY64+16)(R15)
	MOVD R5, (ENTRY64+24)(R15)
	ADD  $(2*ENTRY64), R15, R14
loop:
	MOVD 8(R14), R3
	MOVD 16(R14), R4
	MOVD 24(R14), R5
	MOVD 32(R14), R6
	MOVD 40(R14), R7
	MOVD 48(R14), R8
	MOVD 0(R14), R0
	SYSCALL
	BVC  ok
	CMP  R14, R15
	BEQ  die
	MOVD R3, 8(R16)
	MOVD R15, R14
	BR   loop
ok:
	MOVD R3, 16(R16)
	SYNC
	MOVD R14, 0(R16)
	MOVD 64(R14), R5
	CMP  R5, $0
	BEQ  next
	MOVD $SPINS, R6
spin:
	ADD  $-1, R6, R6
	CMP  R6, $0
	BEQ  die
	MOVD 24(R16), R5
	CMP  R5, $0
	BEQ  spin
next:
	MOVD 56(R14), R14
	BR   loop
die:
	UNDEF
	WORD $MARK1
	WORD $MARK2

TEXT ·trampolineAddress(SB),NOSPLIT,$0-8
	MOVD $·trampoline(SB), R3
	MOVD R3, ret+0(FP)
	RET
