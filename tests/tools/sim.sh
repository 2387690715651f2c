#!/bin/bash
# SPDX-License-Identifier: MIT
# `gander sim`: one seed is one run; what fails is shrunk, written, and fails again from the file; wrong input gets exit status 2.
set -u
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
fail() {
    echo "sim.sh: $*" >&2
    exit 1
}
# status WANTED ARGUMENTS...
status() {
    local wanted=$1 got
    shift
    "$GANDER" sim "$@" >"$WORK/out" 2>"$WORK/err"
    got=$?
    [ $got -eq "$wanted" ] || fail "sim $*: exit status $got, not $wanted: $(cat "$WORK/out" "$WORK/err")"
}

status 0 --seed 7
cp "$WORK/out" "$WORK/first"
status 0 --seed 7
cmp "$WORK/first" "$WORK/out" || fail "the same seed, another run"
grep -q '^digest [0-9a-f]\{16\}$' "$WORK/out" || fail "no digest"
status 0 --seed 8 -q
cmp -s <(tail -n 1 "$WORK/first") <(tail -n 1 "$WORK/out") && fail "another seed, the same digest"

# However many processes share the seeds.
status 0 --seeds 1-40 --jobs 1 -q
cp "$WORK/out" "$WORK/first"
status 0 --seeds 1-40 --jobs 3 -q
cmp "$WORK/first" "$WORK/out" || fail "the digest depends on the number of processes"
status 0 --segments 2000 --jobs 2

# Hardly anybody is done in a microsecond: that fails, shrinks, and fails again.
status 1 --seeds 1-100 --jobs 1 --patience 1us --out "$WORK/failed" -q
seed=$(sed -n 's/^seed \([0-9]*\) fails: progress: .*/\1/p' "$WORK/out")
[ -n "$seed" ] || fail "not told what fails: $(cat "$WORK/out")"
schedule=$WORK/failed/seed-$seed.sched
[ -s "$schedule" ] || fail "no schedule"
[ -s "$WORK/failed/seed-$seed.pcapng" ] || fail "no capture"
[ "$(grep -vc '^#' "$schedule")" -le 4 ] || fail "not small: $(cat "$schedule")"
status 1 --schedule "$schedule" --patience 1us --out "$WORK/again" -q

printf 'link a=0 b=1 mtu=1500 delay_us=100\nbulk id=0 family=6 up=3000 down=1 # a comment\n' >"$WORK/two.sched"
status 0 --schedule "$WORK/two.sched" -v
for line in 'ann .*sends .*SYN' 'bob .*gets .*SYN' 'state .*TIME-WAIT' '[1-9][0-9]* segments'; do
    grep -q "$line" "$WORK/out" || fail "-v shows no $line"
done

status 2 --seeds 9-1
status 2 --seed x
status 2 --seed 1 --seeds 1-2
status 2 --jobs 0
status 3 --schedule "$WORK/none.sched"
echo 'frobnicate at_us=1' >"$WORK/bad.sched"
status 2 --schedule "$WORK/bad.sched"
grep -q 'line 1' "$WORK/err" || fail "not told where the schedule is wrong"
exit 0
