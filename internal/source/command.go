package source

import (
	"io"
	"time"
)

// CommandOptions say how to run a command whose filters are wanted. The zero
// value is right for most.
type CommandOptions struct {
	Timeout time.Duration // when to end it at the latest; zero: 10 s
	Settle  time.Duration // when to end it after it last installed a filter; zero: 1 s
	Stdin   io.Reader     // nil: none
	Stdout  io.Writer     // nil: thrown away
	Stderr  io.Writer     // nil: thrown away
}

func (o *CommandOptions) timeout() time.Duration {
	if o.Timeout <= 0 {
		return 10 * time.Second
	}
	return o.Timeout
}

func (o *CommandOptions) settle() time.Duration {
	if o.Settle <= 0 {
		return time.Second
	}
	return o.Settle
}
