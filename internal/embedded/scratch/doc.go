// Package scratch hands out temporary folders that do not outlive their owner
// for long.
//
//	dir, err := scratch.New("sendwatch-kafka")
//	path := dir.Path()
//	err = dir.Remove()
//
// It promises that a folder is removed by Remove, or, if its process was killed
// before that, by the next process that asks for one of the same name: a live
// owner holds a file lock, which the kernel frees when it dies.
//
// It starts no goroutine.
package scratch
