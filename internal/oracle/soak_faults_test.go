package oracle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// whileAway are the reasons that may stand anywhere while the broker says nothing or comes
// back: its clients notice at different times what that costs them.
var whileAway = []string{
	"kafka_silent", "group_failed", "unassigned", "catching_up", "input_silent", "watermark_behind", "sink_behind", "store_refuses", "waiting_for_numbers",
}

// whileLate are the reasons that may stand when a process reads late or begins again.
var whileLate = []string{"catching_up", "unassigned", "input_silent", "watermark_behind", "sink_behind"}

// kinds are the faults that the soak knows.
func (s *site) kinds() []breakage {
	return slices.Concat(s.brokerFaults(), s.groupFaults(), s.inputFaults(), s.storeFaults(), s.logFaults())
}

// do makes a fault of something that can be known at once.
func do(steps ...func() error) func() (time.Time, error) {
	return func() (time.Time, error) { return time.Time{}, inOrderUntilError(steps...) }
}

func inOrderUntilError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// name returns a name that nothing had before.
func (s *site) name(what string) string {
	s.serial++
	return fmt.Sprintf("%s-%d", what, s.serial)
}

func (s *site) brokerFaults() []breakage {
	back := func() error { return s.broker.Restart(context.Background()) }
	return []breakage{
		{name: "broker hangs", on: s.main, want: []string{"kafka_silent"}, may: whileAway, make: do(s.broker.Pause), mend: s.broker.Resume, quick: true},
		{name: "broker killed", on: s.main, want: []string{"kafka_silent"}, may: whileAway, make: do(s.broker.Kill), mend: back, ready: 90 * time.Second, quick: true},
		{name: "broker stopped", on: s.main, want: []string{"kafka_silent"}, may: whileAway, make: do(s.broker.Stop), mend: back, ready: 90 * time.Second},
		{
			name: "client quota", on: s.main, want: []string{"catching_up"}, may: whileLate,
			make: do(func() error { return s.quota("soak-main", 200) }), mend: func() error { return s.quota("soak-main", 0) }, quick: true,
		},
		s.sessionEnds(),
	}
}

// sessionEnds watches while the broker ends the SASL session of every connection: nothing
// may be named, and no group may gather again.
func (s *site) sessionEnds() breakage {
	var before int
	return breakage{
		name: "SASL sessions end", calm: 22 * time.Second,
		make: func() (_ time.Time, err error) {
			before, err = s.main.generations()
			return time.Time{}, err
		},
		mend: func() error {
			after, err := s.main.generations()
			if err == nil && after != before {
				err = fmt.Errorf("%d generations began meanwhile", after-before)
			}
			return err
		},
	}
}

func (s *site) groupFaults() []breakage {
	var other *stranger
	join := func(group, topic string, options ...kgo.Opt) func() error {
		return func() (err error) {
			other, err = s.stranger(group, topic, options...)
			return err
		}
	}
	hears := func(words string) func() error { return func() error { return other.hears(words) } }
	leave := func() error { return other.leave() }
	return []breakage{
		{
			name: "stranger at the door", calm: 6 * time.Second, make: do(join("main-numbers", "main.events"), hears("INCONSISTENT_GROUP_PROTOCOL")), mend: leave, quick: true,
		},
		{
			name: "stranger was first", on: s.main, want: []string{"group_shared"}, may: whileLate,
			make: do(s.main.stop, join("main-numbers", "main.events"), hears("given"), s.main.start), mend: leave,
		},
		{
			name: "stranger of the new protocol", on: s.side, want: []string{"group_shared"}, may: whileLate,
			make: do(s.side.stop, join("side-portfolios", "side.rows", kgo.ServerSideBalancer()), hears("given"), s.side.start), mend: leave, ready: 90 * time.Second,
		},
		{name: "process killed", on: s.main, want: []string{"unassigned", "catching_up"}, may: whileLate, make: do(s.main.kill, s.main.start), quick: true},
		{name: "process stopped", on: s.main, want: []string{"unassigned", "catching_up"}, may: whileLate, make: do(s.main.stop, s.main.start)},
		{name: "sink killed", on: s.mainStore, want: []string{"unassigned", "catching_up"}, may: whileLate, make: do(s.mainStore.kill, s.mainStore.start)},
	}
}

func (s *site) inputFaults() []breakage {
	write := func(records func() []*kgo.Record) func() error {
		return func() error { return s.write(records()...) }
	}
	var hanging *kgo.Client
	return []breakage{
		{
			name: "inputs fall silent", on: s.main, want: []string{"input_silent"}, may: []string{"input_silent", "watermark_behind"}, quick: true,
			make: func() (time.Time, error) {
				s.murmur.hold(true)
				return s.live.hold(true), nil
			},
			mend: func() error {
				s.murmur.hold(false)
				s.live.hold(false)
				return nil
			},
		},
		{
			name: "records rejected", on: s.main, want: []string{"rejecting"}, make: do(write(s.rejected)), ready: 90 * time.Second,
		},
		{
			name: "records without keys", on: s.main, want: []string{"keys_disagree"}, ready: 90 * time.Second,
			make: do(write(func() []*kgo.Record {
				records := outside("main.events", 1, s.name("keyless"), 40)
				for _, r := range records {
					r.Key = nil
				}
				return records
			})),
		},
		{
			name: "number on two partitions", on: s.main, want: []string{"number_split"}, mend: s.main.acknowledge, quick: true,
			make: do(write(func() []*kgo.Record {
				number := s.name("split")
				return slices.Concat(outside("main.events", 0, number, 3), outside("main.events", 1, number, 3))
			})),
		},
		{
			name: "transaction hangs", on: s.main, want: []string{"held_back"}, may: []string{"input_silent", "catching_up"}, quick: true,
			make: func() (_ time.Time, err error) {
				hanging, err = s.hang("main.events", 0)
				return time.Time{}, err
			},
			mend: func() error {
				defer hanging.Close()
				return hanging.EndTransaction(context.Background(), kgo.TransactionEndTry(s.IntN(2) == 0))
			},
		},
		{
			name: "records without a timestamp", calm: 5 * time.Second,
			make: do(write(func() []*kgo.Record {
				records := outside("side.events", 1, s.name("timeless"), 10)
				for _, r := range records {
					r.Timestamp = time.UnixMilli(-1)
				}
				return records
			})),
		},
		{
			name: "clock ahead", on: s.side, want: []string{"watermark_ahead"},
			make: do(write(func() []*kgo.Record {
				at := time.Now().Add(6*time.Minute + 6*time.Second)
				id := s.name("ahead")
				r := eventRecord("side.events", 0, sendLine(id, "ahead", at.UnixMilli()))
				r.Timestamp = at
				return []*kgo.Record{r}
			})),
		},
		{
			name: "events come late", on: s.side, want: []string{"watermark_behind"},
			make: func() (time.Time, error) {
				at := time.Now()
				s.murmur.delay(1, at.UnixMilli())
				return at, nil
			},
			mend: func() error { s.murmur.delay(1, 0); return nil },
		},
	}
}

// rejected are records of which no event becomes, of a random kind.
func (s *site) rejected() []*kgo.Record {
	kind, now := s.IntN(3), time.Now()
	var records []*kgo.Record
	for range 60 {
		id := s.name("bad")
		line := []string{
			`{"id":"` + id, sendLine(id, "bad", now.Add(20*time.Minute).UnixMilli()), sendLine(id, "bad", time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()),
		}[kind]
		records = append(records, eventRecord("main.events", 1, line))
	}
	return records
}

// hang leaves a transaction open on a partition.
func (s *site) hang(topic string, partition int32) (*kgo.Client, error) {
	c, err := s.client(kgo.TransactionalID(s.name("hanging")), kgo.TransactionTimeout(10*time.Minute))
	if err != nil {
		return nil, err
	}
	if err := c.BeginTransaction(); err != nil {
		c.Close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), administrationTime)
	defer cancel()
	return c, c.ProduceSync(ctx, outside(topic, partition, s.name("hanging"), 1)...).FirstErr()
}

func (s *site) storeFaults() []breakage {
	// Both deployments store in the same engine.
	may := []string{"store_refuses", "sink_behind"}
	return []breakage{
		{
			name: "ClickHouse refuses", on: s.mainStore, want: []string{"store_refuses"}, may: may, quick: true,
			make: do(func() error { s.gate.refuse(); return nil }), mend: s.gate.listen,
		},
		{
			name: "ClickHouse hangs", on: s.mainStore, want: []string{"sink_behind", "store_refuses"}, may: may, ready: 90 * time.Second,
			make: do(func() error { s.gate.hang(); return nil }), mend: func() error { s.gate.resume(); return nil },
		},
		{
			name: "retention passes the sink", on: s.sideStore, want: []string{"records_lost"}, may: append(slices.Clone(whileLate), "records_lost"),
			make: func() (time.Time, error) {
				if err := s.sideStore.kill(); err != nil {
					return time.Time{}, err
				}
				pause(4 * time.Second) // rows come meanwhile
				return time.Time{}, inOrderUntilError(func() error { return s.deleteRecords("side.rows") }, s.sideStore.start)
			},
			mend: func() error { return errors.Join(s.sideStore.acknowledge(), s.side.acknowledge()) },
		},
	}
}

func (s *site) logFaults() []breakage {
	acknowledgeMain := func() error {
		return inOrderUntilError(func() error { return s.mainStore.names("unreadable") }, s.main.acknowledge, s.mainStore.acknowledge)
	}
	return []breakage{
		{
			name: "row that cannot be read", on: s.main, want: []string{"unreadable"}, mend: acknowledgeMain, quick: true,
			make: do(func() error {
				return s.write(&kgo.Record{Topic: "main.rows", Partition: s.Int32N(soakPartitions), Value: []byte("\xff")})
			}),
		},
		{
			name: "batch beyond the bound", on: s.side, want: []string{"unreadable"}, may: whileLate, mend: s.side.acknowledge, make: do(s.bomb),
		},
		{
			name: "retention passes the reader", on: s.side, want: []string{"records_lost"}, may: whileLate, mend: s.side.acknowledge,
			make: func() (time.Time, error) {
				if err := s.side.signal(syscall.SIGSTOP); err != nil {
					return time.Time{}, err
				}
				pause(2 * time.Second) // events come meanwhile
				err := s.deleteRecords("side.events")
				return time.Time{}, errors.Join(err, s.side.signal(syscall.SIGCONT))
			},
		},
		{
			name: "topic created again", on: s.side, want: []string{"topic_recreated"}, may: append(slices.Clone(whileLate), "group_failed"),
			make: do(func() error { return s.recreate("side.events", "CreateTime") }), mend: s.side.acknowledge, ready: 90 * time.Second,
		},
		{
			name: "policy that nobody keeps", on: s.side, want: []string{"stopped"}, may: append(slices.Clone(whileLate), "topic_recreated", "group_failed"), ready: 90 * time.Second,
			make: do(func() error {
				at := time.Now().UnixMilli()
				return s.write(eventRecord("side.events", 0, fmt.Sprintf(`{"id":%q,"type":"policy","time":%d,"version":"unknown"}`, s.name("policy"), at)))
			}),
			// The log has it for good: only another one helps.
			mend: func() error {
				return inOrderUntilError(func() error { return s.recreate("side.events", "CreateTime") }, func() error { return s.side.names("topic_recreated") }, s.side.acknowledge)
			},
		},
	}
}

// bomb writes a batch that is small and unpacks to more than the configuration allows.
func (s *site) bomb() error {
	c, err := s.client(kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.ProducerBatchMaxBytes(64<<20), kgo.MaxBufferedBytes(256<<20), kgo.BrokerMaxWriteBytes(100<<20))
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), administrationTime)
	defer cancel()
	// One record: what of a batch lies within the bound is read, and would be rejected.
	return c.ProduceSync(ctx, &kgo.Record{Topic: "side.events", Partition: 1, Value: make([]byte, 40<<20)}).FirstErr()
}
