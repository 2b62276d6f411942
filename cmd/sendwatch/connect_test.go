package main

import (
	"testing"
	"time"

	"sendwatch/internal/config"
	"sendwatch/internal/event"
)

// TestTopicsKeepWhatARestartNeeds wants of the rows topic what restricted_7d
// looks back, where a process runs the portfolios role, and creates it longer.
func TestTopicsKeepWhatARestartNeeds(t *testing.T) {
	c := config.Default()
	for _, k := range []struct {
		roles []string
		least time.Duration
	}{
		{[]string{event.RoleNumbers, event.RolePortfolios, event.RoleSink}, 7*24*time.Hour + c.Numbers.LongestOutage},
		{[]string{event.RoleSink}, c.Numbers.LongestOutage},
	} {
		c.Roles = k.roles
		for _, topic := range topics(c) {
			if topic.Name != c.Kafka.Topics.Rows {
				continue
			}
			if topic.MinRetention != k.least || topic.Retention < topic.MinRetention {
				t.Errorf("roles %v: rows are kept for %s and must be for %s, want at least %s", k.roles, topic.Retention, topic.MinRetention, k.least)
			}
		}
	}
}
