package cbpf

import "strings"

// operand reads the first operand of an instruction and tells its shape and
// its constant.
func (a *assembler) operand(s *scanner, mnemonic string) (shape, uint32, error) {
	// A test's first operand looks like that of arithmetic.
	imm, x := shapeImm, shapeX
	switch {
	case mnemonic == "ret":
		imm = shapeReturn
	case strings.HasPrefix(mnemonic, "j"):
		imm, x = shapeTestK, shapeTestX
	}
	start := s.at
	switch {
	case s.done():
		return shapeNone, 0, nil
	case s.accept("#"):
		if s.acceptWord("len") {
			return shapeLen, 0, nil
		}
		k, err := a.constant(s)
		return imm, k, err
	case s.accept("M["):
		k, err := s.bracketed("]")
		return shapeMem, k, err
	case s.accept("4*(["):
		k, err := s.bracketed("]&0xf)")
		return shapeMSH, k, err
	case s.accept("["):
		return indexed(s)
	case s.acceptWord("x"):
		return x, 0, nil
	case s.acceptWord("a"):
		return shapeA, 0, nil
	}
	if mnemonic == "ret" {
		k, err := returnValue(s)
		return shapeReturn, k, err
	}
	name := s.word()
	offset, ok := wordOffset(name, a.options.BigEndian)
	if !ok {
		if name == "" {
			name = s.rest()
		}
		return 0, 0, s.errorf(start, "%s takes %s, not %q", mnemonic, operandsOf(mnemonic), name)
	}
	return shapeAbs, offset, nil
}

// constant reads the number or name after "#".
func (a *assembler) constant(s *scanner) (uint32, error) {
	start := s.at
	name := s.name()
	if name == "" {
		return s.number()
	}
	if a.options.Symbol != nil {
		if v, ok := a.options.Symbol(name); ok {
			return v, nil
		}
	}
	return 0, s.errorf(start, "unknown name %q", name)
}

// indexed reads what follows "[".
func indexed(s *scanner) (shape, uint32, error) {
	s.skipSpace()
	if !s.acceptWord("x") {
		k, err := s.bracketed("]")
		return shapeAbs, k, err
	}
	s.skipSpace()
	if !s.accept("+") {
		return 0, 0, s.errorf(s.at, `have %q, want "+"`, s.rest())
	}
	k, err := s.bracketed("]")
	return shapeInd, k, err
}

// returnValue reads an action, with its data in parentheses.
func returnValue(s *scanner) (uint32, error) {
	start := s.at
	name := s.name()
	action, ok := ActionNumber(name)
	if !ok {
		names := make([]string, len(actionNames))
		for i, a := range actionNames {
			names[i] = a.name
		}
		if name == "" {
			name = s.rest()
		}
		return 0, s.errorf(start, "unknown action %q (known: %s, a, or a number as in #0x7fff0000)", name, strings.Join(names, ", "))
	}
	if !s.accept("(") {
		return action, nil
	}
	at := s.at
	data, err := s.bracketed(")")
	if err == nil && data > RetData {
		err = s.errorf(at, "an action's data is at most %d", RetData)
	}
	return action | data, err
}

func isMnemonic(name string) bool {
	for _, form := range syntax {
		if form.mnemonic == name {
			return true
		}
	}
	return false
}

// operandsOf lists what may follow a mnemonic.
func operandsOf(mnemonic string) string {
	var forms []string
	for _, form := range syntax {
		if form.mnemonic == mnemonic {
			forms = append(forms, map[shape]string{
				shapeNone: "no operand", shapeAbs: "[OFFSET] or a name such as nr, arch, args[0].lo", shapeInd: "[x + OFFSET]",
				shapeImm: "#NUMBER", shapeLen: "#len", shapeMem: "M[INDEX]", shapeMSH: "4*([OFFSET]&0xf)",
				shapeX: "x", shapeA: "a", shapeReturn: "an action", shapeTarget: "a label",
				shapeTestK: "#NUMBER, LABEL", shapeTestX: "x, LABEL",
			}[form.shape])
		}
	}
	return strings.Join(forms, " or ")
}

// suggestMnemonic names the closest mnemonic, when one is close.
func suggestMnemonic(name string) string {
	best, bestDistance := "", 3
	consider := func(known string) {
		if d := editDistance(name, known); d < bestDistance && d < len(known) {
			best, bestDistance = known, d
		}
	}
	consider(".raw")
	consider(".endian")
	for _, form := range syntax {
		consider(form.mnemonic)
		if other := negated[form.mnemonic]; other != "" {
			consider(other)
		}
	}
	if best == "" {
		return ""
	}
	return ` (did you mean "` + best + `"?)`
}

// editDistance counts the letters to insert, delete or replace.
func editDistance(a, b string) int {
	if len(a) > 16 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
