package chdb

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
)

// restrict returns the arguments that give the user of all sessions the given rights
// alone. The engine takes them from a configuration of users, as a server does, and
// from nowhere else: it refuses GRANT for a user that no statement has made.
func restrict(dir string, grants []string) ([]string, error) {
	if len(grants) == 0 {
		return nil, nil
	}
	users := filepath.Join(dir, "users.xml")
	var queries strings.Builder
	for _, grant := range grants {
		queries.WriteString("<query>" + escaped(grant) + "</query>")
	}
	err := os.WriteFile(users, []byte("<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default><password/>"+
		"<networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota><grants>"+queries.String()+
		"</grants></default></users></clickhouse>\n"), 0o600)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config.xml")
	err = os.WriteFile(config, []byte("<clickhouse><users_config>"+escaped(users)+"</users_config></clickhouse>\n"), 0o600)
	return []string{"--config-file=" + config}, err
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}
