package main

import (
	"cmp"
	"context"
	"slices"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/pipeline"
	"sendwatch/internal/server"
)

// partitionStatus is what both roles tell of a partition.
func partitionStatus(s *pipeline.PartitionStatus) server.Partition {
	return server.Partition{
		Role: s.Role, Topic: s.Topic, Partition: s.Partition, State: string(s.State),
		NextOffset: max(0, s.Next), EndOffset: s.End, Lag: max(0, s.End-max(0, s.Next)), LagSeconds: s.LagSeconds, Error: s.Error,
	}
}

// recordCounts names what became of the records of a partition.
func recordCounts(s *pipeline.PartitionStatus) map[string]int64 {
	out := make(map[string]int64, event.NumClasses)
	for class := range event.NumClasses {
		out[class.String()] = s.Engine.Records[class]
	}
	return out
}

// Riskiest asks every partition for its numbers and keeps the worst.
func (s numbersSource) Riskiest(ctx context.Context, limit int) (server.Ranking, error) {
	var ranking server.Ranking
	var out event.Output
	err := s.numbers.Ask(ctx, func(e *engine.Engine) {
		out.Reset()
		for band, n := range e.Riskiest(limit, &out) {
			ranking.Bands[band] += n
		}
		ranking.Numbers = append(ranking.Numbers, out.NumberStatuses...)
		slices.SortFunc(ranking.Numbers, func(a, b event.NumberStatus) int {
			return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(a.NumberID, b.NumberID))
		})
		ranking.Numbers = slices.Delete(ranking.Numbers, min(limit, len(ranking.Numbers)), len(ranking.Numbers))
	})
	return ranking, err
}

// Number asks every partition for a number: which one has it depends on how its
// producers choose partitions.
func (s numbersSource) Number(ctx context.Context, numberID string) (event.NumberStatus, bool, error) {
	var found event.NumberStatus
	var ok bool
	var out event.Output
	err := s.numbers.Ask(ctx, func(e *engine.Engine) {
		out.Reset()
		if !e.Number(numberID, &out) {
			return
		}
		// Of a number that is on two partitions the one that is ahead counts.
		if n := &out.NumberStatuses[0]; !ok || n.Clock > found.Clock {
			found, ok = *n, true
		}
	})
	return found, ok, err
}
