//go:build linux

package testchild_test

import (
	"fmt"
	"strings"
	"syscall"

	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

// upper is a package variable: the child finds it by its name.
var upper = testchild.New("upper", func(in []byte) ([]byte, error) {
	return []byte(strings.ToUpper(string(in))), nil
})

// die says how far it came before it ends in a way of its own.
var die = testchild.New("die", func([]byte) ([]byte, error) {
	if err := testchild.Report([]byte("about to die")); err != nil {
		return nil, err
	}
	syscall.Exit(3)
	return nil, nil
})

// In a test, write out := upper.Run(t, in) or r := die.Exit(t, in).
func ExampleFunc_Do() {
	r, err := upper.Do([]byte("from a child"), testchild.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %s\n", r.Status(), r.Out)

	r, err = die.Do(nil, testchild.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %s\n", r.Status(), r.Out)
	// Output:
	// returned, then exit status 0: FROM A CHILD
	// did not return: exit status 3: about to die
}
