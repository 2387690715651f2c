#!/bin/bash
# SPDX-License-Identifier: MIT
# Echo requests both ways, IPv4 and IPv6, of several sizes.
. "$(dirname "$0")/common.sh"
need ping

start listen "$GANDER" listen --keep-open 7
LISTEN=$PID
ready listen
for to in "$G4" "$G6"; do
    for size in 0 1 56 1400; do
        check "the kernel pings $to with $size bytes"
        timeout 20 ping -n -q -c 5 -i 0.05 -W 2 -s $size "$to" >"$WORK/ping.out" || fail "$(cat "$WORK/ping.out")"
        grep -q '5 received, 0% packet loss' "$WORK/ping.out" || fail "$(cat "$WORK/ping.out")"
    done
done
interrupt "$LISTEN"

for to in "$K4" "$K6"; do
    for size in 0 1 56 1400; do
        check "gander pings $to with $size bytes"
        timeout 20 "$GANDER" ping -c 5 -i 50ms -s $size "$to" >"$WORK/gander.out" 2>"$WORK/gander.log" ||
            fail "status $?: $(cat "$WORK/gander.out")"
        grep -q '5 sent, 5 received, 0% lost' "$WORK/gander.out" || fail "$(cat "$WORK/gander.out")"
    done
done

check "an address where nobody answers: status 1"
timeout 20 "$GANDER" ping -4 -c 2 -i 50ms -w 300ms 10.64.0.99 >"$WORK/gander.out" 2>"$WORK/gander.log"
status=$?
[ $status -eq 1 ] || fail "status $status, expected 1"
grep -q '2 sent, 0 received, 100% lost' "$WORK/gander.out" || fail "$(cat "$WORK/gander.out")"

check "with --duplicate 100% replies come again, and are told apart"
timeout 20 "$GANDER" ping -4 -c 3 -i 50ms --duplicate 100% "$K4" >"$WORK/gander.out" 2>"$WORK/gander.log" || fail "status $?"
grep -q 'again' "$WORK/gander.out" || fail "$(cat "$WORK/gander.out")"
no_reports
echo "passed"
