// Package source finds the filters that a command line names.
package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// An Input is a stack of filters.
type Input struct {
	Label     string
	Programs  []cbpf.Program // newest first
	BigEndian bool
	Native    *arch.Info       // the machine's ABI; nil when nothing says it
	File      *policyfile.File // the policy, when it is one
	Compiled  *seccomp.Compiled
}

// Options say how to read what does not say it itself. The zero value detects.
type Options struct {
	Order   string     // byte order of raw programs: "little", "big" or empty
	Machine *arch.Info // the machine that policies are compiled for; nil: this one
	Stdin   io.Reader  // what "-" is; nil: standard input
}

const (
	pidPrefix     = "pid:"
	builtinPrefix = "builtin:"
	maxFile       = 4 << 20
)

// Open finds the filters that one word names: a file with a policy, a raw
// program or the text of one (.asm), "-" for standard input, "builtin:NAME" or
// "pid:NUMBER". Only processes may have more than one.
func Open(word string, o Options) ([]Input, error) {
	if digits, ok := strings.CutPrefix(word, pidPrefix); ok {
		pid, err := strconv.Atoi(digits)
		if err != nil || pid <= 0 {
			return nil, fmt.Errorf("%s: %q is not the number of a process", word, digits)
		}
		return Process(pid)
	}
	in, err := open(word, o)
	if err != nil {
		return nil, err
	}
	return []Input{*in}, nil
}

func open(word string, o Options) (*Input, error) {
	if strings.HasPrefix(word, builtinPrefix) {
		file, err := policyfile.ReadFile(word)
		if err != nil {
			return nil, err
		}
		return policy(word, file, o)
	}
	data, name, err := read(word, o)
	switch {
	case err != nil:
		return nil, err
	case len(data) == 0:
		return nil, fmt.Errorf("%s: is empty", name)
	case filepath.Ext(word) == ".asm":
		return text(name, data, o)
	case bytes.IndexByte(data, 0) >= 0:
		return raw(name, data, o)
	}
	file, err := policyfile.Read(name, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return policy(name, file, o)
}

func read(word string, o Options) (data []byte, name string, err error) {
	var r io.Reader = o.Stdin
	name = word
	if word == "-" {
		name = "standard input"
		if r == nil {
			r = os.Stdin
		}
	} else {
		f, err := os.Open(word)
		if err != nil {
			return nil, "", err
		}
		defer f.Close()
		r = f
	}
	data, err = io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s: is longer than the %d bytes that any filter or policy needs", name, maxFile)
	}
	return data, name, err
}

// raw reads an array of struct sock_filter.
func raw(name string, data []byte, o Options) (*Input, error) {
	order, err := byteOrder(data, o.Order)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	program, err := cbpf.Decode(data, order)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return checked(name, program, order == binary.ByteOrder(binary.BigEndian), o)
}

func byteOrder(data []byte, name string) (binary.ByteOrder, error) {
	switch name {
	case "":
		return cbpf.DetectOrder(data)
	case "little":
		return binary.LittleEndian, nil
	case "big":
		return binary.BigEndian, nil
	}
	return nil, fmt.Errorf("byte order %q: want little or big", name)
}

// text reads a program as disassemblers print it.
func text(name string, data []byte, o Options) (*Input, error) {
	program, err := cbpf.Assemble(string(data), cbpf.AssembleOptions{BigEndian: o.Order == "big"})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	big := o.Order == "big" || strings.HasPrefix(first, ".endian") && strings.Contains(first, "big")
	return checked(name, program, big, o)
}

func checked(name string, program cbpf.Program, bigEndian bool, o Options) (*Input, error) {
	if err := program.Validate(); err != nil {
		return nil, fmt.Errorf("%s: the kernel refuses the program: %w", name, err)
	}
	in := &Input{Label: name, Programs: []cbpf.Program{program}, BigEndian: bigEndian}
	if o.Machine != nil {
		if o.Machine.BigEndian != bigEndian {
			return nil, fmt.Errorf("%s: machine %s has another byte order than the program", name, o.Machine.Name)
		}
		in.Native = o.Machine
	}
	return in, nil
}

func policy(name string, file *policyfile.File, o Options) (*Input, error) {
	compiled, err := file.Compile(&seccomp.CompileOptions{ABI: o.Machine})
	if err != nil {
		return nil, err
	}
	abis := compiled.ABIs()
	if len(abis) == 0 {
		return nil, errors.New(name + ": covers no ABI")
	}
	return &Input{
		Label:     name,
		Programs:  []cbpf.Program{compiled.Raw()},
		BigEndian: compiled.ByteOrder() == binary.ByteOrder(binary.BigEndian),
		Native:    abis[0],
		File:      file,
		Compiled:  compiled,
	}, nil
}

// Policy reads a policy, and its text as it stands in the file.
func Policy(word string, stdin io.Reader) (*policyfile.File, []byte, error) {
	if strings.HasPrefix(word, builtinPrefix) {
		file, err := policyfile.ReadFile(word)
		if err != nil {
			return nil, nil, err
		}
		text, err := policyfile.BuiltinText(word)
		return file, text, err
	}
	data, name, err := read(word, Options{Stdin: stdin})
	if err != nil {
		return nil, nil, err
	}
	file, err := policyfile.Read(name, bytes.NewReader(data))
	return file, data, err
}
