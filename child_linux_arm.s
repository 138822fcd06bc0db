#include "textflag.h"
#include "child_linux.h"

// See child_image_linux.go for what this does; p is R8.
TEXT ·trampoline(SB),NOSPLIT|NOFRAME,$0-0
	MOVW R13, R1
	MOVW 0(R1), R0
	ADD  $4, R1
	ADD  R0<<2, R1, R2
	ADD  $4, R2
	MOVW $TABLE, R9
	MOVW $STATUS, R6
	MOVW R1, (ENTRY32+8)(R9)
	MOVW R2, (ENTRY32+12)(R9)
	ADD  $(2*ENTRY32), R9, R8
loop:
	MOVW 0(R8), R7
	MOVW 4(R8), R0
	MOVW 8(R8), R1
	MOVW 12(R8), R2
	MOVW 16(R8), R3
	MOVW 20(R8), R4
	MOVW 24(R8), R5
	SWI  $0
	RSB  $0, R0, R1
	SUB  $1, R1, R2
	SRL  $12, R2, R2
	CMP  $0, R2
	BEQ  fail
	MOVW R0, 8(R6)
	MOVW R8, 0(R6)
	MOVW 32(R8), R2
	CMP  $0, R2
	BEQ  next
	MOVW $SPINS, R3
spin:
	SUB  $1, R3
	CMP  $0, R3
	BEQ  die
	MOVW 12(R6), R2
	CMP  $0, R2
	BEQ  spin
next:
	MOVW 28(R8), R8
	B    loop
fail:
	CMP  R8, R9
	BEQ  die
	MOVW R1, 4(R6)
	MOVW R9, R8
	B    loop
die:
	WORD $0xe7f000f0 // UDF
	WORD $MARK1
	WORD $MARK2

TEXT ·trampolineAddress(SB),NOSPLIT,$0-4
	MOVW $·trampoline(SB), R0
	MOVW R0, ret+0(FP)
	RET
