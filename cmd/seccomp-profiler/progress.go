package main

import (
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressAfter is how long a scan may take before a bar appears.
const progressAfter = 2 * time.Second

// progress shows a bar on a terminal once a scan takes long.
type progress struct {
	w     io.Writer
	name  string
	start time.Time
	bar   *progressbar.ProgressBar
}

func newProgress(w io.Writer, path string, quiet bool) *progress {
	p := &progress{name: filepath.Base(path), start: time.Now()}
	if f, ok := w.(*os.File); ok && !quiet && term.IsTerminal(int(f.Fd())) {
		p.w = w
	}
	return p
}

func (p *progress) update(done, total int64) {
	if p.w == nil || time.Since(p.start) < progressAfter {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(p.w),
			progressbar.OptionSetDescription(p.name), progressbar.OptionShowBytes(true),
			progressbar.OptionClearOnFinish())
	}
	_ = p.bar.Set64(done) // only the display is at stake
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
