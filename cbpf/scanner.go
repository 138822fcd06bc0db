package cbpf

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A scanner reads one line of text.
type scanner struct {
	text string
	line int // from 1
	at   int // next byte
}

func (s *scanner) errorf(at int, format string, args ...any) error {
	return &SyntaxError{s.line, at + 1, fmt.Sprintf(format, args...)}
}

func (s *scanner) done() bool   { return s.at >= len(s.text) }
func (s *scanner) rest() string { return strings.TrimSpace(s.text[s.at:]) }

func (s *scanner) skipSpace() {
	for !s.done() && strings.IndexByte(" \t\r", s.text[s.at]) >= 0 {
		s.at++
	}
}

// accept skips a text when it comes next.
func (s *scanner) accept(text string) bool {
	if !strings.HasPrefix(s.text[s.at:], text) {
		return false
	}
	s.at += len(text)
	return true
}

// acceptWord skips a text when it comes next and is a whole name.
func (s *scanner) acceptWord(text string) bool {
	start := s.at
	if s.word() == text {
		return true
	}
	s.at = start
	return false
}

func isLetter(c byte) bool {
	return c == '_' || c == '.' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// name reads a letter, underscore or dot and what follows of those and of
// digits; it is empty when there is none.
func (s *scanner) name() string {
	start := s.at
	for !s.done() && (isLetter(s.text[s.at]) || s.at > start && isDigit(s.text[s.at])) {
		s.at++
	}
	return s.text[start:s.at]
}

// word reads a name of a word of struct seccomp_data: names with an index.
func (s *scanner) word() string {
	start := s.at
	if s.name() == "" {
		return ""
	}
	if s.accept("[") {
		for !s.done() && isDigit(s.text[s.at]) {
			s.at++
		}
		if s.accept("]") {
			s.name()
		}
	}
	return s.text[start:s.at]
}

func (s *scanner) startsNumber() bool {
	return !s.done() && (isDigit(s.text[s.at]) || s.text[s.at] == '-')
}

// number reads a number in Go's notation. One below zero stands for its two's
// complement.
func (s *scanner) number() (uint32, error) {
	start := s.at
	negative := s.accept("-")
	digits := s.at
	for !s.done() && (isDigit(s.text[s.at]) || isLetter(s.text[s.at])) {
		s.at++
	}
	text := s.text[start:s.at]
	if text == "" {
		return 0, s.errorf(start, "have %q, want a number", s.rest())
	}
	n, err := strconv.ParseUint(s.text[digits:s.at], 0, 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		return 0, s.errorf(start, "%q is not a number", text)
	case err != nil || n > math.MaxUint32 || negative && n > 1<<31:
		return 0, s.errorf(start, "the number %s does not fit in 32 bits", text)
	}
	if negative {
		n = -n
	}
	return uint32(n), nil
}

// bracketed reads a number and what closes the bracket before it.
func (s *scanner) bracketed(closing string) (uint32, error) {
	s.skipSpace()
	n, err := s.number()
	if err != nil {
		return 0, err
	}
	s.skipSpace()
	if !s.accept(closing) {
		return 0, s.errorf(s.at, "have %q, want %q", s.rest(), closing)
	}
	return n, nil
}

// comma skips a comma; what says what must follow it.
func (s *scanner) comma(what string) error {
	s.skipSpace()
	if !s.accept(",") {
		return s.errorf(s.at, "have %q, want a comma and %s", s.rest(), what)
	}
	return nil
}

// end checks that the line has nothing more.
func (s *scanner) end() error {
	s.skipSpace()
	if !s.done() {
		return s.errorf(s.at, "unexpected %q", s.rest())
	}
	return nil
}
