// Package headroom bounds how far the heap of the process grows between two collections.
//
// Go lets a heap double before it is collected, because what a collection costs grows with what is
// alive. State that holds no pointers is not walked: a collection of 100 million pending sends takes some
// 30 ms. So a process with gigabytes of state would keep as much again for garbage, for nothing: ten million numbers at rest and 100 million pending sends,
// 6 GB, would need 12. Follow lowers the collector's target as the heap grows, so that the room for garbage is an eighth of a
// gibibyte, or an eighth of what is alive if that is more.
//
// It promises nothing where GOGC or GOMEMLIMIT are set: these hold then.
package headroom
