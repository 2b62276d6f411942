// Package randlog makes random logs for differential tests: newline-delimited
// JSON events of one partition, by seed.
//
// It promises that the same seed returns the same log on every machine, and that
// the logs go where programs that keep windows break: events out of order by
// milliseconds to days, repeated ids, replies and expiries exactly at 60 s,
// 10 min, 1 h, 24 h and 48 h and one millisecond beside, minute and hour edges,
// numbers that fall silent for days, failures after answers, restrictions that
// end, are replaced or were over before they began, shared events before and
// after their numbers, campaigns, people under many forms of their numbers and
// under user ids, links that are made late, end, or are kept by a stop, runs and
// pending sends that meet, groups, quotas, senders who are answered and senders
// whose answers nothing joins, records without a timestamp, lines that are no
// events. It refuses to make what the contract leaves open: an id is never
// repeated between one and two hours of record clock after it was applied.
//
// It is for tests only, owns no goroutine and reads no clock.
package randlog
