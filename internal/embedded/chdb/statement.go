package chdb

import (
	"strings"
)

// insertStatement is an INSERT whose rows come from the client as blocks.
type insertStatement struct {
	head    string   // head is the statement up to its VALUES or FORMAT, as the engine wants it.
	target  string   // target is the table, or FUNCTION and its call, as written.
	columns []string // columns is the column list as written, nil if there is none.
}

// parseInsert finds out whether sql is an INSERT that waits for blocks. One
// with its rows in the text, or with a SELECT, is a statement like any other.
func parseInsert(sql string) (insertStatement, bool) {
	s := scanner{sql: sql}
	if !s.word("INSERT") || !s.word("INTO") {
		return insertStatement{}, false
	}
	s.word("TABLE")
	start := s.pos
	if s.word("FUNCTION") {
		if s.identifier() == "" || !s.group() {
			return insertStatement{}, false
		}
	} else if !s.qualifiedName() {
		return insertStatement{}, false
	}
	st := insertStatement{target: strings.TrimSpace(sql[start:s.pos])}
	if list := s.pos; s.group() {
		inner := strings.TrimSpace(sql[list:s.pos])
		inner = strings.TrimSpace(inner[1 : len(inner)-1])
		if first := (&scanner{sql: inner}).next(); strings.EqualFold(first, "SELECT") || strings.EqualFold(first, "WITH") {
			return insertStatement{}, false
		}
		st.columns = splitTopLevel(inner)
	}
	for {
		at := s.pos
		switch token := strings.ToUpper(s.next()); token {
		case "":
			st.head = strings.TrimSpace(sql[:at])
			return st, true
		case ";":
			st.head = strings.TrimSpace(sql[:at])
			return st, s.next() == ""
		case "VALUES":
			st.head = strings.TrimSpace(sql[:at])
			return st, s.end()
		case "FORMAT":
			st.head = strings.TrimSpace(sql[:at])
			return st, s.identifier() != "" && s.end()
		case "SELECT", "WITH", "FROM", "WATCH":
			return insertStatement{}, false
		}
	}
}

// withoutFormat drops a FORMAT clause at the end of sql. The native protocol
// has one format, and a server ignores the clause there as well.
func withoutFormat(sql string) string {
	s := scanner{sql: sql}
	depth := 0
	for {
		s.skipSpace()
		at := s.pos
		switch token := s.next(); {
		case token == "":
			return sql
		case token == "(":
			depth++
		case token == ")":
			depth--
		case depth == 0 && strings.EqualFold(token, "FORMAT"):
			after := s
			if after.identifier() != "" && after.end() {
				return sql[:at]
			}
		}
	}
}

// unquote is the name that an identifier stands for.
func unquote(identifier string) (name string, plain bool) {
	if identifier == "" {
		return "", false
	}
	if q := identifier[0]; q == '`' || q == '"' {
		if skipQuoted(identifier, 0) != len(identifier) || len(identifier) < 2 {
			return "", false
		}
		body := identifier[1 : len(identifier)-1]
		if strings.ContainsRune(body, '\\') {
			return "", false // Escapes are left to the engine.
		}
		return strings.ReplaceAll(body, string([]byte{q, q}), string(q)), true
	}
	for i := range len(identifier) {
		if !isWordByte(identifier[i]) && identifier[i] != '.' { // "n.a" names a part of a Nested column.
			return "", false
		}
	}
	return identifier, true
}

// scanner reads the tokens of a statement, as far as this package must know
// them: words, quoted text, and single signs. It skips space and comments.
type scanner struct {
	sql string
	pos int
}

func (s *scanner) skipSpace() {
	for s.pos < len(s.sql) {
		rest := s.sql[s.pos:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			s.pos++
		case strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "#!") || strings.HasPrefix(rest, "# "):
			s.skipPast(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			s.skipPast(rest[2:], "*/")
			s.pos = min(s.pos+2, len(s.sql))
		default:
			return
		}
	}
}

func (s *scanner) skipPast(rest, end string) {
	if i := strings.Index(rest, end); i >= 0 {
		s.pos += i + len(end)
		return
	}
	s.pos = len(s.sql)
}

// next returns the next token, "" at the end.
func (s *scanner) next() string {
	s.skipSpace()
	if s.pos >= len(s.sql) {
		return ""
	}
	start := s.pos
	switch c := s.sql[start]; {
	case c == '\'' || c == '`' || c == '"':
		s.pos = skipQuoted(s.sql, start)
	case isWordByte(c):
		for s.pos < len(s.sql) && isWordByte(s.sql[s.pos]) {
			s.pos++
		}
	default:
		s.pos++
	}
	return s.sql[start:s.pos]
}

// word takes the next token if it is this keyword.
func (s *scanner) word(keyword string) bool {
	before := s.pos
	if strings.EqualFold(s.next(), keyword) {
		return true
	}
	s.pos = before
	return false
}

// identifier takes the next token if it is a name, quoted or not.
func (s *scanner) identifier() string {
	before := s.pos
	token := s.next()
	if token != "" && (isWordByte(token[0]) || token[0] == '`' || token[0] == '"') {
		return token
	}
	s.pos = before
	return ""
}

// qualifiedName takes a name with or without its database.
func (s *scanner) qualifiedName() bool {
	if s.identifier() == "" {
		return false
	}
	for s.word(".") {
		if s.identifier() == "" {
			return false
		}
	}
	return true
}

// group takes everything in a pair of parentheses, if the next token opens one.
func (s *scanner) group() bool {
	before := s.pos
	depth := 0
	for {
		switch s.next() {
		case "(":
			depth++
		case ")":
			depth--
		case "":
			s.pos = before
			return false
		}
		if depth == 0 {
			if s.sql[s.pos-1] == ')' && s.pos > before+1 {
				return true
			}
			s.pos = before
			return false
		}
	}
}

// end reports whether nothing follows but a semicolon.
func (s *scanner) end() bool {
	token := s.next()
	return token == "" || token == ";" && s.next() == ""
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}
