package emit

// A block is an instruction with its successors: a node of the program before
// it is laid out. Equal blocks are one block, so that code which two paths
// share is emitted once.
type block int32

const none block = -1

// Opcodes the compiler emits.
const (
	opLoad = 0x20 // LD|W|ABS
	opAnd  = 0x54 // ALU|AND|K
	opRet  = 0x06 // RET|K
	opJA   = 0x05
	opJEQ  = 0x15
	opJGE  = 0x35
	opJSET = 0x45
)

// inst is a block's content. A return has no successor, a load or AND has yes
// alone, a jump has both.
type inst struct {
	op      uint16
	k       uint32
	yes, no block
}

func (i *inst) jumps() bool { return i.no != none }

type code struct {
	insts   []inst
	heights []float64 // longest path from a block, in instructions executed
	ids     map[inst]block
}

func newCode() *code { return &code{ids: make(map[inst]block, 256)} }

func (c *code) add(i inst) block {
	if id, ok := c.ids[i]; ok {
		return id
	}
	id := block(len(c.insts))
	h := 1.0
	if i.yes != none {
		h = 1 + c.heights[i.yes]
	}
	if i.no != none {
		h = max(h, 1+c.heights[i.no])
	}
	c.insts = append(c.insts, i)
	c.heights = append(c.heights, h)
	c.ids[i] = id
	return id
}

func (c *code) ret(v uint32) block                { return c.add(inst{opRet, v, none, none}) }
func (c *code) load(off uint32, next block) block { return c.add(inst{opLoad, off, next, none}) }
func (c *code) and(mask uint32, next block) block { return c.add(inst{opAnd, mask, next, none}) }

func (c *code) jump(op uint16, k uint32, yes, no block) block {
	if yes == no {
		return yes
	}
	return c.add(inst{op, k, yes, no})
}

func (c *code) height(b block) float64 { return c.heights[b] }

// count returns how many blocks b is made of.
func (c *code) count(b block) int {
	seen := make([]bool, len(c.insts))
	var walk func(block) int
	walk = func(b block) int {
		if b == none || seen[b] {
			return 0
		}
		seen[b] = true
		return 1 + walk(c.insts[b].yes) + walk(c.insts[b].no)
	}
	return walk(b)
}
