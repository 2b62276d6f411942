// Package rowsv1 is the Protobuf form of the rows Sendwatch writes, for readers
// written in Go and for the tests of the encoder.
//
// It promises generated code alone; the pipeline writes and reads the format by
// hand. The code is made from rows.proto by protoc 33.0 and protoc-gen-go
// v1.36.12.
package rowsv1

//go:generate protoc -I ../../.. --go_out=../../.. --go_opt=paths=source_relative schemas/rows/v1/rows.proto
