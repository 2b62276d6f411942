package sqlprint

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// short writes a value for people: as text does, but with fractions of six
// digits, which is more than any ratio here means.
func short(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'g', significant(v), 64)
	case []float64:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = short(v[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return text(v)
}

// significant leaves whole numbers as they are.
func significant(v float64) int {
	if v == math.Trunc(v) {
		return -1
	}
	return 6
}

// text writes a value in words. Times are UTC, since all of Sendwatch's are.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return v
	case []byte:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04:05.999999999")
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	case fmt.Stringer:
		return v.String()
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer:
		if r.IsNil() {
			return "NULL"
		}
		return text(r.Elem().Interface())
	case reflect.Slice, reflect.Array:
		parts := make([]string, r.Len())
		for i := range parts {
			parts[i] = text(r.Index(i).Interface())
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}
