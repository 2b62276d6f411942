package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"runtime/metrics"
	"time"
)

// samples is how often a steady run looks at the service's memory.
const samples = 20

// memoryUse is what a service says of its own memory, in bytes.
type memoryUse struct {
	// Live is what the last garbage collection found in use, Heap what the heap's
	// objects take now, with what is garbage since.
	Live, Heap uint64
	Goroutines int
	resident   int64
}

// readMemory asks the runtime. It starts no collection: one that the benchmark
// forced would hide what the service does by itself.
func readMemory() memoryUse {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return memoryUse{Live: s[0].Value.Uint64(), Heap: s[1].Value.Uint64(), Goroutines: runtime.NumGoroutine()}
}

// tellMemory answers questions about this process's memory until ctx ends, and
// returns where.
func tellMemory(ctx context.Context) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(readMemory()) //nolint:errchkjson // the benchmark has gone: nobody reads it
	})}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), nil
}

// use returns the memory of the service.
func (s *service) use(ctx context.Context) (memoryUse, error) {
	var u memoryUse
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.memoryAddress, http.NoBody)
	if err != nil {
		return u, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return u, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	if err := json.NewDecoder(answer.Body).Decode(&u); err != nil {
		return u, err
	}
	u.resident = s.memory()
	return u, nil
}

// errGrows is of a service whose memory has not come to rest.
var errGrows = errors.New("the memory still grows")

// steady sends a load for a long time and prints the service's memory at
// intervals. It fails if that does not come to rest.
func (s *service) steady(ctx context.Context, l load, lasts time.Duration) error {
	fmt.Println("| after | sent | live heap | heap | resident | goroutines |")
	fmt.Println("|---|---|---|---|---|---|")
	type outcome struct {
		r   *result
		err error
	}
	done := make(chan outcome, 1)
	start := time.Now()
	go func() {
		r, err := s.paced(ctx, l, lasts)
		done <- outcome{r, err}
	}()
	ticker := time.NewTicker(lasts / samples)
	defer ticker.Stop()
	var seen []memoryUse
	for {
		select {
		case <-ticker.C:
			u, err := s.use(ctx)
			if err != nil {
				return err
			}
			seen = append(seen, u)
			after := time.Since(start)
			fmt.Printf("| %s | %d | %.1f MiB | %.1f MiB | %.1f MiB | %d |\n", after.Round(time.Second), int(after.Seconds())*l.rate*l.of,
				mib(u.Live), mib(u.Heap), mib(uint64(max(0, u.resident))), u.Goroutines)
		case end := <-done:
			if end.err != nil {
				return end.err
			}
			fmt.Printf("\n%d of %d bodies were not answered 200; p50 %s, p99 %s\n", end.r.failed, end.r.sent, end.r.at(0.5), end.r.at(0.99))
			return rest(seen)
		}
	}
}

func mib(bytes uint64) float64 { return float64(bytes) / (1 << 20) }

// slack is by how much the largest figure of the last third may be above that of
// the third before: a leak of 8 bytes an update, at 2,000 a second, is 3 MiB in
// the 200 s of a third.
const slack = 3 << 20

// rest reports, and returns as an error if not, that the memory no longer grows: the
// last third of the samples has no larger live heap and no larger resident memory
// than the third before, within the slack.
func rest(seen []memoryUse) error {
	third := len(seen) / 3
	if third == 0 {
		return fmt.Errorf("only %d samples: take a longer run", len(seen))
	}
	largest := func(part []memoryUse) (live, resident int64) {
		for _, u := range part {
			live, resident = max(live, int64(u.Live)), max(resident, u.resident)
		}
		return live, resident
	}
	live1, resident1 := largest(seen[len(seen)-2*third : len(seen)-third])
	live2, resident2 := largest(seen[len(seen)-third:])
	fmt.Printf("largest of the second and of the last third: live heap %.1f and %.1f MiB, resident %.1f and %.1f MiB\n",
		mib(uint64(live1)), mib(uint64(live2)), mib(uint64(resident1)), mib(uint64(resident2)))
	if live2 > live1+slack || resident2 > resident1+slack {
		return errGrows
	}
	return nil
}
