// Package tlsfile turns certificate files into TLS configurations that follow the
// files: a certificate that was renewed in place counts from the next connection
// on, without a restart.
//
// It promises that the files are read once at the start, so that a mistake is
// found there; that afterwards a file is read again only when its time or size has
// changed; and that while a renewal is half done (a new certificate beside the old
// key) what was loaded before stays in force. It refuses to leave certificates
// unchecked: there is no setting for that. It owns no goroutine; a Source is safe
// for concurrent use.
package tlsfile
