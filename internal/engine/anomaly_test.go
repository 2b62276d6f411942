package engine_test

import (
	"strings"
	"testing"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// TestAnomalies plays events that contradict what is known: each is applied and
// counted, and those that make sense are not.
func TestAnomalies(t *testing.T) {
	log := strings.Join([]string{
		`{"id":"1","type":"message.sent","time":1760000000000,"number_id":"n","waba_id":"w","portfolio_id":"p","message_id":"m","contact":"a","kind":"template","template":{"name":"t","language":"en","category":"UTILITY"}}`,
		`{"id":"2","type":"message.status","time":1760000001000,"number_id":"n","message_id":"m","contact":"a","status":"failed","error_code":131026}`,
		`{"id":"3","type":"message.received","time":1760000002000,"number_id":"n","message_id":"i","contact":"a","kind":"text"}`,
		`{"id":"4","type":"message.received","time":1760000003000,"number_id":"n","message_id":"i","contact":"stranger","kind":"text"}`,
		`{"id":"5","type":"message.status","time":1760000004000,"number_id":"n","message_id":"x","contact":"nobody","status":"failed","error_code":987654}`,
		`{"id":"6","type":"account.update","time":1760000005000,"waba_id":"w","scope":"waba","state":"warned"}`,
		`{"id":"7","type":"account.update","time":1760000006000,"waba_id":"elsewhere","scope":"waba","state":"banned"}`,
		`{"id":"8","type":"number.quality","time":1760000007000,"number_id":"n","waba_id":"w2","portfolio_id":"p2","rating":"GREEN"}`,
	}, "\n")
	e := engine.New(engine.Config{Topic: "t", Policy: policy.Default(), PaneBits: engine.WholeLog})
	var out event.Output
	run([]byte(log), e, &out, func(int64) {})
	s := e.Stats()
	want := [engine.NumAnomalies]int64{
		engine.AnomalyReply: 1, engine.AnomalyStatus: 1, engine.AnomalyErrorCode: 1, engine.AnomalyAccount: 1, engine.AnomalyMove: 2,
	}
	if s.Anomalies != want {
		t.Errorf("counted %v, want %v", s.Anomalies, want)
	}
	if s.Records[event.ClassApplied] != 8 {
		t.Errorf("%d records applied, want 8", s.Records[event.ClassApplied])
	}
}
