#include "textflag.h"
#include "child_linux.h"

// See child_image_linux.go for what this does. All registers are arguments of
// INT $0x80, so p is kept in the last word of the table's first entry.
TEXT ·trampoline(SB),NOSPLIT|NOFRAME,$0-0
	MOVL 0(SP), AX
	LEAL 4(SP), CX
	LEAL 8(SP)(AX*4), DX
	MOVL $TABLE, BX
	MOVL CX, (ENTRY32+8)(BX)
	MOVL DX, (ENTRY32+12)(BX)
	LEAL (2*ENTRY32)(BX), AX
loop:
	MOVL $TABLE, BX
	MOVL AX, 32(BX)
	MOVL 24(AX), BP
	MOVL 20(AX), DI
	MOVL 16(AX), SI
	MOVL 12(AX), DX
	MOVL 8(AX), CX
	MOVL 4(AX), BX
	MOVL 0(AX), AX
	INT  $0x80
	MOVL $TABLE, BX
	MOVL $STATUS, CX
	MOVL 32(BX), DX
	CMPL AX, $-4095
	JCC  fail
	MOVL AX, 8(CX)
	MOVL DX, 0(CX)
	CMPL 32(DX), $0
	JEQ  next
	MOVL $SPINS, AX
spin:
	PAUSE
	DECL AX
	JEQ  die
	CMPL 12(CX), $0
	JEQ  spin
next:
	MOVL 28(DX), AX
	JMP  loop
fail:
	CMPL DX, BX
	JEQ  die
	NEGL AX
	MOVL AX, 4(CX)
	MOVL BX, AX
	JMP  loop
die:
	UNDEF
	LONG $MARK1
	LONG $MARK2

TEXT ·trampolineAddress(SB),NOSPLIT,$0-4
	LEAL ·trampoline(SB), AX
	MOVL AX, ret+0(FP)
	RET
