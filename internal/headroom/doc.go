// Package headroom bounds how far the heap of the process grows between two collections.
//
// Go lets a heap double before it is collected, because what a collection costs grows with what is
// alive. State that holds no pointers is not walked: a collection of 100 million pending sends takes some
// 6 ms. So a process with gigabytes of state would keep as much again for garbage, for nothing: ten million numbers at rest and 100 million pending sends,
// 9 GB, would need 18. Follow lowers the collector's target as the heap grows: the room for garbage is an eighth of what is alive, or
// what is allocated in twenty seconds if that is less, and an eighth of a gibibyte at least. So a process that is busy
// collects as seldom as its memory allows, and one that is not keeps no room that it has no use for: 2,000 events a second
// allocate some 3 MB, and would take minutes to fill a gibibyte.
//
// It promises nothing where GOGC or GOMEMLIMIT are set: these hold then.
package headroom
