// Package flagsv1 is the Protobuf form of a risk flag, for readers written in
// Go that keep flags as Protobuf. The topic itself carries JSON.
//
// It promises generated code alone. The code is made from flag.proto by
// protoc 33.0 and protoc-gen-go v1.36.12.
package flagsv1

//go:generate protoc -I ../../.. --go_out=../../.. --go_opt=paths=source_relative schemas/flags/v1/flag.proto
