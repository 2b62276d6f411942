package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"sendwatch/internal/event"
	"sendwatch/internal/strictyaml"
)

// hostnameVariable is set in the pods of a StatefulSet: its name, a hyphen, the ordinal.
const hostnameVariable = "HOSTNAME"

var ordinalOfName = regexp.MustCompile(`-(\d{1,9})$`)

// static reads which process this is of how many.
func (p *parser) static(s *Static) field {
	var ordinal strictyaml.Value
	const accepted = "of: the number of processes, and ordinal: from 0 on, unless " + hostnameVariable + " ends in it as in the pods of a StatefulSet"
	return section("static", []field{
		whole("of", &s.Of, 1, 10_000),
		{key: "ordinal", read: func(v strictyaml.Value) { ordinal = v }},
	}, func(v strictyaml.Value) {
		if s.Of == 0 {
			v.Wrong("does not say of how many processes", accepted)
			return
		}
		if ordinal.Exists() {
			if n, ok := ordinal.Whole(0, int64(s.Of)-1); ok {
				s.Ordinal = int(n)
			}
			return
		}
		name, _ := p.lookupEnv(hostnameVariable)
		found := ordinalOfName.FindStringSubmatch(name)
		if found == nil {
			v.Wrong(fmt.Sprintf("has no ordinal, and the environment variable %s does not end in one (%q)", hostnameVariable, name), accepted)
			return
		}
		if s.Ordinal, _ = strconv.Atoi(found[1]); s.Ordinal >= s.Of { // nine digits are a number
			v.Wrong(fmt.Sprintf("is of %d, and %s is %s: nothing would be left for this process", s.Of, hostnameVariable, name), "of: the number of replicas")
		}
	})
}

// staticNeedsCheckpoints notes a static share whose two holders nothing would tell apart.
func staticNeedsCheckpoints(c *Config, doc *strictyaml.Document) {
	stateful := slices.Contains(c.Roles, event.RoleNumbers) || slices.Contains(c.Roles, event.RolePortfolios)
	if c.Kafka.Static.Of > 0 && stateful && c.Checkpoints.Store == "" {
		doc.Wrong("kafka.static is set and checkpoints.store is not", "both: without checkpoints nothing fences a second process of the same ordinal")
	}
}
