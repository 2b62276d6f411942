// Command decode measures what it costs to make an event of a record: our decoder
// beside encoding/json, fastjson and Protobuf's generated code, which all do the
// same job (fields, canonical identifiers under a keyed hash, fingerprints).
//
//	cd benchmarks/decode && go run . -runs 5
//
// Each peer's events must equal ours, record by record, before its time counts.
// In a run all peers take turns on one processor; a figure is the median of the
// runs, with the least and the largest. Ratios are taken within a run.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"runtime/pprof"
	"slices"
	"syscall"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

func main() {
	runs := flag.Int("runs", 5, "how many runs")
	records := flag.Int("records", 50_000, "how many records a log has")
	repeat := flag.Int("repeat", 4, "how often a log is read in a run")
	only := flag.String("only", "", "a peer that is measured alone")
	log := flag.String("log", "", "the name of a log that is read alone, as in \"demo, JSON\"")
	profile := flag.String("profile", "", "a file for a CPU profile")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := measure(*runs, *records, *repeat, *only, *log, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "decode:", err)
		os.Exit(1)
	}
}

// contest is one log in one form with those who read it, ours first.
type contest struct {
	name    string
	records [][]byte
	names   []string
	peers   []peer
	ns      [][]float64 // by peer and run
}

// newContests makes the logs and the peers.
func newContests(records int) ([]*contest, error) {
	var secret codec.Secret
	for i := range secret {
		secret[i] = byte(i)
	}
	stop, resume := []string{"stop", "unsubscribe", "sair", "baja", "arrêt"}, []string{"start", "resume"}
	config := codec.Config{Secret: secret, StopWords: stop, ResumeWords: resume}
	judgeOf := func() *judge { return newJudge(0x0706050403020100, 0x0f0e0d0c0b0a0908, stop, resume) }

	var list []*contest
	for _, l := range []struct {
		name string
		make func(int) ([][]byte, error)
	}{{"demo", demoLog}, {"sends", sendsLog}, {"texts", textsLog}} {
		written, err := l.make(records)
		if err != nil {
			return nil, err
		}
		mixed, err := shuffled(written)
		if err != nil {
			return nil, err
		}
		messages, err := inProtobuf(written)
		if err != nil {
			return nil, err
		}
		written, mixed, messages = joined(written), joined(mixed), joined(messages)
		for i, in := range [][][]byte{written, mixed} {
			list = append(list, &contest{
				name: l.name + [...]string{", JSON", ", JSON, any order"}[i], records: in,
				names: []string{"sendwatch", "fastjson", "encoding/json"}, peers: []peer{ours(config, codec.ContentJSON), fast(judgeOf()), std(judgeOf())},
			})
		}
		list = append(list, &contest{
			name: l.name + ", Protobuf", records: messages,
			names: []string{"sendwatch", "generated code"}, peers: []peer{ours(config, codec.ContentProtobuf), generated(judgeOf())},
		})
	}
	return list, nil
}

func measure(runs, records, repeat int, only, log, profile string) error {
	contests, err := newContests(records)
	if err != nil {
		return err
	}
	if log != "" {
		contests = slices.DeleteFunc(contests, func(c *contest) bool { return c.name != log })
	}
	for _, c := range contests {
		if err := c.agree(); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		c.ns = make([][]float64, len(c.peers))
	}
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for range runs {
		for _, c := range contests {
			for i, p := range c.peers {
				if only == "" || only == c.names[i] {
					c.ns[i] = append(c.ns[i], c.time(p, repeat))
				}
			}
		}
	}
	fmt.Println("| log | bytes | decoder | ns a record, median (least to largest) | times ours |")
	fmt.Println("|---|---|---|---|---|")
	for _, c := range contests {
		c.print()
	}
	return nil
}

// joined lays the records behind one another, as a fetch has them.
func joined(list [][]byte) [][]byte {
	all := bytes.Join(list, nil)
	out := make([][]byte, 0, len(list))
	for _, record := range list {
		out = append(out, all[:len(record):len(record)])
		all = all[len(record):]
	}
	return out
}

// agree holds every peer's events against ours.
func (c *contest) agree() error {
	for i, record := range c.records {
		var want event.Event
		if err := c.peers[0](&want, record); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		for k, p := range c.peers[1:] {
			var got event.Event
			if err := p(&got, record); err != nil {
				return fmt.Errorf("record %d, %s: %w: %q", i, c.names[k+1], err, record)
			}
			if a, b := plain(&got), plain(&want); !reflect.DeepEqual(a, b) {
				return fmt.Errorf("record %d: %s has %+v, ours %+v", i, c.names[k+1], a, b)
			}
		}
	}
	return nil
}

// plain is an event whose empty strings and lists are nil.
func plain(ev *event.Event) event.Event {
	p := *ev
	for _, b := range []*[]byte{
		&p.ID, &p.NumberID, &p.WABAID, &p.PortfolioID, &p.Template.Name, &p.Template.Language,
		&p.Reason, &p.TemplateStatus, &p.PolicyVersion,
	} {
		if len(*b) == 0 {
			*b = nil
		}
	}
	if len(p.Links) == 0 {
		p.Links = nil
	}
	return p
}

// time reads the log some times and returns ns of processor time a record, the
// collector's included: on a machine that others share, the wall clock says more
// about them.
func (c *contest) time(p peer, repeat int) float64 {
	runtime.GC()
	var ev event.Event
	begin := processorTime()
	for range repeat {
		for _, record := range c.records {
			if err := p(&ev, record); err != nil {
				panic(err) // agree has read them all
			}
		}
	}
	return float64(processorTime()-begin) / float64(repeat*len(c.records))
}

// processorTime is what this process has used, in ns.
func processorTime() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func (c *contest) print() {
	size := 0
	for _, r := range c.records {
		size += len(r)
	}
	for i, ns := range c.ns {
		if len(ns) == 0 {
			continue
		}
		ratio := ""
		if i > 0 && len(c.ns[0]) == len(ns) {
			of := make([]float64, len(ns))
			for k := range ns {
				of[k] = ns[k] / c.ns[0][k]
			}
			ratio = spread(of, "%.1f")
		}
		fmt.Printf("| %s | %d | %s | %s | %s |\n", c.name, size/len(c.records), c.names[i], spread(ns, "%.0f"), ratio)
	}
}

// spread writes the median with the least and the largest.
func spread(of []float64, verb string) string {
	s := slices.Sorted(slices.Values(of))
	return fmt.Sprintf(verb+" ("+verb+" to "+verb+")", s[len(s)/2], s[0], s[len(s)-1])
}
