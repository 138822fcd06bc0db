#include "textflag.h"
#include "child_linux.h"

// See child_image_linux.go for what this does; p is BX.
TEXT ·trampoline(SB),NOSPLIT|NOFRAME,$0-0
	MOVQ 0(SP), AX
	LEAQ 8(SP), CX
	LEAQ 16(SP)(AX*8), DX
	MOVQ $TABLE, R12
	MOVQ $STATUS, R13
	MOVQ CX, (ENTRY64+16)(R12)
	MOVQ DX, (ENTRY64+24)(R12)
	LEAQ (2*ENTRY64)(R12), BX
loop:
	MOVQ 0(BX), AX
	MOVQ 8(BX), DI
	MOVQ 16(BX), SI
	MOVQ 24(BX), DX
	MOVQ 32(BX), R10
	MOVQ 40(BX), R8
	MOVQ 48(BX), R9
	SYSCALL
	CMPQ AX, $-4095
	JCC  fail
	MOVQ AX, 16(R13)
	MOVQ BX, 0(R13)
	CMPQ 64(BX), $0
	JEQ  next
	MOVQ $SPINS, CX
spin:
	PAUSE
	DECQ CX
	JEQ  die
	CMPQ 24(R13), $0
	JEQ  spin
next:
	MOVQ 56(BX), BX
	JMP  loop
fail:
	CMPQ BX, R12
	JEQ  die
	NEGQ AX
	MOVQ AX, 8(R13)
	MOVQ R12, BX
	JMP  loop
die:
	UNDEF
	LONG $MARK1
	LONG $MARK2

TEXT ·trampolineAddress(SB),NOSPLIT,$0-8
	LEAQ ·trampoline(SB), AX
	MOVQ AX, ret+0(FP)
	RET
