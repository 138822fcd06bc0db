package elfscan

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestAPI(t *testing.T) {
	path := os.Getenv("SCAN")
	if path == "" {
		t.Skip()
	}
	start := time.Now()
	f, _ := os.Open(path)
	res, err := Scan(context.Background(), f, &Options{Path: path, Sysroot: os.Getenv("SYSROOT")})
	if err != nil {
		t.Fatal(err)
	}
	var ru syscall.Rusage
	syscall.Getrusage(0, &ru)
	fmt.Println("time", time.Since(start), "cpu", time.Duration(ru.Utime.Nano()+ru.Stime.Nano()), "maxrss", ru.Maxrss>>10, "MB")
	have := map[string]Grade{}
	n := 0
	for _, c := range res.Calls {
		have[c.Name] = c.Grade
		if c.Grade != Gated {
			n++
		}
	}
	var v struct{ Used []string }
	if b, err := os.ReadFile(os.Getenv("TRUTH")); err == nil {
		json.Unmarshal(b, &v)
		used := map[string]bool{}
		hit := 0
		for _, u := range v.Used {
			used[u] = true
			if have[u] == 0 || have[u] == Gated {
				fmt.Println("MISS", u)
			} else {
				hit++
			}
		}
		fmt.Printf("recall %d/%d precision %.3f (%d)\n", hit, len(v.Used), float64(hit)/float64(n), n)
		for _, c := range res.Calls {
			if !used[c.Name] {
				fmt.Print("  ", c.Name, " ", c.Grade, " ", c.Gate)
				if len(c.Evidence) > 0 {
					fmt.Print(" ", c.Evidence[0].Function)
				}
				fmt.Println()
			}
		}
	} else {
		for _, c := range res.Calls {
			fmt.Print(c.Name, " ")
		}
		fmt.Println()
	}
	for _, u := range res.Unresolved {
		fmt.Println("OPEN", u.Function, u.Reason, fmt.Sprintf("%#x", u.Address), u.Path)
	}
	for _, u := range res.Loads {
		fmt.Println("LOAD", u.Function)
	}
	fmt.Println(res.Stats, res.GoVersion, res.BuildID, res.Execs, res.Notes)
	for k, a := range res.args {
		fmt.Println("ARGS", k, a.index, len(a.tuples), a.tuples, a.many)
		if a.open != nil {
			fmt.Println("   open", a.open.where())
		}
	}
}
