#!/bin/bash
# SPDX-License-Identifier: MIT
# The ladder of `gander demo`: the key lines of the real run are there, in order, in both languages.
. "$(dirname "$0")/lib.sh"

# The default run: open, data with one loss, close, 2MSL; then UDP.
run --lang en --width 100
fits 100
in_order 'Mei began at [0-9]+, Lin at [0-9]+' 'Mei  192\.0\.2\.1:[0-9]+ .* 192\.0\.2\.2:7000  Lin' \
    'CLOSED  .*LISTEN' \
    'three-way handshake' \
    '^ *0\.000 SYN-SENT +├─ SYN +seq 0 ─+►│ SYN-RECEIVED +0\.020$' \
    '^ *0\.040 ESTABLISHED +│◄ SYN,ACK +seq 0 +ack 1 +─+┤ +0\.020$' \
    '^ *0\.040 +├─ ACK +seq 1 +ack 1 +─+►│ ESTABLISHED +0\.060$' \
    'data both ways' \
    '├─ PSH,ACK +seq 1 +ack 1 +len 63 ─+►│ ' \
    '│◄ PSH,ACK +seq 1 +ack 64 +len 61 ─+┤' \
    '├─ PSH,ACK +seq 64 +ack 62 +len 39 ─+× lost' \
    'Mei: retransmission timer ran out after 0\.200 s' \
    '├─ PSH,ACK +seq 64 +ack 62 +len 39 ─+►│' \
    'resent: the retransmission timer ran out \(RFC 6298' \
    '│◄ PSH,ACK +seq 62 +ack 103 +len 25 ─+┤' \
    'four-way close' \
    'FIN-WAIT-1 +├─ FIN,ACK +seq 103 +ack 87 ─+►│ CLOSE-WAIT' \
    'FIN-WAIT-2 +│◄ ACK +seq 87 +ack 104 ─+┤' \
    'TIME-WAIT +│◄ FIN,ACK +seq 87 +ack 104 ─+┤ LAST-ACK' \
    '├─ ACK +seq 104 +ack 88 ─+►│ CLOSED' \
    '2MSL: who closed first waits' \
    '┊ +59\.980 s +┊' \
    'CLOSED +│ +Mei: 2MSL is over, 60\.000 s' \
    'datagrams' \
    '├─ UDP +len 26 ─+►│ +0\.020$' \
    '│◄ UDP +len 23 ─+┤' \
    '├─ UDP +len [0-9]+ ─+× lost, nobody told' \
    '├─ UDP +len [0-9]+ ─+►│'
[ "$(grep -c '×' "$WORK/out")" -eq 2 ] || fail "not one segment and one datagram lost"
[ "$(grep -c 'resent' "$WORK/out")" -eq 1 ] || fail "not one segment resent"
absent $'\033'

# The same bytes for the same seed, other ones for another.
cp "$WORK/out" "$WORK/first"
run --lang en --width 100 --seed 1
cmp -s "$WORK/out" "$WORK/first" || fail "the same seed draws another picture"
run --lang en --width 100 --seed 2
! cmp -s "$WORK/out" "$WORK/first" || fail "another seed draws the same picture"

# Chinese: the same run with Chinese letters.
run --lang zh --width 100
fits 100
in_order '三次握手' 'SYN-SENT +├─ SYN +序号 0 ─+►│ SYN-RECEIVED' 'ESTABLISHED +│◄ SYN,ACK +序号 0 +确认 1 +─+┤' \
    '├─ ACK .*►│ ESTABLISHED' '双向收发数据' '× 丢失' '重传定时器到时' '重发：重传定时器到时' '四次挥手' \
    'FIN-WAIT-1 .*CLOSE-WAIT' 'FIN-WAIT-2' 'TIME-WAIT .*LAST-ACK' '►│ CLOSED' 'CLOSED .*2MSL 已满，共 60\.000 秒' \
    '数据报' '× 丢失，无人知晓'

# Every width fits; narrow ones put the states inside.
for columns in 48 60 75 76 80 120 200; do
    for lang in en zh; do
        run --lang "$lang" --width "$columns"
        fits "$columns"
        in_order SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 CLOSE-WAIT FIN-WAIT-2 'TIME-WAIT .*LAST-ACK' CLOSED 2MSL 'CLOSED|UDP'
    done
done

finish
