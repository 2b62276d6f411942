// Package fetch brings pinned packages into the user's cache folder through the
// clients their registries already have (npm, Maven), and checks what came.
//
//	cache, err := fetch.Open()                       // the user's cache folder
//	dir, err := cache.NPM(ctx, pkg, report)          // one file of an npm package
//	dir, err := cache.Maven(ctx, set, report)        // a pinned set of jars
//	report := fetch.Bar(os.Stderr)                   // progress for people
//
// It promises that a folder it returns is complete and was checked: a package
// is unpacked beside its place, synced, and renamed into it. Two processes may
// ask at once: one fetches, the other waits for it. A killed fetch leaves only
// a folder that the next one removes.
//
// It refuses a package whose content differs from the pinned checksum, and it
// never runs a package's own install scripts. When a client is missing the
// error is a *MissingError, which says what to install or to do instead.
//
// It owns one goroutine while a client runs, which watches the bytes arrive;
// it ends before the call returns.
package fetch
