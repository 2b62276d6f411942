package sqltext

// Statements returns the statements of a text, in order, each with the comments
// in front of it and within. What holds nothing but comments is none.
func Statements(text string) []string {
	var all []string
	s := Scanner{Text: text}
	start, empty := 0, true
	for {
		switch token := s.Next(); token {
		case "":
			if !empty {
				all = append(all, text[start:])
			}
			return all
		case ";":
			if !empty {
				all = append(all, text[start:s.Pos-1])
			}
			start, empty = s.Pos, true
		default:
			empty = false
		}
	}
}
