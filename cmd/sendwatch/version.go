package main

import (
	"fmt"
	"runtime/debug"
)

// versionCmd prints what was built.
type versionCmd struct{}

// Run prints the module's version and the Go version it was built with.
func (versionCmd) Run() error {
	version, goVersion := "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version, goVersion = info.Main.Version, info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				version += " " + s.Value
			}
		}
	}
	fmt.Println("sendwatch", version, goVersion)
	return nil
}
