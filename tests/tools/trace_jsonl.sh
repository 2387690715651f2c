#!/bin/bash
# SPDX-License-Identifier: MIT
# --trace FILE.jsonl: each line is an object, with the names that docs/trace.md promises; a run is the same again.
. "$(dirname "$0")/lib.sh"

for family in --ipv4 --ipv6; do
    option=$([ $family = --ipv6 ] && echo --ipv6)
    run $option --trace "$WORK/one.jsonl" --trace "$WORK/two.jsonl"
    cmp -s "$WORK/one.jsonl" "$WORK/two.jsonl" || fail "two files of one run differ"
    python3 - "$WORK/one.jsonl" "$SOURCE" <<'PYTHON' || fail "$family: what the lines say"
import json, re, sys
lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
head, events = lines[0], lines[1:]
assert (head["format"], head["format_version"], head["start"], head["wall_offset_ns"]) == ("gander-trace", 1, 0, None), head
assert len(head["hosts"]) == 2
definition = re.sub(r"/\*.*?\*/", "", open(sys.argv[2] + "/include/gander/trace_events.def").read(), flags=re.S)
fields = {m[1]: re.findall(r"FIELD\(\w+, (\w+)\)", m[0]) for m in re.finditer(r"EVENT\((\w+)[^;]*?\)\s*(?=EVENT|\Z)", definition, re.S)}
for event in events:
    own = set(event) - {"time", "host", "id", "event", "local", "remote"}
    assert own == set(fields[event["event"]]), (event, fields[event["event"]])
times = [e["time"] for e in events]
assert times == sorted(times)
sent = [e for e in events if e["event"] == "segment_out"]
assert sent[0]["flags"] == "SYN" and sent[0]["why"] == "syn" and sent[0]["state"] == "SYN-SENT"
assert any(e["transmissions"] == 2 for e in sent)
assert {e["to"] for e in events if e["event"] == "state"} >= {"SYN-SENT", "ESTABLISHED", "TIME-WAIT", "CLOSED"}
assert any(e["event"] == "timer_armed" and e["at"] > e["time"] for e in events)
assert any(e["event"] == "datagram_out" for e in events)
PYTHON
done
"$GANDER" demo --trace "$WORK/x.other" 2>"$WORK/err" >/dev/null
[ $? -eq 2 ] || fail "another ending: exit status"
grep -q 'jsonl' "$WORK/err" || fail "another ending: $(cat "$WORK/err")"
"$GANDER" demo --trace "$WORK/none/x.jsonl" 2>/dev/null >/dev/null && fail "a file that cannot be made was taken"
ln -s /dev/full "$WORK/full.jsonl"
"$GANDER" demo --trace "$WORK/full.jsonl" 2>"$WORK/err" >/dev/null && fail "a full disk is success"
grep -q 'cannot write --trace' "$WORK/err" || fail "a full disk: $(cat "$WORK/err")"
finish
