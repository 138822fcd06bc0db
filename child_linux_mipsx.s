//go:build mips || mipsle

#include "textflag.h"
#include "child_linux.h"

// See child_image_linux.go for what this does; p is R16. Arguments five and
// six are on the stack.
TEXT ·trampoline(SB),NOSPLIT|NOFRAME,$0-0
	MOVW 0(R29), R4
	ADDU $4, R29, R5
	SLL  $2, R4, R6
	ADDU R5, R6, R6
	ADDU $4, R6, R6
	ADDU $-64, R29, R29
	MOVW $TABLE, R17
	MOVW $STATUS, R18
	MOVW R5, (ENTRY32+8)(R17)
	MOVW R6, (ENTRY32+12)(R17)
	ADDU $(2*ENTRY32), R17, R16
loop:
	MOVW 20(R16), R4
	MOVW 24(R16), R5
	MOVW R4, 16(R29)
	MOVW R5, 20(R29)
	MOVW 0(R16), R2
	MOVW 4(R16), R4
	MOVW 8(R16), R5
	MOVW 12(R16), R6
	MOVW 16(R16), R7
	SYSCALL
	BNE  R7, R0, fail
	MOVW R2, 8(R18)
	SYNC
	MOVW R16, 0(R18)
	MOVW 32(R16), R6
	BEQ  R6, R0, next
	MOVW $SPINS, R7
spin:
	ADDU $-1, R7, R7
	BEQ  R7, R0, die
	MOVW 12(R18), R6
	BEQ  R6, R0, spin
next:
	MOVW 28(R16), R16
	JMP  loop
fail:
	BEQ  R16, R17, die
	MOVW R2, 4(R18)
	MOVW R17, R16
	JMP  loop
die:
	UNDEF
	WORD $MARK1
	WORD $MARK2

TEXT ·trampolineAddress(SB),NOSPLIT,$0-4
	MOVW $·trampoline(SB), R4
	MOVW R4, ret+0(FP)
	RET
