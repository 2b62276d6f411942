package webhook

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

// batch is a body of Meta's with n updates, statuses and messages by turns.
func batch(n int) []byte {
	var statuses, messages []string
	for i := range n {
		if i%4 == 0 {
			messages = append(messages, fmt.Sprintf(`{"from":"4477009%05d","from_user_id":"GB.90000000000%05d","id":"wamid.HBgMNDQ3NzAwOTAwMTIzFQIAEhgg%08d","timestamp":"1795860000","type":"text","text":{"body":"yes, that is fine, thank you"}}`, i, i, i))
			continue
		}
		statuses = append(statuses, fmt.Sprintf(`{"id":"wamid.HBgMNDQ3NzAwOTAwMTIzFQIAERgS%08d","status":"delivered","timestamp":"1795860000","recipient_id":"4477009%05d","pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"marketing"}}`, i, i))
	}
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"200000000000001","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"447700900001","phone_number_id":"100000000000001"},"messages":[%s],"statuses":[%s]},"field":"messages"}]}]}`,
		strings.Join(messages, ","), strings.Join(statuses, ","))
}

// BenchmarkRead reads bodies of one update and of a full batch, down to the bytes
// of the events. The figure per update is ns/op divided by the count.
func BenchmarkRead(b *testing.B) {
	p, err := New("meta")
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 100, MaxUpdates} {
		body := batch(n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				r := p.Read(body, jsonType, Source{ReceivedAt: received})
				if len(r.Updates) != n {
					b.Fatal(len(r.Updates))
				}
				for i := range r.Updates {
					for _, e := range r.Updates[i].Events {
						if _, err := proto.Marshal(e); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
			b.ReportMetric(float64(b.N)*float64(n)/b.Elapsed().Seconds(), "updates/s")
		})
	}
}
