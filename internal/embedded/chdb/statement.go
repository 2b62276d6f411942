package chdb

import (
	"strings"

	"sendwatch/internal/sqltext"
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
	s := sqltext.Scanner{Text: sql}
	if !s.Word("INSERT") || !s.Word("INTO") {
		return insertStatement{}, false
	}
	s.Word("TABLE")
	start := s.Pos
	if s.Word("FUNCTION") {
		if s.Identifier() == "" || !s.Group() {
			return insertStatement{}, false
		}
	} else if !s.QualifiedName() {
		return insertStatement{}, false
	}
	st := insertStatement{target: strings.TrimSpace(sql[start:s.Pos])}
	if list := s.Pos; s.Group() {
		inner := strings.TrimSpace(sql[list:s.Pos])
		inner = strings.TrimSpace(inner[1 : len(inner)-1])
		if first := (&sqltext.Scanner{Text: inner}).Next(); strings.EqualFold(first, "SELECT") || strings.EqualFold(first, "WITH") {
			return insertStatement{}, false
		}
		st.columns = splitTopLevel(inner)
	}
	for {
		at := s.Pos
		switch token := strings.ToUpper(s.Next()); token {
		case "":
			st.head = strings.TrimSpace(sql[:at])
			return st, true
		case ";":
			st.head = strings.TrimSpace(sql[:at])
			return st, s.Next() == ""
		case "VALUES":
			st.head = strings.TrimSpace(sql[:at])
			return st, s.AtEnd()
		case "FORMAT":
			st.head = strings.TrimSpace(sql[:at])
			return st, s.Identifier() != "" && s.AtEnd()
		case "SELECT", "WITH", "FROM", "WATCH":
			return insertStatement{}, false
		}
	}
}

// withoutFormat drops a FORMAT clause at the end of sql. The native protocol
// has one format, and a server ignores the clause there as well.
func withoutFormat(sql string) string {
	s := sqltext.Scanner{Text: sql}
	depth := 0
	for {
		s.SkipSpace()
		at := s.Pos
		switch token := s.Next(); {
		case token == "":
			return sql
		case token == "(":
			depth++
		case token == ")":
			depth--
		case depth == 0 && strings.EqualFold(token, "FORMAT"):
			after := s
			if after.Identifier() != "" && after.AtEnd() {
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
		if sqltext.SkipQuoted(identifier, 0) != len(identifier) || len(identifier) < 2 {
			return "", false
		}
		body := identifier[1 : len(identifier)-1]
		if strings.ContainsRune(body, '\\') {
			return "", false // Escapes are left to the engine.
		}
		return strings.ReplaceAll(body, string([]byte{q, q}), string(q)), true
	}
	for i := range len(identifier) {
		if !sqltext.IsWordByte(identifier[i]) && identifier[i] != '.' { // "n.a" names a part of a Nested column.
			return "", false
		}
	}
	return identifier, true
}
