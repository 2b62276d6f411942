#!/usr/bin/env bash
# ClickHouse: toStartOfInterval with an interval of more than 24 hours.
#
# Expected: buckets of 48 hours, as INTERVAL 2 DAY gives buckets of two days.
# Seen:     buckets begin again at every midnight, so that INTERVAL 48 HOUR gives
#           buckets of 24 hours, and INTERVAL 36 HOUR too. No error, no warning.
# So:       a report over 48 hours groups by INTERVAL 2 DAY, or by a division of
#           the Unix time; hours are safe up to 24 if they divide a day.
# Versions: engine 26.9.2.1 in the Python package chdb-core 26.9.0 (linux x86-64).
# Output:   2026-11-25 00:00:00 | 2026-11-26 00:00:00   (48 hours: two buckets)
#           2026-11-25 00:00:00 | 2026-11-25 00:00:00   (2 days: one bucket)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet chdb-core==26.9.0

"$folder/venv/bin/python" - <<'PY'
import chdb

def row(interval):
    times = ("2026-11-25 13:00:00", "2026-11-26 13:00:00")
    columns = (f"toStartOfInterval(toDateTime('{t}', 'UTC'), INTERVAL {interval})" for t in times)
    return str(chdb.query("SELECT " + ", ".join(columns), "TSV")).strip().split("\t")

hours, days = row("48 HOUR"), row("2 DAY")
print(" | ".join(hours), "(48 hours)")
print(" | ".join(days), "(2 days)")
assert days[0] == days[1], "two days are no bucket any more"
assert hours[0] != hours[1], "changed: 48 hours are one bucket now"
assert row("36 HOUR")[1].endswith("00:00:00"), "changed: 36 hours do not begin at midnight"
PY
