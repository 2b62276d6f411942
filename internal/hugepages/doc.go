// Package hugepages has Linux lay the heap of the process on pages of 2 MiB.
//
// State is looked at all over: each event of one number in thousands reads dozens of lines that no
// cache has, and with pages of 4 KiB the processor must find most of their addresses in tables
// that no cache has either, on a virtual machine in two of them; and as state grows, each such page is a
// trip into the kernel. With such pages for everybody ("always", in turns, 2026-12-01) an event of sends-5000
// (BenchmarkNumbers) took 6.2, 6.7 and 8.6 us of processor time instead of 7.4, 7.9 and 10.0. As it is here, where the heap is
// asked for after it has grown, five replays of 600,000 events (mklog, 5,000 numbers) took 2.9 to 4.9 s, median
// 3.3, and 2.7 to 5.0, median 4.1, without, in turns on a machine whose own speed changed as much.
//
// Linux gives such pages to everybody or, as most distributions set it, to those that ask
// ("madvise" in /sys/kernel/mm/transparent_hugepage/enabled). Go does not ask for its heap
// since 1.21.4. Follow asks for it (MADV_HUGEPAGE) while it is dense: while Go has returned less than a
// twentieth of it. Otherwise it withdraws that, since Linux would fill again what Go has returned: a
// process of which 12 MB were in use after a peak of 256 MB took 257 MB again within two minutes.
// Moving what lies there already (MADV_COLLAPSE) was tried: it costs what it brings.
//
// It promises nothing: where Linux has no such pages to give, memory stays as it is. Where they are set to
// "never", on other systems, and with GODEBUG=disablethp=1, which is how a Go program is told not to use
// them, it does nothing.
package hugepages
