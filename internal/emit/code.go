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
	table   []block   // open addressing over insts, blocks plus one; 0 is free
	memory  []float64 // scratch in use, a stack
	effort  effort
	runs    runTable
}

func newCode() *code { return &code{table: make([]block, 1024)} }

// reset forgets every block and keeps the memory.
func (c *code) reset() {
	c.insts, c.heights, c.memory = c.insts[:0], c.heights[:0], c.memory[:0]
	clear(c.table)
	c.effort = effort{}
	c.runs.forget()
}

// scratch returns memory with anything in it, to be given back by cutting
// c.memory to the length that it had before.
func (c *code) scratch(n int) []float64 {
	used := len(c.memory)
	if used+n > cap(c.memory) { // who holds what was handed out keeps the old memory
		c.memory = make([]float64, used, 2*(used+n))
	}
	c.memory = c.memory[:used+n]
	return c.memory[used : used+n : used+n]
}

func (i *inst) hash() uint32 {
	h := uint64(i.k)*0x9e3779b97f4a7c15 ^ uint64(uint32(i.yes))*0xc2b2ae3d27d4eb4f ^ (uint64(uint32(i.no))<<16|uint64(i.op))*0x165667b19e3779f9
	return uint32(h >> 29)
}

func (c *code) add(i inst) block {
	mask := uint32(len(c.table) - 1)
	slot := i.hash() & mask
	for ; c.table[slot] != 0; slot = (slot + 1) & mask {
		if id := c.table[slot] - 1; c.insts[id] == i {
			return id
		}
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
	c.table[slot] = id + 1
	if 2*len(c.insts) > len(c.table) {
		c.grow()
	}
	return id
}

func (c *code) grow() {
	c.table = make([]block, 2*len(c.table))
	mask := uint32(len(c.table) - 1)
	for id := range c.insts {
		slot := c.insts[id].hash() & mask
		for c.table[slot] != 0 {
			slot = (slot + 1) & mask
		}
		c.table[slot] = block(id) + 1
	}
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
