// Package invariants switches on checks that are too dear for production: what a
// structure must hold after every change of it, computed a second, slower way.
//
// It promises that a program built without the tag `invariants` pays nothing:
// Enabled is a constant, and the compiler drops what stands behind it. With the
// tag, which the tests of `.ci/run` have, a check that fails panics and names what
// does not hold, at the change that broke it and not at the wrong figure later.
//
// It refuses to mend anything and to be a way of handling bad input: what fails
// here is a mistake of the code. It starts no goroutine and has no state.
package invariants
