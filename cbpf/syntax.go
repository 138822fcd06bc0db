package cbpf

// A shape is what an instruction's operand looks like in text.
type shape int

const (
	shapeNone   shape = iota
	shapeAbs          // [8], or the name of the word
	shapeInd          // [x + 8]
	shapeImm          // #8
	shapeLen          // #len
	shapeMem          // M[8]
	shapeMSH          // 4*([8]&0xf)
	shapeX            // x
	shapeA            // a
	shapeReturn       // allow, errno(13), #0x7fff0000
	shapeTarget       // L8, next, +3
	shapeTestK        // #8, L8, L9
	shapeTestX        // x, L8, L9
)

// A form is the text form of an instruction.
type form struct {
	op       uint16
	mnemonic string
	shape    shape
}

// syntax is the text form of all instructions that have one: those of classic
// BPF. The mnemonics are those of golang.org/x/net/bpf and bpf_asm(1).
var syntax = []form{
	{opLoadAbs, "ld", shapeAbs},
	{classLD | sizeH | modeABS, "ldh", shapeAbs},
	{classLD | sizeB | modeABS, "ldb", shapeAbs},
	{classLD | sizeW | modeIND, "ld", shapeInd},
	{classLD | sizeH | modeIND, "ldh", shapeInd},
	{classLD | sizeB | modeIND, "ldb", shapeInd},
	{opLoadImm, "ld", shapeImm},
	{opLoadLen, "ld", shapeLen},
	{opLoadMem, "ld", shapeMem},
	{opLoadXImm, "ldx", shapeImm},
	{opLoadXLen, "ldx", shapeLen},
	{opLoadXMem, "ldx", shapeMem},
	{opMSH, "ldx", shapeMSH},
	{opStore, "st", shapeMem},
	{opStoreX, "stx", shapeMem},
	{opAddK, "add", shapeImm}, {opAddX, "add", shapeX},
	{opSubK, "sub", shapeImm}, {opSubX, "sub", shapeX},
	{opMulK, "mul", shapeImm}, {opMulX, "mul", shapeX},
	{opDivK, "div", shapeImm}, {opDivX, "div", shapeX},
	{opModK, "mod", shapeImm}, {opModX, "mod", shapeX},
	{opAndK, "and", shapeImm}, {opAndX, "and", shapeX},
	{opOrK, "or", shapeImm}, {opOrX, "or", shapeX},
	{opXorK, "xor", shapeImm}, {opXorX, "xor", shapeX},
	{opLshK, "lsh", shapeImm}, {opLshX, "lsh", shapeX},
	{opRshK, "rsh", shapeImm}, {opRshX, "rsh", shapeX},
	{opNeg, "neg", shapeNone},
	{opJump, "ja", shapeTarget},
	{opJeqK, "jeq", shapeTestK}, {opJeqX, "jeq", shapeTestX},
	{opJgtK, "jgt", shapeTestK}, {opJgtX, "jgt", shapeTestX},
	{opJgeK, "jge", shapeTestK}, {opJgeX, "jge", shapeTestX},
	{opJsetK, "jset", shapeTestK}, {opJsetX, "jset", shapeTestX},
	{opRetK, "ret", shapeReturn}, {opRetA, "ret", shapeA},
	{opTAX, "tax", shapeNone},
	{opTXA, "txa", shapeNone},
}

// syntaxOf gives the text form of an instruction code, nil when it has none.
func syntaxOf(op uint16) *form {
	if op > 0xff || syntaxIndex[op] == 0 {
		return nil
	}
	return &syntax[syntaxIndex[op]-1]
}

// syntaxIndex is, by code, one more than the index in syntax.
var syntaxIndex = func() (index [256]uint8) {
	for i, form := range syntax {
		index[form.op] = uint8(i + 1)
	}
	return index
}()

// negated names the tests that hold when another does not.
var negated = map[string]string{"jeq": "jneq", "jgt": "jle", "jge": "jlt"}

// aliases are other spellings that Assemble reads.
var aliases = map[string]string{"jne": "jneq", "jmp": "ja", "ldxb": "ldx"}

// wordName names a word of struct seccomp_data.
func wordName(offset uint32, bigEndian bool) (string, bool) {
	if offset >= DataSize || offset%4 != 0 {
		return "", false
	}
	half := ".lo"
	if (offset%8 == 4) != bigEndian {
		half = ".hi"
	}
	switch {
	case offset == offsetNR:
		return "nr", true
	case offset == offsetArch:
		return "arch", true
	case offset < offsetArgs:
		return "ip" + half, true
	}
	return "args[" + string(rune('0'+(offset-offsetArgs)/8)) + "]" + half, true
}

// wordOffset is the inverse of wordName.
func wordOffset(name string, bigEndian bool) (uint32, bool) {
	for offset := uint32(0); offset < DataSize; offset += 4 {
		if have, _ := wordName(offset, bigEndian); have == name {
			return offset, true
		}
	}
	return 0, false
}
