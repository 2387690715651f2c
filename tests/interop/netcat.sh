#!/bin/bash
# SPDX-License-Identifier: MIT
# `gander connect` and `gander listen` with nc and socat of the kernel: TCP and UDP, both ways, IPv4 and IPv6.
. "$(dirname "$0")/common.sh"
need nc socat ss

file_of 2000000 there
file_of 3000000 back

for family in 4 6; do
    if [ $family = 4 ]; then g=$G4 k=$K4 sg=$G4; else g=$G6 k=$K6 sg=[$G6]; fi

    check "IPv$family: gander connect with nc, both ways at once"
    start_input nc "$WORK/back" timeout 60 nc -$family -N -l 7001
    NC=$PID
    listening 7001
    start_input connect "$WORK/there" "$GANDER" connect -$family "$k" 7001
    ended_well connect "$PID" 60
    ended_well nc "$NC" 10
    same "$WORK/there" "$WORK/nc.out" "gander to nc"
    same "$WORK/back" "$WORK/connect.out" "nc to gander"

    check "IPv$family: nc connects to gander listen, both ways at once"
    start_input listen "$WORK/there" "$GANDER" listen -$family 7002
    LISTEN=$PID
    ready listen
    timeout 60 nc -$family -N "$g" 7002 <"$WORK/back" >"$WORK/nc.out" || fail "nc: $?"
    ended_well listen "$LISTEN" 10
    same "$WORK/there" "$WORK/nc.out" "gander to nc"
    same "$WORK/back" "$WORK/listen.out" "nc to gander"

    check "IPv$family: half close: the answer comes after the end of the question"
    start socat timeout 60 socat -t 20 "TCP$family-LISTEN:7003,reuseaddr" SYSTEM:'sha256sum'
    listening 7003
    timeout 60 "$GANDER" connect -q -$family "$k" 7003 <"$WORK/there" >"$WORK/sum" || fail "connect: $?"
    [ "$(cut -c-64 "$WORK/sum")" = "$(sha256sum <"$WORK/there" | cut -c-64)" ] || fail "sums differ"

    check "IPv$family: UDP, socat to gander and back"
    mkfifo "$WORK/in.$family"
    start_input listen "$WORK/in.$family" "$GANDER" listen -$family --udp --wait 2s 7004
    exec 4>"$WORK/in.$family"
    LISTEN=$PID
    ready listen
    mkfifo "$WORK/socat.$family"
    start_input socat "$WORK/socat.$family" timeout 20 socat -T 3 - "UDP$family:$sg:7004"
    exec 5>"$WORK/socat.$family"
    echo question >&5
    until_true 5 grep -q question "$WORK/listen.out" || fail "no datagram at gander"
    echo answer >&4
    until_true 5 grep -q answer "$WORK/socat.out" || fail "no datagram at socat"
    exec 4>&- 5>&-
    ended_well listen "$LISTEN" 10

    check "IPv$family: UDP, gander to socat and back"
    # a process for each datagram: tr answers when its input, the one datagram, ends
    start socat timeout 20 socat "UDP$family-RECVFROM:7005,reuseaddr,fork" SYSTEM:'tr a-z A-Z'
    listening 7005
    (for word in one two three; do echo $word; sleep 0.2; done) |
        timeout 20 "$GANDER" connect -q -$family --udp --wait 1s "$k" 7005 >"$WORK/shout" 2>"$WORK/shout.log" ||
        fail "connect --udp: $?"
    [ "$(tr '\n' ' ' <"$WORK/shout")" = 'ONE TWO THREE ' ] || fail "it came back as: $(cat "$WORK/shout")"
    kill "$PID"

    check "IPv$family: nobody on the UDP port: told, not fatal"
    printf 'hello\n' | timeout 20 "$GANDER" connect -$family --udp --wait 1s "$k" 7009 2>"$WORK/nobody.log" >/dev/null
    grep -q refused "$WORK/nobody.log" || fail "no word of the refusal: $(cat "$WORK/nobody.log")"
done

check "--keep-open: one after the other"
start keep "$GANDER" listen --keep-open 7010
KEEP=$PID
ready keep
for i in 1 2 3; do
    echo "visitor $i" | timeout 20 nc -N "$G4" 7010 || fail "visitor $i: $?"
done
until_true 5 sh -c "[ \$(grep -c visitor '$WORK/keep.out') = 3 ]" || fail "visitors: $(cat "$WORK/keep.out")"
interrupt "$KEEP"
[ "$STATUS" -eq 0 ] || fail "keep-open: status $STATUS"
no_reports
echo "passed"
