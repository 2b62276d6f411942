package main

import (
	"context"

	"sendwatch/internal/event"
	"sendwatch/internal/pipeline"
	"sendwatch/internal/server"
)

// partitionStatus is what both roles tell of a partition.
func partitionStatus(s *pipeline.PartitionStatus) server.Partition {
	p := server.Partition{
		Role: s.Role, Topic: s.Topic, Partition: s.Partition, State: string(s.State),
		NextOffset: max(0, s.Next), EndOffset: s.End, HeldBack: s.HeldBack, LagSeconds: s.LagSeconds, Error: s.Error, Waiting: s.Retrying,
	}
	if s.Fetched {
		p.Lag = &s.Lag
	}
	return p
}

// recordCounts names what became of the records of a partition.
func recordCounts(s *pipeline.PartitionStatus) map[string]int64 {
	out := make(map[string]int64, event.NumClasses)
	for class := range event.NumClasses {
		out[class.String()] = s.Engine.Records[class]
	}
	return out
}

// Riskiest returns the riskiest numbers of all partitions as the API ranks them.
func (s numbersSource) Riskiest(ctx context.Context, limit int) (server.Ranking, error) {
	numbers, bands, err := s.Numbers.Riskiest(ctx, limit)
	return server.Ranking{Numbers: numbers, Bands: bands}, err
}
