module sendwatch/benchmarks/decode

go 1.26.0

require (
	github.com/cespare/xxhash/v2 v2.3.0
	github.com/dchest/siphash v1.2.3
	github.com/valyala/fastjson v1.6.10
	golang.org/x/text v0.43.0
	google.golang.org/protobuf v1.36.12
	sendwatch v0.0.0
)

replace sendwatch => ../..
