package demo

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminal draws blocks of lines over each other at the bottom of a terminal.
// Each block goes out in one write, so that nothing flickers. It changes no
// mode of the terminal (the cursor stays visible, the main screen in use), so
// that there is nothing to restore however the process ends.
type terminal struct {
	out    io.Writer
	fd     int
	colour bool
	drawn  int // lines of the last block
	width  int // at which they were drawn
}

// newTerminal returns nil if out is no terminal.
func newTerminal(out *os.File) *terminal {
	fd := int(out.Fd())
	if !term.IsTerminal(fd) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	_, noColour := os.LookupEnv("NO_COLOR")
	return &terminal{out: out, fd: fd, colour: !noColour || os.Getenv("NO_COLOR") == ""}
}

// size returns the terminal's cells, or a common size if it does not say.
func (p *terminal) size() (width, height int) {
	width, height, err := term.GetSize(p.fd)
	if err != nil || width < 20 || height < 5 {
		return 80, 24
	}
	return width, height
}

// paint replaces the last block by the screen as it is now.
func (p *terminal) paint(s *screen) error {
	width, height := p.size()
	var b strings.Builder
	b.WriteString("\x1b[?2026h") // terminals that know it show the block at once
	if p.drawn > 0 {
		if p.width != width {
			// The old block was wrapped in other places: only a clean screen helps.
			b.WriteString("\x1b[2J\x1b[H")
		} else {
			fmt.Fprintf(&b, "\x1b[%dA\r", p.drawn)
		}
	}
	// The last column stays free: some terminals wrap when it is written.
	lines := s.render(width-1, height, p.colour)
	rows := 0
	for _, l := range lines {
		b.WriteString(l)
		b.WriteString("\x1b[K\n")
		rows += 1 + (visible(l)-1)/width
	}
	b.WriteString("\x1b[J\x1b[?2026l")
	p.drawn, p.width = rows, width
	_, err := io.WriteString(p.out, b.String())
	return err
}

// visible counts the cells of a line, without its colours.
func visible(s string) int {
	n, escape := 0, false
	for _, r := range s {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		default:
			n++
		}
	}
	return max(n, 1)
}
