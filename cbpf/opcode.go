package cbpf

// Parts of an instruction code, linux/bpf_common.h and linux/filter.h.
const (
	classLD   = 0x00
	classLDX  = 0x01
	classST   = 0x02
	classSTX  = 0x03
	classALU  = 0x04
	classJMP  = 0x05
	classRET  = 0x06
	classMISC = 0x07

	sizeW = 0x00
	sizeH = 0x08
	sizeB = 0x10

	modeIMM = 0x00
	modeABS = 0x20
	modeIND = 0x40
	modeMEM = 0x60
	modeLEN = 0x80
	modeMSH = 0xa0

	srcK = 0x00
	srcX = 0x08
	srcA = 0x10 // BPF_RET only

	aluADD  = 0x00
	jmpJA   = 0x00
	miscTAX = 0x00
)

// The instruction codes that seccomp accepts.
const (
	opLoadAbs  = classLD | sizeW | modeABS
	opLoadImm  = classLD | modeIMM
	opLoadMem  = classLD | modeMEM
	opLoadLen  = classLD | sizeW | modeLEN
	opLoadXImm = classLDX | modeIMM
	opLoadXMem = classLDX | modeMEM
	opLoadXLen = classLDX | sizeW | modeLEN
	opStore    = classST
	opStoreX   = classSTX

	opAddK = classALU | aluADD | srcK
	opAddX = classALU | aluADD | srcX
	opSubK = classALU | 0x10 | srcK
	opSubX = classALU | 0x10 | srcX
	opMulK = classALU | 0x20 | srcK
	opMulX = classALU | 0x20 | srcX
	opDivK = classALU | 0x30 | srcK
	opDivX = classALU | 0x30 | srcX
	opOrK  = classALU | 0x40 | srcK
	opOrX  = classALU | 0x40 | srcX
	opAndK = classALU | 0x50 | srcK
	opAndX = classALU | 0x50 | srcX
	opLshK = classALU | 0x60 | srcK
	opLshX = classALU | 0x60 | srcX
	opRshK = classALU | 0x70 | srcK
	opRshX = classALU | 0x70 | srcX
	opNeg  = classALU | 0x80
	opXorK = classALU | 0xa0 | srcK
	opXorX = classALU | 0xa0 | srcX

	opJump  = classJMP | jmpJA
	opJeqK  = classJMP | 0x10 | srcK
	opJeqX  = classJMP | 0x10 | srcX
	opJgtK  = classJMP | 0x20 | srcK
	opJgtX  = classJMP | 0x20 | srcX
	opJgeK  = classJMP | 0x30 | srcK
	opJgeX  = classJMP | 0x30 | srcX
	opJsetK = classJMP | 0x40 | srcK
	opJsetX = classJMP | 0x40 | srcX

	opRetK = classRET | srcK
	opRetA = classRET | srcA

	opTAX = classMISC | miscTAX
	opTXA = classMISC | 0x80
)

// Codes that socket filters may use and seccomp refuses; they are known so
// that a refusal can say so.
const (
	opModK = classALU | 0x90 | srcK
	opModX = classALU | 0x90 | srcX
	opMSH  = classLDX | sizeB | modeMSH
)
