// Package strictyaml reads YAML documents that people write: policies and the
// configuration.
//
// It promises that every mistake of a document is found in one reading, each
// with its line, its path, the problem and what is accepted; that a key written
// twice or a key nobody knows is a mistake, the latter with the nearest known
// name; and that no document, however odd, makes it panic. It refuses anchors,
// aliases, merge keys, explicit tags and a second document: what a file says
// must be readable on the line where it says it. It owns no goroutine and does
// no I/O.
package strictyaml
