#!/usr/bin/env bash
# ClickHouse: a column whose TTL is over, with and without a DEFAULT.
#
# Expected: the first merge drops the column from the part, and it stays away:
#           what is read is the DEFAULT, computed. ClickHouse's changelog says so:
#           no expired columns in later merges (its pull request 37570).
# Seen:     that holds for a column without DEFAULT only. One with a DEFAULT, be it
#           a constant, is gone after the first merge; the second computes it for
#           every row and writes it, and it stays in the part in each one after
#           that. Every query sees the DEFAULT from the first merge on, so that only
#           the size tells. These are wide parts; vertical and horizontal merges, of
#           one part or of several, and ReplacingMergeTree do the same.
# So:       DEFAULT and TTL are no way to stop storing a column that follows from
#           others. ALIAS is one, but INSERT may not name it; EPHEMERAL may be
#           named and is not stored, but cannot be read.
# Versions: engine 26.9.2.1 in the Python package chdb-core 26.9.0 (linux x86-64).
# Output:   inserted plain 400518 constant 400518 computed 400518
#           merge 1  plain 0 constant 0 computed 0
#           merge 2  plain 0 constant 3645 computed 803476
#           merge 3  plain 0 constant 3645 computed 803476   (compressed bytes)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet chdb-core==26.9.0

cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from chdb import session

s = session.Session("data")
columns = ("plain", "constant", "computed")

def ask(sql):
    return str(s.query(sql, "TSV")).strip()

def show(when):
    sizes = dict.fromkeys(columns, 0)
    parts = set()
    for line in ask("SELECT name, part_type, column, column_data_compressed_bytes FROM system.parts_columns "
                    "WHERE database = 'd' AND table = 't' AND active").split("\n"):
        part, kind, column, size = line.split("\t")
        assert kind == "Wide"
        parts.add(part)
        if column in sizes:
            sizes[column] = int(size)
    print(f"{when:8}", *(f"{column} {size}" for column, size in sizes.items()))
    return parts, sizes

# No background merge for TTL (the last setting) and only one part, so that every merge is one of those below.
s.query("CREATE DATABASE d ENGINE = Atomic")
s.query("""CREATE TABLE d.t (
    time DateTime, a UInt64,
    plain UInt64 TTL time + INTERVAL 1 DAY,
    constant UInt64 DEFAULT 7 TTL time + INTERVAL 1 DAY,
    computed UInt64 DEFAULT cityHash64(a) TTL time + INTERVAL 1 DAY
) ENGINE = MergeTree ORDER BY a SETTINGS min_bytes_for_wide_part = 0, max_number_of_merges_with_ttl_in_pool = 0""")
s.query("INSERT INTO d.t SELECT '2020-01-01 00:00:00', number, number, number, number FROM numbers(100000)")

parts, sizes = show("inserted")
assert parts == {"all_1_1_0"} and all(sizes.values()), "the insert did not store all columns in one part"
for merge in (1, 2, 3):
    s.query("OPTIMIZE TABLE d.t FINAL")
    parts, sizes = show(f"merge {merge}")
    assert parts == {f"all_1_1_{merge}"}, "another merge came between"
    values = ask("SELECT countIf(plain = 0), countIf(constant = 7), countIf(computed = cityHash64(a)) FROM d.t")
    assert values == "100000\t100000\t100000", "changed: not every value is the default"
    assert sizes["plain"] == 0, "changed: a column without DEFAULT is in the part"
    for column in ("constant", "computed"):
        if merge == 1:
            assert sizes[column] == 0, "changed: the first merge keeps a column with a DEFAULT"
        else:
            assert sizes[column] > 0, "changed: a column with a DEFAULT stays away"
PY
