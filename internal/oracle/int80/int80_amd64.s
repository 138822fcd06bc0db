//go:build linux

#include "textflag.h"

// func Call(frame *[7]uint32) (result uint32)
TEXT ·Call(SB), NOSPLIT, $0-12
	MOVQ frame+0(FP), R12
	MOVL 0(R12), AX
	MOVL 4(R12), BX
	MOVL 8(R12), CX
	MOVL 12(R12), DX
	MOVL 16(R12), SI
	MOVL 20(R12), DI
	MOVQ BP, R13 // the sixth argument
	MOVL 24(R12), BP
	INT  $0x80
	MOVQ R13, BP
	MOVL AX, result+8(FP)
	RET
