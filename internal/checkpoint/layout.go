package checkpoint

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"reflect"
)

// Layout returns a hash of how values of the types lie in memory: sizes, offsets,
// kinds and names of all fields, and the machine's byte order. A slice stands for the
// values that it holds. A checkpoint whose
// layout is another's must not be copied into them. It is an error if one holds a
// pointer, since what it points to would not be in the checkpoint.
func Layout(types ...reflect.Type) (uint64, error) {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, binary.NativeEndian.Uint16([]byte{1, 0}))
	for _, t := range types {
		if t.Kind() == reflect.Slice { // of the values that lie in it
			_, _ = fmt.Fprint(h, "[]")
			t = t.Elem()
		}
		if err := describe(h, t, t.String()); err != nil {
			return 0, err
		}
	}
	return h.Sum64(), nil
}

// describe writes what matters of a type; where says how it was come by.
func describe(w io.Writer, t reflect.Type, where string) error {
	_, _ = fmt.Fprintf(w, "%s %d;", t.Kind(), t.Size())
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			_, _ = fmt.Fprintf(w, "%s %d:", f.Name, f.Offset)
			if err := describe(w, f.Type, where+"."+f.Name); err != nil {
				return err
			}
		}
	case reflect.Array:
		return describe(w, t.Elem(), where+"[]")
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint, reflect.Float32, reflect.Float64:
	default:
		return fmt.Errorf("checkpoint: %s is a %s: only plain values can be copied into a checkpoint", where, t.Kind())
	}
	return nil
}
