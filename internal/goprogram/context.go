//go:build linux

package main

import (
	"context"
	"time"
)

// contextOf ends after d and is not cancelled before.
func contextOf(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	context.AfterFunc(ctx, cancel)
	return ctx
}
