package flat

import "unsafe"

// The only place of the project that looks at values as memory. The types of what is
// copied hold no pointer (checkpoint.Layout refuses those that do), so that every
// byte may be read and written.

// bytesOf returns the memory of n values that lie one after another from v on.
func bytesOf[T any](v *T, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), n*sizeOf[T]())
}

// bytesOfString returns the memory of a string, which may only be read.
func bytesOfString(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// sizeOf returns the size of a T in bytes.
func sizeOf[T any]() int {
	var v T
	return int(unsafe.Sizeof(v))
}
