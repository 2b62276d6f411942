#!/usr/bin/env bash
# klauspost/compress zstd: DecodeAll, and its limit of memory, behind what is there already.
#
# Expected: WithDecoderMaxMemory bounds what one frame may become. Frames can be decoded one after
#           another into one slice, each appended to what is there, as DecodeAll promises.
# Seen:     a frame that says how large its content is counts together with what dst holds already:
#           the second of two frames of 3/4 of the limit fails with "decompressed size
#           exceeds configured limit". The same content in a frame that does not say so is
#           appended, and so is the first frame if dst is an empty slice at the
#           place where it shall lie.
# So:       to append chunks under a limit, hand DecodeAll dst[n:n:n+size] instead of dst.
# Versions: github.com/klauspost/compress v1.20.3, Go 1.26.
# Output:   appended: size exceeded | appended, without a content size: fine | beside: fine
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'MOD'
module finding

go 1.26.0

require github.com/klauspost/compress v1.20.3
MOD
cat >main.go <<'GO'
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/klauspost/compress/zstd"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func word(err error) string {
	switch {
	case err == nil:
		return "fine"
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return "size exceeded"
	}
	return err.Error()
}

func main() {
	const limit = 1 << 20
	data := bytes.Repeat([]byte("offset and state "), 3*limit/4/17)
	frame := must(zstd.NewWriter(nil)).EncodeAll(data, nil)
	var stream bytes.Buffer
	w := must(zstd.NewWriter(&stream, zstd.WithWindowSize(limit/4)))
	must(w.Write(data))
	if err := w.Close(); err != nil {
		panic(err)
	}
	d := must(zstd.NewReader(nil, zstd.WithDecoderMaxMemory(limit)))
	defer d.Close()

	whole := must(d.DecodeAll(frame, nil))
	_, appended := d.DecodeAll(frame, whole)
	_, streamed := d.DecodeAll(stream.Bytes(), whole)
	place := make([]byte, 4*limit)
	_, beside := d.DecodeAll(frame, place[limit:limit])

	seen := fmt.Sprintf("appended: %s | appended, without a content size: %s | beside: %s", word(appended), word(streamed), word(beside))
	fmt.Println(seen)
	if seen != "appended: size exceeded | appended, without a content size: fine | beside: fine" {
		fmt.Fprintln(os.Stderr, "changed")
		os.Exit(1)
	}
}
GO
GOFLAGS=-mod=mod go run .
