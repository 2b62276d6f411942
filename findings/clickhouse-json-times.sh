#!/usr/bin/env bash
# ClickHouse: a column of type JSON and the times in raw webhook bodies.
#
# Expected: a JSON column gives back the strings that were stored.
# Seen:     strings that look like times are stored as DateTime: T, Z and the
#           offset are gone, and the text that comes out is another one.
# So:       a raw body that must stay as it came belongs into a String column.
# Versions: engine 26.9.2.1 in the Python package chdb-core 26.9.0 (linux x86-64).
# Output:   {"a":"2026-11-29 08:00:00","b":"10 o'clock"} DateTime String
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet chdb-core==26.9.0

TZ=UTC "$folder/venv/bin/python" - <<'PY'
import chdb, json

body = {"a": "2026-11-29T10:00:00+02:00", "b": "10 o'clock"}
sql = json.dumps(body).replace("\\", "\\\\").replace("'", "\\'")
text, a, b = str(chdb.query(
    f"SELECT toString(j), dynamicType(j.a), dynamicType(j.b) FROM (SELECT '{sql}'::JSON AS j)", "TSVRaw",
)).strip().split("\t")
print(text, a, b)
assert json.loads(text)["b"] == body["b"]
assert json.loads(text)["a"] != body["a"], "changed: a time comes back as it was stored"
assert (a, b) == ("DateTime", "String"), "changed: the types of the two paths"
PY
