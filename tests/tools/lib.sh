# SPDX-License-Identifier: MIT
# For the scripts of tests/tools. GANDER: the command under test. Every check adds to `failures`; end with `finish`.
set -u
: "${GANDER:?is the path of the gander command}"
SOURCE=${GANDER_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
export LC_ALL=C.UTF-8
unset COLUMNS NO_COLOR LANG
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
failures=0

fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

finish() {
    [ "$failures" -eq 0 ] || { echo "$failures checks failed" >&2; exit 1; }
    exit 0
}

# run OPTIONS...: gander demo, its output in $WORK/out, errors in $WORK/err; fails unless it ends with 0. `locale`: LC_ALL
run() {
    LC_ALL=${locale:-C.UTF-8} timeout 30 "$GANDER" demo "$@" >"$WORK/out" 2>"$WORK/err" ||
        fail "demo $*: exit status $?: $(cat "$WORK/err")"
    [ ! -s "$WORK/err" ] || fail "demo $*: said $(cat "$WORK/err")"
}

# in_order PATTERN...: $WORK/out matches these regular expressions one behind the other
in_order() {
    python3 - "$WORK/out" "$@" <<'PYTHON' || fail "this order"
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
at = 0
for pattern in sys.argv[2:]:
    found = re.compile(pattern, re.M).search(text, at)
    if not found:
        print(f"no \"{pattern}\" behind line {text.count(chr(10), 0, at) + 1} of:\n{text}", file=sys.stderr)
        sys.exit(1)
    at = found.end()
PYTHON
}

# flatten: $WORK/out as one line, for text that may be broken anywhere
flatten() {
    tr '\n' ' ' <"$WORK/out" | tr -s ' ' >"$WORK/flat"
    mv "$WORK/flat" "$WORK/out"
}

# absent PATTERN: no line matches
absent() {
    if grep -nE -- "$1" "$WORK/out" >&2; then
        fail "a line with \"$1\""
    fi
}

# refused STATUS TEXT OPTIONS...: one line on stderr with TEXT, nothing on stdout, this exit status
refused() {
    local status=$1 text=$2 got=0
    shift 2
    timeout 30 "$GANDER" demo "$@" >"$WORK/out" 2>"$WORK/err" || got=$?
    [ "$got" -eq "$status" ] || fail "demo $*: exit status $got, not $status"
    [ "$(wc -l <"$WORK/err")" -eq 1 ] || fail "demo $*: not one line: $(cat "$WORK/err")"
    grep -qF -- "$text" "$WORK/err" || fail "demo $*: said $(cat "$WORK/err"), not \"$text\""
}

# fits N: no line of $WORK/out is wider than N columns; wide characters count twice
fits() {
    python3 - "$1" "$WORK/out" <<'PYTHON' || fail "wider than $1 columns"
import sys, unicodedata
limit, path = int(sys.argv[1]), sys.argv[2]
bad = 0
for line in open(path, encoding="utf-8"):
    line = line.rstrip("\n")
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
    if wide > limit:
        print(wide, line, file=sys.stderr)
        bad = 1
sys.exit(bad)
PYTHON
}
