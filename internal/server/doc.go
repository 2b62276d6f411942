// Package server is the HTTP face of a running pipeline: health, metrics, a
// small JSON API and one live page. All of it is read-only.
//
// It promises that a slow reader, a flood of requests or a bad parameter costs
// the pipeline nothing: every connection has its timeouts, at most MaxInFlight
// questions are asked at a time, and the ranking is asked for at most once a
// second however many pages are open. A bad parameter is answered with the
// parameter's name and what it accepts.
//
// It asks through small interfaces of its own (source.go), which the wiring
// implements with functions sent to the goroutines that own the partitions. It
// holds no state of the pipeline. It does not authenticate: it listens on
// loopback by default, and a deployment that opens it further puts a proxy in front. New is
// inert; Run owns the listener and its goroutines and returns when they are done.
package server
