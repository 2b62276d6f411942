package pipeline

import (
	"log/slog"
	"strings"
	"testing"

	"sendwatch/internal/policy"
)

// The numbers role goes on from its checkpoint and does not write again what retention has
// deleted from the rows topic: portfolios that begin without one say that it is missing. What
// was acknowledged stays so, and without checkpoints the numbers role writes all of it again.
func TestFreshPortfoliosOfACutLog(t *testing.T) {
	for _, c := range []struct {
		name  string
		first int64
		kept  bool
		want  string
	}{
		{"cut", 2, true, "2 records were lost: offsets 0 to 1 (the state begins without a checkpoint"},
		{"whole", 0, true, ""},
		{"without checkpoints", 2, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				log, keeper := &fakeLog{topic: "rows", first: c.first}, &fakeKeeper{}
				log.append("", "", placesOf(0, "n1"), placesOf(1, "n2"))
				config := PortfoliosConfig{
					Events: "events", Flags: "flags", Rows: "rows", Writer: &fakeWriter{}, Topics: topicsOf(2), Policy: policy.Default(),
					Keeper: keeper, Logger: slog.New(slog.DiscardHandler),
				}
				if c.kept {
					config.Checkpoints = &Checkpoints{Store: memStore()}
				}
				said := func() string {
					var lines []string
					r := NewPortfolios(config)
					whileRunning(t, r.Run, joining(log), func() {
						elapse(10 * keepEvery)
						for _, p := range r.Problems() {
							if p.Reason == ReasonRecordsLost {
								lines = append(lines, p.Detail)
							}
						}
					})
					return strings.Join(lines, ", ")
				}
				if got := said(); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
					t.Errorf("%q, want %q", got, c.want)
				}
				if got := said(); (got == "") != (c.want == "") {
					t.Errorf("after a restart: %q, want %q", got, c.want)
				}
				if _, err := Acknowledge(t.Context(), keeper, "rows"); err != nil {
					t.Fatal(err)
				}
				if got := said(); got != "" {
					t.Errorf("after it was acknowledged: %q", got)
				}
			})
		})
	}
}
