package chdb

import (
	"fmt"
	"strconv"
	"strings"

	"sendwatch/internal/sqltext"
)

// layoutKind is a way in which the Native format lays out the values of a
// column. Many types share one.
type layoutKind uint8

const (
	layoutFixed          layoutKind = iota // size bytes a value
	layoutString                           // length and bytes
	layoutNullable                         // one byte a value, then the values
	layoutArray                            // eight-byte end offsets, then the elements
	layoutTuple                            // the parts one after the other
	layoutLowCardinality                   // a dictionary and indexes into it
)

// layout is how the values of one type are laid out.
type layout struct {
	kind  layoutKind
	size  int
	parts []layout
}

// maxTypeDepth bounds the nesting of types.
const maxTypeDepth = 16

// fixedSizes is the bytes a value of each type without arguments, or whose
// arguments do not change the size.
//
//nolint:gochecknoglobals // A table of constants.
var fixedSizes = map[string]int{
	"Bool": 1, "Int8": 1, "UInt8": 1, "Enum8": 1, "Nothing": 1,
	"Int16": 2, "UInt16": 2, "Enum16": 2, "Date": 2, "BFloat16": 2,
	"Int32": 4, "UInt32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "IPv4": 4, "Decimal32": 4, "Time": 4,
	"Int64": 8, "UInt64": 8, "Float64": 8, "DateTime64": 8, "Decimal64": 8, "Time64": 8,
	"Int128": 16, "UInt128": 16, "UUID": 16, "IPv6": 16, "Decimal128": 16,
	"Int256": 32, "UInt256": 32, "Decimal256": 32,
}

// parseLayout reads a type name such as "Map(LowCardinality(String), UInt64)".
func parseLayout(typ string) (layout, error) {
	return parseLayoutDepth(typ, 0)
}

func parseLayoutDepth(typ string, depth int) (layout, error) {
	if depth > maxTypeDepth {
		return layout{}, protocolError("a type nested deeper than %d", maxTypeDepth)
	}
	typ = strings.TrimSpace(typ)
	name, args, err := splitType(typ)
	if err != nil {
		return layout{}, err
	}
	if size, ok := fixedSizes[name]; ok {
		return layout{kind: layoutFixed, size: size}, nil
	}
	if strings.HasPrefix(name, "Interval") && args == nil {
		return layout{kind: layoutFixed, size: 8}, nil
	}
	switch name {
	case "String":
		return layout{kind: layoutString}, nil
	case "FixedString":
		if len(args) == 1 {
			if n, err := strconv.Atoi(args[0]); err == nil && n > 0 && n <= 1<<24 {
				return layout{kind: layoutFixed, size: n}, nil
			}
		}
	case "Decimal":
		if len(args) == 2 {
			if p, err := strconv.Atoi(args[0]); err == nil {
				return layout{kind: layoutFixed, size: decimalSize(p)}, nil
			}
		}
	case "Nullable", "Array", "LowCardinality":
		if len(args) == 1 {
			return wrapLayout(name, args[0], depth)
		}
	case "Map":
		if len(args) == 2 {
			pair, err := tupleLayout(args, depth)
			return layout{kind: layoutArray, parts: []layout{pair}}, err
		}
	case "Tuple":
		if len(args) > 0 {
			return tupleLayout(args, depth)
		}
	case "Nested":
		if len(args) > 0 {
			row, err := tupleLayout(args, depth)
			return layout{kind: layoutArray, parts: []layout{row}}, err
		}
	case "SimpleAggregateFunction":
		if len(args) == 2 {
			return parseLayoutDepth(args[1], depth+1)
		}
	}
	return layout{}, fmt.Errorf("type %q cannot go through the embedded ClickHouse; use it in SQL, or a server", typ)
}

// wrapLayout is the layout of a type around one other.
func wrapLayout(name, inner string, depth int) (layout, error) {
	in, err := parseLayoutDepth(inner, depth+1)
	if err != nil {
		return layout{}, err
	}
	switch name {
	case "Nullable":
		return layout{kind: layoutNullable, parts: []layout{in}}, nil
	case "Array":
		return layout{kind: layoutArray, parts: []layout{in}}, nil
	}
	// A dictionary holds bare values: its first entry stands for NULL.
	if in.kind == layoutNullable {
		in = in.parts[0]
	}
	if in.kind != layoutFixed && in.kind != layoutString {
		return layout{}, protocolError("LowCardinality(%s) does not exist", inner)
	}
	return layout{kind: layoutLowCardinality, parts: []layout{in}}, nil
}

func tupleLayout(args []string, depth int) (layout, error) {
	l := layout{kind: layoutTuple, parts: make([]layout, len(args))}
	for i, a := range args {
		part, err := parseLayoutDepth(elementType(a), depth+1)
		if err != nil {
			return layout{}, err
		}
		l.parts[i] = part
	}
	return l, nil
}

// decimalSize is the bytes of a decimal with the given precision in digits.
func decimalSize(precision int) int {
	switch {
	case precision <= 9:
		return 4
	case precision <= 18:
		return 8
	case precision <= 38:
		return 16
	}
	return 32
}

// splitType cuts "Name(a, b)" into its name and arguments.
func splitType(typ string) (name string, args []string, err error) {
	open := strings.IndexByte(typ, '(')
	if open < 0 {
		return typ, nil, nil
	}
	if !strings.HasSuffix(typ, ")") {
		return "", nil, protocolError("type %.60q", typ)
	}
	name, inner := typ[:open], typ[open+1:len(typ)-1]
	if strings.HasPrefix(name, "Enum") { // Its arguments may be many and are not needed.
		return name, nil, nil
	}
	return name, splitTopLevel(inner), nil
}

// splitTopLevel splits at commas outside parentheses and quotes.
func splitTopLevel(s string) []string {
	var parts []string
	depth, start := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\'', '`', '"':
			i = sqltext.SkipQuoted(s, i) - 1
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(s[start:i]))
				start = i + 1
			}
		}
	}
	return append(parts, strings.TrimSpace(s[start:]))
}

// elementType drops the name of a tuple's element: "a UInt8" gives "UInt8".
func elementType(s string) string {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\'', '`', '"':
			i = sqltext.SkipQuoted(s, i) - 1
		case '(':
			depth++
		case ')':
			depth--
		case ' ':
			if depth == 0 {
				return s[i+1:]
			}
		}
	}
	return s
}
