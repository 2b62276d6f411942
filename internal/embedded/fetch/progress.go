package fetch

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// Step is how far one part of a fetch has come.
type Step struct {
	What  string // What is being done, for people: "downloading ClickHouse 26.7".
	Done  int64  // Done is bytes so far.
	Total int64  // Total is the bytes expected, 0 if not known.
	End   bool   // End is set on the last report of this step.
}

// Report is told about steps as they advance. It may be called from one
// goroutine at a time only. A nil Report is not allowed: use Silent.
type Report func(Step)

// Silent is a Report that says nothing.
func Silent(Step) {}

// barWidth is the number of cells between the brackets of the bar.
const barWidth = 30

// redrawEvery bounds how often a terminal line is drawn again.
const redrawEvery = 100 * time.Millisecond

// Bar returns a Report that draws one line a step on a terminal and redraws it
// in place. On anything else (a pipe, a file) it writes one plain line when a
// step begins and one when it ends.
func Bar(w io.Writer) Report {
	f, ok := w.(*os.File)
	live := ok && term.IsTerminal(int(f.Fd()))
	b := &bar{w: w, live: live}
	return b.report
}

type bar struct {
	mu    sync.Mutex
	w     io.Writer
	live  bool
	what  string
	start time.Time
	drawn time.Time
}

func (b *bar) report(s Step) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	first := s.What != b.what
	if first {
		b.what, b.start, b.drawn = s.What, now, time.Time{}
	}
	if !b.live {
		switch {
		case s.End:
			fmt.Fprintf(b.w, "%s: done in %.1f s\n", s.What, now.Sub(b.start).Seconds())
		case first:
			fmt.Fprintf(b.w, "%s%s\n", s.What, ofTotal(s.Total))
		}
		return
	}
	if !s.End && now.Sub(b.drawn) < redrawEvery {
		return
	}
	b.drawn = now
	if s.End {
		fmt.Fprintf(b.w, "\r\x1b[K%s: done in %.1f s\n", s.What, now.Sub(b.start).Seconds())
		b.what = ""
		return
	}
	fmt.Fprintf(b.w, "\r\x1b[K%s %s", s.What, cells(s))
}

func cells(s Step) string {
	if s.Total <= 0 {
		return fmt.Sprintf("%d MB", s.Done/1e6)
	}
	full := int(min(s.Done*barWidth/s.Total, barWidth))
	return fmt.Sprintf("[%s%s] %3d%%  %d/%d MB", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full),
		s.Done*100/s.Total, s.Done/1e6, s.Total/1e6)
}

func ofTotal(n int64) string {
	if n <= 0 {
		return " ..."
	}
	return fmt.Sprintf(" (%d MB) ...", n/1e6)
}
