package main

import (
	"fmt"
	"io"
	"time"
)

const (
	// redrawEvery keeps a terminal's line in motion without flooding a slow link.
	redrawEvery = 100 * time.Millisecond
	// logEvery is how often a log says that long work goes on.
	logEvery = 5 * time.Second
)

// progress shows how far long work is: on a terminal in one line that is
// rewritten, elsewhere by a line every few seconds.
type progress struct {
	w        io.Writer
	terminal bool
	now      func() time.Time
	total    int64 // bytes; 0 = unknown

	last  time.Time // of the last line
	drawn bool      // the terminal's line holds something
}

func newProgress(w io.Writer, total int64, now func() time.Time) *progress {
	return &progress{w: w, terminal: isTerminal(w), now: now, total: total, last: now()}
}

// update tells how much has been read. It is called by one goroutine.
func (p *progress) update(bytes, rows int64) {
	p.show(func() string {
		text := fmt.Sprintf("%s, %s read", plural(rows, "row"), bytesText(bytes))
		if p.total > 0 {
			text = fmt.Sprintf("%3d%%  %s", min(100, bytes*100/p.total), text)
		}
		return text
	})
}

// show writes a text, where it is time to write one again.
func (p *progress) show(text func() string) {
	every := logEvery
	if p.terminal {
		every = redrawEvery
	}
	now := p.now()
	if now.Sub(p.last) < every {
		return
	}
	p.last = now
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", text())
		p.drawn = true
		return
	}
	fmt.Fprintln(p.w, text())
}

// done clears the terminal's line, so that what comes next starts clean.
func (p *progress) done() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}
