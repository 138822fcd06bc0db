package decision

// ALU operations and jump tests of classic BPF that seccomp accepts.
const (
	aluAdd = 0x00
	aluSub = 0x10
	aluMul = 0x20
	aluDiv = 0x30
	aluOr  = 0x40
	aluAnd = 0x50
	aluLsh = 0x60
	aluRsh = 0x70
	aluNeg = 0x80
	aluXor = 0xa0

	testEQ  = 0x10
	testGT  = 0x20
	testGE  = 0x30
	testSET = 0x40
)

// bits returns a register as one predicate a bit.
func (l *lifter) bits(r register) [32]Node {
	y := l.regs[r]
	if y.vector != 0 {
		return l.vectors[y.vector-1]
	}
	no, yes := l.s.Const(falseValue), l.s.Const(trueValue)
	var v [32]Node
	for i := range v {
		switch {
		case y.mask>>i&1 != 0:
			v[i] = l.s.mk(uint32(y.word)*32+31-uint32(i), no, yes)
		case y.mask == 0 && y.k>>i&1 != 0:
			v[i] = yes
		default:
			v[i] = no
		}
	}
	return v
}

// vector interns predicates as a register; a constant becomes one.
func (l *lifter) vector(v [32]Node) register {
	k, constant := uint32(0), true
	for i, n := range v {
		b, ok := l.s.Value(n)
		constant = constant && ok
		k |= b & 1 << i
	}
	if constant {
		return l.register(symbol{k: k})
	}
	id, ok := l.vectorID[v]
	if !ok {
		if l.vectorID == nil {
			l.vectorID = make(map[[32]Node]int)
		}
		l.vectors = append(l.vectors, v)
		id = len(l.vectors)
		l.vectorID[v] = id
	}
	return l.register(symbol{vector: id})
}

// alu returns A after an operation. A division by a zero operand yields
// anything: the caller has made the program end there.
func (l *lifter) alu(op uint16, a, b register) register {
	ya, yb := l.regs[a], l.regs[b]
	constA, constB := ya.mask == 0 && ya.vector == 0, yb.mask == 0 && yb.vector == 0
	if constA && (constB || op == aluNeg) {
		return l.register(symbol{k: fold(op, ya.k, yb.k)})
	}
	if op == aluAnd && constB && ya.vector == 0 {
		if ya.mask &= yb.k; ya.mask == 0 {
			return 0
		}
		return l.register(ya)
	}
	va := l.bits(a)
	if op == aluNeg {
		return l.vector(l.subtract([32]Node(l.constant(0)), va))
	}
	vb := l.bits(b)
	switch op {
	case aluAdd:
		return l.vector(l.add(va, vb))
	case aluSub:
		return l.vector(l.subtract(va, vb))
	case aluMul:
		return l.vector(l.multiply(va, vb))
	case aluDiv:
		return l.vector(l.divide(va, vb))
	case aluLsh, aluRsh:
		return l.vector(l.shift(va, vb, op == aluLsh))
	}
	var v [32]Node
	for i := range v {
		switch op {
		case aluAnd:
			v[i] = l.s.And(va[i], vb[i])
		case aluOr:
			v[i] = l.s.Or(va[i], vb[i])
		case aluXor:
			v[i] = l.s.ITE(va[i], l.s.Not(vb[i]), vb[i])
		}
	}
	return l.vector(v)
}

// fold applies an operation to constants.
func fold(op uint16, a, b uint32) uint32 {
	switch op {
	case aluAdd:
		return a + b
	case aluSub:
		return a - b
	case aluMul:
		return a * b
	case aluDiv:
		if b == 0 {
			return 0
		}
		return a / b
	case aluOr:
		return a | b
	case aluAnd:
		return a & b
	case aluLsh:
		return a << (b & 31)
	case aluRsh:
		return a >> (b & 31)
	case aluNeg:
		return -a
	}
	return a ^ b
}

func (l *lifter) constant(k uint32) [32]Node {
	var v [32]Node
	for i := range v {
		v[i] = l.s.Const(k >> i & 1)
	}
	return v
}

func (l *lifter) add(a, b [32]Node) [32]Node {
	v, _ := l.sum(a, b, l.s.Const(falseValue))
	return v
}

// subtract returns a - b: a plus the complement of b plus one.
func (l *lifter) subtract(a, b [32]Node) [32]Node {
	v, _ := l.sum(a, l.complement(b), l.s.Const(trueValue))
	return v
}

func (l *lifter) complement(a [32]Node) [32]Node {
	for i := range a {
		a[i] = l.s.Not(a[i])
	}
	return a
}

// sum adds with a carry in, and returns the carry out.
func (l *lifter) sum(a, b [32]Node, carry Node) ([32]Node, Node) {
	s := l.s
	for i := range a {
		if !s.charge(8) {
			break
		}
		differ := s.ITE(a[i], s.Not(b[i]), b[i])
		out := s.ITE(differ, carry, a[i])
		a[i] = s.ITE(differ, s.Not(carry), carry)
		carry = out
	}
	return a, carry
}

func (l *lifter) multiply(a, b [32]Node) [32]Node {
	if constants(l.s, a) > constants(l.s, b) {
		a, b = b, a // add up the fewer multiples
	}
	product := l.constant(0)
	for i := 0; i < 32 && l.s.Err() == nil; i++ {
		if v, ok := l.s.Value(b[i]); ok && v == 0 {
			continue
		}
		var part [32]Node
		for j := range part {
			part[j] = l.s.Const(falseValue)
			if j >= i {
				part[j] = l.s.And(b[i], a[j-i])
			}
		}
		product = l.add(product, part)
	}
	return product
}

func constants(s *Space, v [32]Node) int {
	n := 0
	for _, b := range v {
		if _, ok := s.Value(b); ok {
			n++
		}
	}
	return n
}

// divide is long division, most significant bit first. The remainder needs a
// thirty-third bit: it is below twice the divisor.
func (l *lifter) divide(a, b [32]Node) [32]Node {
	s := l.s
	var quotient [32]Node
	rest := l.constant(0)
	for i := 31; i >= 0 && s.Err() == nil; i-- {
		top := rest[31]
		copy(rest[1:], rest[:31])
		rest[0] = a[i]
		less, noBorrow := l.sum(rest, l.complement(b), s.Const(trueValue))
		fits := s.Or(top, noBorrow)
		quotient[i] = fits
		for j := range rest {
			rest[j] = s.ITE(fits, less[j], rest[j])
		}
	}
	for i := range quotient {
		if quotient[i] == 0 { // the budget ran out on the way
			quotient[i] = s.Const(falseValue)
		}
	}
	return quotient
}

// shift moves by the operand's low five bits, as the kernel does.
func (l *lifter) shift(a, by [32]Node, left bool) [32]Node {
	for k := range 5 {
		var moved [32]Node
		for i := range moved {
			from := i + 1<<k
			if left {
				from = i - 1<<k
			}
			moved[i] = l.s.Const(falseValue)
			if from >= 0 && from < 32 {
				moved[i] = a[from]
			}
		}
		for i := range a {
			a[i] = l.s.ITE(by[k], moved[i], a[i])
		}
	}
	return a
}

// compare returns the predicate of a jump's test of A against its operand.
func (l *lifter) compare(op uint16, a, b register) Node {
	s := l.s
	ya, yb := l.regs[a], l.regs[b]
	if ya.vector == 0 && ya.mask != 0 && yb.vector == 0 && yb.mask == 0 {
		no, yes := s.Const(falseValue), s.Const(trueValue)
		switch {
		case op == testEQ:
			return s.masked(ya.word, ya.mask, yb.k)
		case op == testSET:
			return s.Not(s.masked(ya.word, ya.mask&yb.k, 0))
		case ya.mask == ^uint32(0) && op == testGE:
			return s.atLeast(ya.word, yb.k, yes, no)
		case ya.mask == ^uint32(0):
			return s.Not(s.within32(ya.word, yb.k))
		}
	}
	va, vb := l.bits(a), l.bits(b)
	switch op {
	case testSET:
		n := s.Const(falseValue)
		for i := 31; i >= 0; i-- {
			n = s.Or(s.And(va[i], vb[i]), n)
		}
		return n
	case testEQ:
		n := s.Const(trueValue)
		for i := range va {
			n = s.And(s.ITE(va[i], vb[i], s.Not(vb[i])), n)
		}
		return n
	}
	// A > B, or A >= B, from the least significant bit up.
	n := s.Const(falseValue)
	if op == testGE {
		n = s.Const(trueValue)
	}
	for i := range va {
		differ := s.ITE(va[i], s.Not(vb[i]), vb[i])
		n = s.ITE(differ, va[i], n)
	}
	return n
}

// within32 returns the predicate that the word is at most k.
func (s *Space) within32(w Word, k uint32) Node {
	n := s.Const(trueValue)
	yes, no := n, s.Const(falseValue)
	for bit := uint32(0); bit < 32; bit++ {
		level := uint32(w)*32 + 31 - bit
		if k>>bit&1 != 0 {
			n = s.mk(level, yes, n)
		} else {
			n = s.mk(level, n, no)
		}
	}
	return n
}

// value returns the function that yields a register's value.
func (l *lifter) value(r register) Node {
	if y := l.regs[r]; y.mask == 0 && y.vector == 0 {
		return l.s.Const(y.k)
	}
	v := l.bits(r)
	var from func(bit int, k uint32) Node
	from = func(bit int, k uint32) Node {
		if bit < 0 {
			return l.s.Const(k)
		}
		if !l.s.charge(8) {
			return l.s.Const(0)
		}
		if b, ok := l.s.Value(v[bit]); ok {
			return from(bit-1, k|b<<bit)
		}
		return l.s.ITE(v[bit], from(bit-1, k|1<<bit), from(bit-1, k))
	}
	return from(31, 0)
}
