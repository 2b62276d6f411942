package schemas

import "embed"

// Policies holds the shipped policies, policy/*.yaml.
//
//go:embed policy/*.yaml
var Policies embed.FS
