#!/usr/bin/env bash
# ClickHouse: 64-bit hashes through Avro and ORC.
#
# Expected: a UInt64 that is written to a file and read back is the same number,
#           or the export fails.
# Seen:     Avro and ORC have no unsigned type; the upper half comes back as
#           negative numbers of the type Int64, without an error. Parquet keeps
#           the number and the type.
# So:       hashes of contacts and contents go out as Parquet, or as hexadecimal
#           strings.
# Versions: engine 26.9.2.1 in the Python package chdb-core 26.9.0 (linux x86-64).
# Output:   Avro -1 Int64 | ORC -1 Nullable(Int64) | Parquet 18446744073709551615 UInt64
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet chdb-core==26.9.0

cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import chdb

def back(form):
    chdb.query(f"SELECT toUInt64(18446744073709551615) AS h INTO OUTFILE 'h.{form}' FORMAT {form}")
    return str(chdb.query(f"SELECT h, toTypeName(h) FROM file('h.{form}', '{form}')", "TSV")).strip().split("\t")

seen = {form: back(form) for form in ("Avro", "ORC", "Parquet")}
print(" | ".join(f"{form} {value} {kind}" for form, (value, kind) in seen.items()))
assert seen["Avro"][0] == "-1", "changed: Avro keeps a UInt64"
assert seen["ORC"][0] == "-1", "changed: ORC keeps a UInt64"
assert seen["Parquet"][0] == "18446744073709551615" and "UInt64" in seen["Parquet"][1], "changed: Parquet loses a UInt64"
PY
