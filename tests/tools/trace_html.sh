#!/bin/bash
# SPDX-License-Identifier: MIT
# --trace FILE.html: one file that loads nothing; the rest is seen in a headless browser, see page/test.js.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_browser.sh"

run --trace "$WORK/demo.html" --trace "$WORK/demo.jsonl"
run --scenario sack --trace "$WORK/sack.html" --trace "$WORK/sack.jsonl"

run --scenario simultaneous-open --trace "$WORK/both.html"

# The lines inside are those of the .jsonl; nothing names a resource to be fetched.
sed -n '/^{"format"/,/^<\/script>/p' "$WORK/demo.html" | sed '$d' | cmp - "$WORK/demo.jsonl" || fail "other lines than the .jsonl"
grep -Eoi '<(script|link|img|iframe)[^>]*(src|href)=[^>]*' "$WORK/demo.html" && fail "something to be loaded"
grep -q 'Copyright (c) .* Leon Sorokin' "$WORK/demo.html" || fail "without the licence of what is in it"
tail -n 1 "$WORK/demo.html" | grep -q '</html>' || fail "does not end"

# Of one host only; of a run that was killed while it wrote; of one in which nothing happened.
python3 - "$WORK" <<'PYTHON'
import re, sys
work = sys.argv[1]
page = open(work + "/demo.html", encoding="utf-8").read()
begin = page.index('{"format"')
head, data = page[:begin], page[begin:]
lines, tail = data[:data.index("</script>")].splitlines(True), data[data.index("</script>"):]
def write(name, text):
    open(f"{work}/{name}.html", "w", encoding="utf-8").write(text)
write("one", head + "".join(l for l in lines if '"host":1' not in l) + tail)
write("cut", head + "".join(lines[:60])[:-30])
write("empty", head + lines[0] + tail)
echo = ('{"time":%d,"host":0,"id":0,"event":"icmp_%s","local":"192.0.2.1","remote":"192.0.2.2","type":%d,"code":0,"len":64}\n')
write("ping", head + lines[0] + echo % (1000, "out", 8) + echo % (2000000, "in", 0) + tail)
PYTHON
python3 "$SOURCE/tests/tools/page/many.py" "$WORK/demo.html" 50000 >"$WORK/many.html" || fail "no long trace"
[ "$failures" -eq 0 ] || finish

browser_setup "$SOURCE"
cp "$SOURCE"/tests/tools/page/*.js "$WORK/"
node "$WORK/test.js" "$WORK" || fail "in the browser"
finish
