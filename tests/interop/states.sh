#!/bin/bash
# SPDX-License-Identifier: MIT
# What the kernel's `ss` says of a connection while gander opens it, closes one direction, and then the other; from both sides.
. "$(dirname "$0")/common.sh"
need ss nc socat

# state PORT EXPECTED: of the kernel's end of the connection with this port of the server
state() {
    until_true 5 sh -c "ss -Htan '( sport = :$1 or dport = :$1 )' | grep -v LISTEN | awk '{print \$1}' | grep -qx '$2'" ||
        fail "kernel's state: $(ss -Htan "( sport = :$1 or dport = :$1 )" | awk '{print $1, $4, $5}'), expected $2"
    check "  the kernel says $2"
}
gone() {
    until_true 5 sh -c "! ss -Htan '( sport = :$1 or dport = :$1 )' | grep -v LISTEN | grep -q ." ||
        fail "still there: $(ss -Htan "( sport = :$1 or dport = :$1 )")"
    check "  the kernel's end is gone"
}

for family in 4 6; do
    if [ $family = 4 ]; then g=$G4 k=$K4; else g=$G6 k=$K6; fi
    check "IPv$family: the kernel connects, gander closes first"
    mkfifo "$WORK/ga.$family" "$WORK/nc.$family"
    start_input listen "$WORK/ga.$family" "$GANDER" listen -$family 7101
    GA=$PID
    exec 4>"$WORK/ga.$family"
    ready listen
    start_input nc "$WORK/nc.$family" timeout 60 nc -$family -N "$g" 7101
    exec 5>"$WORK/nc.$family"
    echo hello >&5
    state 7101 ESTAB
    until_true 5 grep -q hello "$WORK/listen.out" || fail "no data"
    exec 4>&-
    state 7101 CLOSE-WAIT
    echo still >&5
    until_true 5 grep -q still "$WORK/listen.out" || fail "no data after the half close"
    exec 5>&-
    ended_well listen "$GA" 10
    gone 7101

    check "IPv$family: the kernel connects and closes first"
    mkfifo "$WORK/gb.$family" "$WORK/nb.$family"
    start_input listen "$WORK/gb.$family" "$GANDER" listen -$family 7102
    GB=$PID
    exec 4>"$WORK/gb.$family"
    ready listen
    start_input nc "$WORK/nb.$family" timeout 60 nc -$family -N "$g" 7102
    exec 5>"$WORK/nb.$family"
    echo hello >&5
    until_true 5 grep -q hello "$WORK/listen.out" || fail "no data"
    exec 5>&-
    state 7102 FIN-WAIT-2
    echo answer >&4
    until_true 5 grep -q answer "$WORK/nc.out" || fail "no data after the half close"
    exec 4>&-
    ended_well listen "$GB" 10
    state 7102 TIME-WAIT

    check "IPv$family: gander connects, closes, and is answered"
    mkfifo "$WORK/gc.$family" "$WORK/nc2.$family"
    start_input nc "$WORK/nc2.$family" timeout 60 socat -t 30 - "TCP$family-LISTEN:7103,reuseaddr"
    exec 5>"$WORK/nc2.$family"
    listening 7103
    start_input connect "$WORK/gc.$family" "$GANDER" connect -$family "$k" 7103
    GC=$PID
    exec 4>"$WORK/gc.$family"
    echo hello >&4
    until_true 5 grep -q hello "$WORK/nc.out" || fail "no data"
    state 7103 ESTAB
    exec 4>&-
    state 7103 CLOSE-WAIT
    exec 5>&-
    ended_well connect "$GC" 10
    gone 7103

    check "IPv$family: nobody listens: refused at once"
    message=$(timeout 10 "$GANDER" connect -$family "$k" 7104 2>&1 </dev/null)
    status=$?
    [ $status -eq 1 ] && grep -q refused <<<"$message" || fail "status $status: $message"
    start listen "$GANDER" listen -$family 7105
    GD=$PID
    ready listen
    timeout 10 nc -$family -z "$g" 7106 && fail "gander accepts on a closed port"
    interrupt "$GD"
    [ "$STATUS" -eq 143 ] || fail "interrupted while it waits: status $STATUS, expected 143"
done
no_reports
echo "passed"
