package clickhouse

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sendwatch/schemas"
)

// migration is one file of schemas/clickhouse: one statement.
type migration struct {
	version  uint32
	name     string
	checksum string // SHA-256 of the text, hexadecimal
	text     string
}

// statement returns the text with the database's name in it. The name was
// checked by Open and needs no quotes.
func (m *migration) statement(database string) string {
	return strings.ReplaceAll(m.text, placeholder, database)
}

const placeholder = "{database}"

var fileName = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+)\.sql$`)

// shipped returns the statements that this program brings along, in order.
func shipped() ([]migration, error) { return load(schemas.ClickHouse, "clickhouse") }

// load reads the statements of a folder. Numbers begin at 1 and have no gaps,
// so that "everything up to" is one number.
func load(files fs.FS, folder string) ([]migration, error) {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return nil, fmt.Errorf("read the statements of the schema: %w", err)
	}
	var all []migration
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".sql") {
			continue
		}
		parts := fileName.FindStringSubmatch(entry.Name())
		if parts == nil {
			return nil, fmt.Errorf("schema file %s: the name must be NNNN_name.sql in lower case", entry.Name())
		}
		version, err := strconv.ParseUint(parts[1], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("schema file %s: %w", entry.Name(), err)
		}
		text, err := fs.ReadFile(files, path.Join(folder, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("schema file %s: %w", entry.Name(), err)
		}
		sum := sha256.Sum256(text)
		all = append(all, migration{uint32(version), parts[2], hex.EncodeToString(sum[:]), string(text)})
	}
	slices.SortFunc(all, func(a, b migration) int { return int(a.version) - int(b.version) })
	for i := range all {
		if all[i].version != uint32(i+1) {
			return nil, fmt.Errorf("schema file %04d_%s: expected number %04d here, numbers rise by one from 0001", all[i].version, all[i].name, i+1)
		}
	}
	return all, nil
}

// applied is what a database says of itself.
type applied struct {
	version  uint32
	name     string
	checksum string
}

// compare returns the statements that are still to be applied, or an error that
// says why none may be.
func compare(ours []migration, theirs []applied) (missing []migration, err error) {
	known := make(map[uint32]applied, len(theirs))
	for _, a := range theirs {
		if int(a.version) > len(ours) {
			return nil, fmt.Errorf("the database has schema version %d (%s), this program knows versions up to %d: it was migrated by a newer sendwatch; run that one, or use another database", newest(theirs), a.name, len(ours))
		}
		known[a.version] = a
	}
	for _, m := range ours {
		a, ok := known[m.version]
		if !ok {
			missing = append(missing, m)
			continue
		}
		if a.checksum != m.checksum {
			return nil, fmt.Errorf("schema version %d (%s) was applied with another text than this program's %s: an applied file must not change; run the sendwatch that applied it, or use another database", m.version, a.name, m.name)
		}
	}
	return missing, nil
}

func newest(theirs []applied) (version uint32) {
	for _, a := range theirs {
		version = max(version, a.version)
	}
	return version
}
