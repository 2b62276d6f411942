package invariants

import "fmt"

// Check panics if what must hold does not; format and args say what that is. Call
// it behind Enabled.
func Check(holds bool, format string, args ...any) {
	if !holds {
		panic("invariant: " + fmt.Sprintf(format, args...))
	}
}

// Due reports whether a check that walks n elements is to be made at a step with
// the given number: always if they are few, else once in n steps, so that a check
// costs no more than what it checks.
func Due(n int, step int64) bool { return n <= 64 || step%int64(n) == 0 }
