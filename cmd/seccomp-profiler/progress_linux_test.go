package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/internal/testpty"
)

// What a scan that began a while ago shows of itself at half of its way.
func TestProgressBar(t *testing.T) {
	inside, user := testpty.Open(t, 24, 80)
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	shown := func(w *os.File, quiet bool, since time.Duration) {
		p := newProgress(w, "/usr/bin/server", quiet)
		p.start = time.Now().Add(-since)
		p.update(512, 1024)
		p.finish()
	}
	shown(file, false, time.Minute)
	shown(inside, true, time.Minute)
	shown(inside, false, time.Second)
	if _, err := inside.WriteString("nothing so far;"); err != nil {
		t.Fatal(err)
	}
	shown(inside, false, time.Minute)
	if _, err := inside.WriteString(";end"); err != nil {
		t.Fatal(err)
	}
	var screen []byte
	for piece := make([]byte, 4096); !bytes.Contains(screen, []byte(";end")); {
		n, err := user.Read(piece)
		if err != nil {
			t.Fatalf("%v after %q", err, screen)
		}
		screen = append(screen, piece[:n]...)
	}
	before, after, _ := strings.Cut(string(screen), "nothing so far;")
	if before != "" || !strings.Contains(after, "server") || !strings.Contains(after, "50%") {
		t.Errorf("the terminal shows %q, then %q", before, after)
	}
	if log, err := os.ReadFile(file.Name()); err != nil || len(log) > 0 {
		t.Errorf("the file has %q, %v", log, err)
	}
}
