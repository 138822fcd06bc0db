#include "textflag.h"
#include "child_linux.h"

// See child_image_linux.go for what this does; p is X18.
TEXT ·trampoline(SB),NOSPLIT|NOFRAME,$0-0
	MOV  0(X2), X10
	ADD  $8, X2, X11
	SLL  $3, X10, X12
	ADD  X11, X12, X12
	ADD  $8, X12, X12
	MOV  $TABLE, X19
	MOV  $STATUS, X20
	MOV  X11, (ENTRY64+16)(X19)
	MOV  X12, (ENTRY64+24)(X19)
	ADD  $(2*ENTRY64), X19, X18
loop:
	MOV  0(X18), X17
	MOV  8(X18), X10
	MOV  16(X18), X11
	MOV  24(X18), X12
	MOV  32(X18), X13
	MOV  40(X18), X14
	MOV  48(X18), X15
	ECALL
	NEG  X10, X11
	ADD  $-1, X11, X12
	SRL  $12, X12, X12
	BEQ  X12, X0, fail
	MOV  X10, 16(X20)
	FENCE
	MOV  X18, 0(X20)
	MOV  64(X18), X12
	BEQ  X12, X0, next
	MOV  $SPINS, X13
spin:
	ADD  $-1, X13, X13
	BEQ  X13, X0, die
	MOV  24(X20), X12
	BEQ  X12, X0, spin
next:
	MOV  56(X18), X18
	JMP  loop
fail:
	BEQ  X18, X19, die
	MOV  X11, 8(X20)
	MOV  X19, X18
	JMP  loop
die:
	WORD $0
	WORD $MARK1
	WORD $MARK2

TEXT ·trampolineAddress(SB),NOSPLIT,$0-8
	MOV $·trampoline(SB), X10
	MOV X10, ret+0(FP)
	RET
