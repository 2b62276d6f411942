#!/usr/bin/env bash
# ClickHouse: Avro's timestamp-millis and timestamp-micros, and a column of another unit.
#
# Expected: the logical type says what the number counts, and a column of another unit
#           gets the same moment, rescaled. Parquet, Arrow and ORC do so, and of Avro
#           itself the type is understood: without a structure the columns are
#           DateTime64(3) and DateTime64(6).
# Seen:     a column that is declared gets Avro's number as it is, and its own unit says
#           what it counts. Milliseconds in a DateTime64(6) are a day in January
#           1970, microseconds in a DateTime64(3) the end of the year 9999, and a
#           DateTime keeps the lower 32 bits, which look like a time of this century.
#           No error.
# So:       the column has the unit of the schema, 3 or 6, and whatever else is wanted
#           is made of it in the query or the view behind the Kafka table.
# Versions: engine 26.9.2.1 in the Python package chdb-core 26.9.0 (linux x86-64).
# Output:   Avro     ms as DateTime 2057-09-23 03:29:11, as DateTime64(6) 1970-01-21 11:06:40.000007; us as DateTime64(3) 9999-12-31 23:59:59.000
#           Parquet  ms as DateTime 2026-01-09 23:06:40, as DateTime64(6) 2026-01-09 23:06:40.007000; us as DateTime64(3) 2026-01-09 23:06:40.007
#           Arrow and ORC as Parquet
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet chdb-core==26.9.0

cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import chdb

def ask(sql):
    return str(chdb.query(sql, "TSV")).strip().split("\t")

def back(form):
    chdb.query(f"""INSERT INTO FUNCTION file('t.{form}', '{form}') SELECT
        toDateTime64('2026-01-09 23:06:40.007', 3, 'UTC') AS milli, toDateTime64('2026-01-09 23:06:40.007', 6, 'UTC') AS micro""")
    def read(column, kind):
        return ask(f"SELECT {column} FROM file('t.{form}', '{form}', '{column} {kind}')")[0]
    seen = read("milli", "DateTime(\\'UTC\\')"), read("milli", "DateTime64(6, \\'UTC\\')"), read("micro", "DateTime64(3, \\'UTC\\')")
    print(f"{form:8} ms as DateTime {seen[0]}, as DateTime64(6) {seen[1]}; us as DateTime64(3) {seen[2]}")
    return seen

avro = back("Avro")
inferred = ask("SELECT toTypeName(milli), toTypeName(micro), toUnixTimestamp64Milli(milli), toUnixTimestamp64Micro(micro) FROM file('t.Avro', 'Avro')")
assert inferred == ["DateTime64(3)", "DateTime64(6)", "1768000000007", "1768000000007000"], "changed: what Avro's types are read as, if nothing is declared"
assert avro == ("2057-09-23 03:29:11", "1970-01-21 11:06:40.000007", "9999-12-31 23:59:59.000"), "changed: Avro"
for form in ("Parquet", "Arrow", "ORC"):
    assert back(form) == ("2026-01-09 23:06:40", "2026-01-09 23:06:40.007000", "2026-01-09 23:06:40.007"), f"changed: {form}"
PY
