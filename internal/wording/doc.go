// Package wording writes numbers the way people read them on a terminal: counts
// with their noun, thousands with separators. It promises the same text for the
// same number, on every machine and in every locale. It refuses everything that
// knows what is counted: words for a factor are policy's, words for the demo its
// own. It owns no goroutine.
package wording
