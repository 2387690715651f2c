#!/bin/bash
# SPDX-License-Identifier: MIT
# gander-bench-loss gives the same figures for the same seeds, says what it measured, and loss costs what it must.
. "$(dirname "$0")/lib.sh"
BENCH=$(dirname "$GANDER")/gander-bench-loss

measure() {
    timeout 100 "$BENCH" --seeds 2 --seconds 3 --json "$WORK/$1.json" "${@:2}" >"$WORK/$1.out" 2>"$WORK/$1.err" ||
        fail "$*: exit status $?: $(cat "$WORK/$1.err")"
}

measure first --no-linux --jobs 2
measure again --no-linux --jobs 1
cmp -s "$WORK/first.json" "$WORK/again.json" || fail "two runs of the same seeds differ"
python3 - "$WORK/first.json" <<'PYTHON' || fail "figures"
import json, sys
rows = json.load(open(sys.argv[1]))
for row in rows:
    assert row["stack"] == "gander" and row["clock"] == "virtual" and not row["note"], row
    assert 0 < row["goodput_mbit"] <= 96.6, row
    assert row["goodput_min_mbit"] <= row["goodput_mbit"] <= row["goodput_max_mbit"], row
def path(cc, loss, pattern="none", queue=1):
    return next(r for r in rows if (r["cc"], r["loss"], r["pattern"], r["queue_bdp"]) == (cc, loss, pattern, queue)
                and "beside" not in r)
clean, lossy = path("cubic", 0), path("cubic", 0.05)
assert clean["goodput_mbit"] > 5 * lossy["goodput_mbit"]
assert clean["repair_ms_p50"] is None
assert 19 < lossy["repair_ms_p50"] < 200 # a round trip, at least
assert 0.04 < lossy["retransmitted"] < 0.1
assert path("cubic", 0, queue=4)["queue_ms_p99"] > 2 * clean["queue_ms_p99"]
pair = next(r for r in rows if r.get("beside") == "gander cubic")
assert 0.5 <= pair["jain"] <= 1
PYTHON

"$BENCH" --seeds 0 2>"$WORK/err" && fail "--seeds 0 was taken"
grep -q "1 to 64" "$WORK/err" || fail "--seeds 0: $(cat "$WORK/err")"
"$BENCH" surplus 2>/dev/null
[ $? -eq 2 ] || fail "an argument was taken"
finish
