// Package eventsv1 is the Protobuf form of the events Sendwatch reads, for
// producers written in Go. It is also the raw event of the program itself: what
// writes events fills it, and codec turns it into bytes.
//
// It promises generated code alone. Events are not read by it, but field by field
// from the wire, because the pipeline reads every event of every sender.
//
// The code is made from events.proto by protoc 33.0 and protoc-gen-go v1.36.12.
package eventsv1

//go:generate protoc -I ../../.. --go_out=../../.. --go_opt=paths=source_relative schemas/events/v1/events.proto
