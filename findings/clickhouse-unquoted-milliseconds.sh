#!/usr/bin/env bash
# ClickHouse: milliseconds since 1970 for a DateTime64(3), as a JSON number.
#
# Expected: the number is counted in the column's unit, as it was up to 26.7, and the same
#           digits are the same moment with and without quotes, in JSON and in CSV.
# Seen:     26.9 takes a bare number for seconds. Milliseconds are no error: they are stored
#           a thousand times too large and shown as the end of the year 9999. In quotes,
#           and in CSV, the same digits are milliseconds as before. VALUES changed
#           along with JSONEachRow. 26.7 takes all of them for milliseconds, so that
#           an upgrade alone moves the times.
# So:       milliseconds go into an Int64 and through fromUnixTimestamp64Milli, which both
#           versions understand alike; a view or a Kafka table that reads them as
#           DateTime64(3) is changed before the upgrade.
# Versions: engines 26.7.2.1 and 26.9.2.1 in the Python packages chdb-core 26.7.3 and
#           26.9.0 (linux x86-64). The change is the engine's pull request 108091.
# Output:   26.7.2.1 JSON, quoted, CSV, VALUES, Int64 2026-01-09 23:06:40.007
#           26.9.2.1 quoted, CSV, Int64 2026-01-09 23:06:40.007
#           26.9.2.1 JSON, VALUES 9999-12-31 23:59:59.000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/times.py" <<'PY'
import chdb, sys

right, late = "2026-01-09 23:06:40.007", "9999-12-31 23:59:59.000"

def ask(sql):
    return str(chdb.query(sql, "TSV")).strip()

def read(form, text):
    return ask(f"SELECT t FROM format({form}, 't DateTime64(3, \\'UTC\\')', '{text}')")

seen = {
    "JSON": read("JSONEachRow", '{"t":1768000000007}'),
    "quoted": read("JSONEachRow", '{"t":"1768000000007"}'),
    "CSV": read("CSV", "1768000000007"),
    "VALUES": read("Values", "(1768000000007)"),
    "Int64": ask("""SELECT fromUnixTimestamp64Milli(t, 'UTC') FROM format(JSONEachRow, 't Int64', '{"t":1768000000007}')"""),
}
version = ask("SELECT version()")
for time in (right, late):
    names = [name for name in seen if seen[name] == time]
    if names:
        print(version, ", ".join(names), time)
assert version == sys.argv[1], "another engine than its package said"
changed = ("JSON", "VALUES") if version.startswith("26.9.") else ()
for name, time in seen.items():
    assert time == (late if name in changed else right), f"changed: {name}"
PY
for versions in "26.7.3 26.7.2.1" "26.9.0 26.9.2.1"; do
	read -r package engine <<<"$versions"
	python3 -m venv "$folder/$package"
	"$folder/$package/bin/pip" install --quiet "chdb-core==$package"
	"$folder/$package/bin/python" "$folder/times.py" "$engine"
done
