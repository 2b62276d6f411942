// Package config reads sendwatch.yaml: one strict file and the secrets that it
// points to.
//
// It promises that every mistake is reported at once, each with its line, its
// key, the problem and what is accepted; that a key which is left out has the
// documented default; and that a secret, once read, can be printed, logged or
// marshalled by nobody: it has to be asked for with Reveal. A secret comes from
// a file if one is named, else from the environment, and never stands in
// sendwatch.yaml itself. It refuses unknown keys. Skipping the check of a TLS
// certificate cannot be configured.
//
// The structs are plain: cmd/sendwatch maps them to what each room wants. It owns
// no goroutine.
package config
