package elfscan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
)

// ErrFormat is wrapped by errors about files that are broken or not ELF.
var ErrFormat = image.ErrFormat

// Options adjust a scan. The zero value reads the file and the libraries that
// it needs from this machine.
type Options struct {
	// Path is the file's name: for messages, and for libraries that are found
	// relative to it ($ORIGIN).
	Path string
	// Size is the file's size; zero means that the reader tells (by a Size or
	// Stat method, or by seeking).
	Size int64
	// Sysroot is the directory below which libraries and interpreters are
	// looked up, such as a container image's root; "" means "/".
	Sysroot string
	// LibraryPath is searched first, like LD_LIBRARY_PATH.
	LibraryPath []string
	// Dlopen names libraries that the program loads while it runs. All that they
	// export counts as reachable: dlsym(3) may be given any name.
	Dlopen []string
	// Everything turns off the search for gates: code that only what the
	// program never does could enable counts as reachable.
	Everything bool
	// Why names calls whose evidence is to have paths; "*" means all.
	Why []string
	// Progress is called now and then with the bytes of code read so far.
	Progress func(done, total int64)
}

// Result is what a scan found.
type Result struct {
	Path      string   // as given
	ABI       string   // Linux's name of the ABI, such as "x86_64"
	GOARCH    string   // "" if Go has no port to it
	BuildID   string   // GNU build id in hexadecimal, or else Go's
	GoVersion string   // "" if the program is not Go's
	Script    string   // interpreter line, if the file is a script; all else is of the interpreter
	Modules   []Module // the program and its libraries, in load order

	// EnvProgram is what env(1) is to look for in $PATH and run, if it is the
	// script's interpreter. It is not part of this result.
	EnvProgram string

	Calls      []Call     // by name
	Unresolved []Site     // system call instructions with unknown numbers
	Loads      []Evidence // reachable functions that load more code
	Execs      []string   // programs that it runs, where constant
	Notes      []string   // what else the reader should know
	Partial    bool       // the file is damaged: there may be more calls
	Stats      Stats

	open *Arguments // of any call, because of a number that is not known
	more *Evidence  // loads libraries that were not read
	info *arch.Info
}

// Module is a file that was read.
type Module struct {
	Path    string
	BuildID string
}

// Stats describe the work that a scan did.
type Stats struct {
	CodeBytes int64 // searched
	Functions int   // known
	Reachable int
	Decoded   int
	Sites     int // possible system call instructions
}

// Grade says how sure it is that a program needs a call.
type Grade uint8

// The grades, surest first.
const (
	Kernel    Grade = iota + 1 // made by the kernel or at exit, always needed
	Runtime                    // the Go runtime needs it
	Reachable                  // some path leads to it
	Gated                      // only what the program never does leads to it
)

// String returns the grade's name.
func (g Grade) String() string {
	return [...]string{"none", "kernel", "runtime", "reachable", "gated"}[min(g, Gated)]
}

// Call is a system call that the program can make.
type Call struct {
	Name     string
	Number   uint32
	Grade    Grade
	Gate     string // what enables it, for Gated
	Evidence []Evidence
	Args     *Arguments // nil if they were not followed
}

// Evidence is one place that makes a call.
type Evidence struct {
	Module   string
	Function string
	Address  uint64 // where the number is supplied
	File     string // source position, if known
	Line     int
	Site     uint64  // address of the system call instruction
	Path     []Frame // from where the program starts to Function
	Gate     string
}

// Frame is one step of a path.
type Frame struct {
	Function string
	Module   string
	Address  uint64
}

// Site is a system call instruction that can be reached with a number that
// the scan could not find.
type Site struct {
	Evidence
	Offset uint64 // of the instruction in Function
	Reason string
}

// Scan reads an executable. A result comes with an error only when the scan
// was cancelled; a damaged file that still can be read in part gives a result
// with Partial set.
func Scan(ctx context.Context, r io.ReaderAt, opt *Options) (*Result, error) {
	var o Options
	if opt != nil {
		o = *opt
	}
	if o.Path == "" {
		o.Path = "executable"
	}
	size, err := sizeOf(r, o.Size)
	if err != nil {
		return nil, fmt.Errorf("%s: finding its size: %w", o.Path, err)
	}
	if line, ok := shebang(r, size); ok {
		return scanScript(ctx, line, o)
	}
	res, err := scanLevels(ctx, o, r, size)
	if res != nil { // a broken file may have anything in its names
		for i, n := range res.Notes {
			res.Notes[i] = image.Printable(n)
		}
	}
	return res, err
}

func sizeOf(r io.ReaderAt, size int64) (int64, error) {
	if size > 0 {
		return size, nil
	}
	switch v := r.(type) {
	case interface{ Size() int64 }:
		return v.Size(), nil
	case interface{ Stat() (fs.FileInfo, error) }:
		st, err := v.Stat()
		if err != nil {
			return 0, err
		}
		return st.Size(), nil
	case io.Seeker:
		return v.Seek(0, io.SeekEnd)
	}
	return 0, errors.New("set Options.Size")
}
