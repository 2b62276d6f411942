// Package hugepages has Linux lay the heap of the process on pages of 2 MiB.
//
// State is looked at all over: each event of one number in thousands reads dozens of lines that no
// cache has, and with pages of 4 KiB the processor must find most of their addresses in tables
// that no cache has either, on a virtual machine in two of them. On pages of 2 MiB an event of
// sends-5000 (BenchmarkNumbers, in turns, 2026-11-30) took 8.0 to 9.2 us of processor time instead of 10.0 to
// 10.6, one of demo-5000 4.6 to 4.7 instead of 5.0 to 5.3.
//
// Linux gives such pages to everybody or, as most distributions set it, to those that ask
// ("madvise" in /sys/kernel/mm/transparent_hugepage/enabled). Go does not ask for its heap
// since 1.21.4. Follow asks for what the heap has grown by, again and again.
//
// It promises nothing: where Linux has no such pages to give, or does not give any, memory stays as it
// is. Where they are set to "never", on other systems, and with GODEBUG=disablethp=1, which is how a Go
// program is told not to use them, it does nothing. A process takes a little more memory with them.
package hugepages
