package sqltext

import "strings"

// Scanner reads the tokens of a text of SQL: words, quoted text, and single
// signs. It skips space and comments.
type Scanner struct {
	Text string
	Pos  int // of the next byte to be read
}

// SkipSpace moves to the next token.
func (s *Scanner) SkipSpace() {
	for s.Pos < len(s.Text) {
		rest := s.Text[s.Pos:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			s.Pos++
		case strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "#!") || strings.HasPrefix(rest, "# "):
			s.skipPast(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			s.skipPast(rest[2:], "*/")
			s.Pos = min(s.Pos+2, len(s.Text))
		default:
			return
		}
	}
}

func (s *Scanner) skipPast(rest, end string) {
	if i := strings.Index(rest, end); i >= 0 {
		s.Pos += i + len(end)
		return
	}
	s.Pos = len(s.Text)
}

// Next returns the next token, "" at the end.
func (s *Scanner) Next() string {
	s.SkipSpace()
	if s.Pos >= len(s.Text) {
		return ""
	}
	start := s.Pos
	switch c := s.Text[start]; {
	case c == '\'' || c == '`' || c == '"':
		s.Pos = SkipQuoted(s.Text, start)
	case IsWordByte(c):
		for s.Pos < len(s.Text) && IsWordByte(s.Text[s.Pos]) {
			s.Pos++
		}
	default:
		s.Pos++
	}
	return s.Text[start:s.Pos]
}

// Word takes the next token if it is this keyword, in any case, and reports
// whether it did.
func (s *Scanner) Word(keyword string) bool {
	before := s.Pos
	if strings.EqualFold(s.Next(), keyword) {
		return true
	}
	s.Pos = before
	return false
}

// Identifier takes the next token if it is a name, quoted or not.
func (s *Scanner) Identifier() string {
	before := s.Pos
	token := s.Next()
	if token != "" && (IsWordByte(token[0]) || token[0] == '`' || token[0] == '"') {
		return token
	}
	s.Pos = before
	return ""
}

// QualifiedName takes a name with or without its database.
func (s *Scanner) QualifiedName() bool {
	if s.Identifier() == "" {
		return false
	}
	for s.Word(".") {
		if s.Identifier() == "" {
			return false
		}
	}
	return true
}

// Group takes everything in a pair of parentheses, if the next token opens one.
func (s *Scanner) Group() bool {
	before := s.Pos
	depth := 0
	for {
		switch s.Next() {
		case "(":
			depth++
		case ")":
			depth--
		case "":
			s.Pos = before
			return false
		}
		if depth == 0 {
			if s.Text[s.Pos-1] == ')' && s.Pos > before+1 {
				return true
			}
			s.Pos = before
			return false
		}
	}
}

// AtEnd reports whether nothing follows but a semicolon.
func (s *Scanner) AtEnd() bool {
	token := s.Next()
	return token == "" || token == ";" && s.Next() == ""
}

// IsWordByte reports whether a byte belongs to a word: a letter, a digit, an
// underscore, or part of a character beyond ASCII.
func IsWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

// SkipQuoted returns the index after the quoted text that starts at s[i].
// Text that is not closed reaches to the end.
func SkipQuoted(s string, i int) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case quote:
			if i+1 < len(s) && s[i+1] == quote { // A doubled quote stands for itself.
				i++
				continue
			}
			return i + 1
		}
	}
	return len(s)
}
