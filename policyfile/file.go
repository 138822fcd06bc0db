package policyfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

// Limits of what is read. The largest policies in use are a hundredth of them.
const (
	MaxSize    = 4 << 20 // bytes of a file
	MaxEntries = 100_000 // names, conditions and values, where aliases repeat them each time
)

// A File is a policy as it was read, with where its parts stand.
type File struct {
	Name   string // what the file was called, for messages
	Format string // the format it was in, one of Formats
	Policy seccomp.Policy

	positions map[string]Position
	prepended int // groups before those in the file
}

// A Position is a place in a file, both counted from 1; the column in
// characters. The zero Position is no place.
type Position struct{ Line, Column int }

// String is "14:7", empty for no place.
func (p Position) String() string {
	if p == (Position{}) {
		return ""
	}
	return fmt.Sprintf("%d:%d", p.Line, p.Column)
}

// An Error says what is wrong with a policy file, and where.
type Error struct {
	Name string   // the file
	At   Position // zero when it is about the file as a whole
	Err  error
}

func (e *Error) Error() string {
	where := e.Name
	if e.At != (Position{}) {
		where += ":" + e.At.String()
	}
	return "policy " + where + ": " + line(e.Err.Error())
}

// line makes a message one line of bounded length that can be printed, whatever
// it quotes.
func line(text string) string {
	const longest = 600
	text = strings.Map(printable, strings.ReplaceAll(text, "\n", "; "))
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return text
}

// printable is a character, or what stands for one that cannot be printed.
func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return unicode.ReplacementChar
	}
	return r
}

// Unwrap gives the error without the place.
func (e *Error) Unwrap() error { return e.Err }

// Position is where a part of the policy stands. The path names the part by
// its keys in the native form: "default_action", "syscalls[0].names[3]",
// "syscalls[1].names_with_args[0].arguments[2].value". For a part that is not
// in the file it is the place of what the part would be in; zero when the
// policy was not read from text.
func (f *File) Position(path string) Position {
	for {
		if p, ok := f.positions[path]; ok {
			return p
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return f.positions[""]
		}
		path = path[:cut]
	}
}

// Read reads a policy in any of the Formats. The name is for messages, and
// where its ending tells the format, it does. Errors are of type *Error.
func Read(name string, r io.Reader) (*File, error) {
	return readWith(name, r, func(content []byte) (*format, error) {
		return detect(name, content), nil
	})
}

// ReadFormat is Read for a policy that is known to be in a format.
func ReadFormat(formatName, name string, r io.Reader) (*File, error) {
	return readWith(name, r, func([]byte) (*format, error) {
		return formatNamed(formatName)
	})
}

func readWith(name string, r io.Reader, choose func([]byte) (*format, error)) (*File, error) {
	content, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err == nil && len(content) > MaxSize {
		err = fmt.Errorf("is larger than %d bytes", MaxSize)
	}
	var f *format
	if err == nil {
		f, err = choose(content)
	}
	if err != nil {
		return nil, &Error{Name: name, Err: err}
	}
	file, err := f.read(name, content)
	if err != nil {
		var placed *Error
		if !errors.As(err, &placed) {
			err = &Error{Name: name, Err: err}
		}
		return nil, err
	}
	file.Name, file.Format = name, f.name
	return file, nil
}

// ReadFile reads the policy in a file, standard input when path is "-", or a
// policy of this package when it is one of Builtins.
func ReadFile(path string) (*File, error) {
	switch {
	case path == "-":
		return Read("standard input", os.Stdin)
	case strings.HasPrefix(path, builtinPrefix):
		return Builtin(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{Name: path, Err: withoutPath(err)}
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, &Error{Name: path, Err: errors.New("is a directory")}
	}
	return Read(path, f)
}

// withoutPath takes the file's name out of an error that will be given it.
func withoutPath(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Prepend puts groups before those of the file, so that they decide first. The
// places of what is in the file stay right.
func (f *File) Prepend(groups ...seccomp.SyscallGroup) {
	f.Policy.Syscalls = append(slices.Clone(groups), f.Policy.Syscalls...)
	f.prepended += len(groups)
}
