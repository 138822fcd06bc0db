// Command probe makes one system call and says what became of it.
//
//	probe socket 40 1 0
//
// prints "socket: EPERM", or "socket: made" when there was no error. The
// arguments of socketcall after the first are put in memory, where it wants
// them. It is for test scripts.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
)

func main() {
	if len(os.Args) < 2 {
		fatal("which call?")
	}
	name := os.Args[1]
	var args [6]uintptr
	for i, text := range os.Args[2:] {
		n, err := strconv.ParseInt(text, 0, 64)
		if err != nil || i >= len(args) {
			fatal("argument " + text)
		}
		args[i] = uintptr(n)
	}
	if name == "socketcall" {
		inMemory := [5]uintptr(args[1:])
		args = [6]uintptr{args[0], uintptr(unsafe.Pointer(&inMemory))}
		defer runtime.KeepAlive(&inMemory)
	}
	abi, err := arch.GetInfo("")
	if err != nil {
		fatal(err.Error())
	}
	nr, ok := abi.Number(name)
	if !ok {
		fatal(abi.Name + " has no " + name)
	}
	_, _, errno := syscall.RawSyscall6(uintptr(nr), args[0], args[1], args[2], args[3], args[4], args[5])
	if errno == 0 {
		fmt.Println(name + ": made")
		return
	}
	text, ok := abi.ErrnoName(uint16(errno))
	if !ok {
		text = errno.Error()
	}
	fmt.Println(name + ": " + text)
}

func fatal(text string) {
	fmt.Fprintln(os.Stderr, "probe: "+text)
	os.Exit(2)
}
