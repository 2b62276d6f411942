package chdb

import (
	"regexp"
)

// settingName is what a setting may be called.
//
//nolint:gochecknoglobals // A constant, compiled once.
var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// apply sets the settings of one query in the session. A server forgets a
// query's settings after it, so those of the last one are taken back first.
func (c *client) apply(settings []setting) error {
	want := make(map[string]string, len(settings))
	for _, s := range settings {
		if !settingName.MatchString(s.name) {
			return &exception{code: unknownException, message: "Setting name " + quoteString(s.name) + " is not a name"}
		}
		if s.name != "log_comment" { // It carries the tag.
			want[s.name] = s.value
		}
	}
	for name := range c.applied {
		if _, ok := want[name]; !ok {
			if _, err := c.session.exec("SET " + name + " = DEFAULT"); err != nil {
				return err
			}
			delete(c.applied, name)
		}
	}
	for name, value := range want {
		if had, ok := c.applied[name]; ok && had == value {
			continue
		}
		if _, err := c.session.exec("SET " + name + " = " + quoteString(value)); err != nil {
			return err
		}
		c.applied[name] = value
	}
	return nil
}
