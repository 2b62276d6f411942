// Package eventsv1 is the Protobuf form of the events Sendwatch reads, for
// producers written in Go and for the tests of the decoder.
//
// It promises generated code alone. The pipeline itself does not use it: it
// reads the wire format by hand, because it reads every event of every sender.
//
// The code is made from events.proto by protoc 33.0 and protoc-gen-go v1.36.12.
package eventsv1

//go:generate protoc -I ../../.. --go_out=../../.. --go_opt=paths=source_relative schemas/events/v1/events.proto
