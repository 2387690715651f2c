#!/bin/bash
# SPDX-License-Identifier: MIT
# Each scene of gander demo --scenario shows what its name says, over IPv4 and IPv6, in both languages.
. "$(dirname "$0")/lib.sh"

# scene NAME PATTERN...: in this order
scene() {
    for family in "" --ipv6; do
        run --scenario "$1" --lang en --why $family
        in_order "^$1: " "${@:2}"
    done
    run --scenario "$1" --lang zh
    python3 -c 'import sys; sys.exit(not any("\u4e00" <= c <= "\u9fff" for c in open(sys.argv[1], encoding="utf-8").read()))' "$WORK/out" || fail "$1: not in Chinese"
}

scene handshake 'SYN-SENT.*SYN .*SYN-RECEIVED' 'ESTABLISHED.*SYN,ACK' 'ACK .*ESTABLISHED'
absent 'FIN|RST|lost|len [1-9]'
scene syn-loss 'SYN .*× lost' 'retransmission timer ran out after 1.000 s' '├─ SYN ' 'ESTABLISHED'
scene simultaneous-open 'simultaneous open' 'SYN-RECEIVED' 'ESTABLISHED'
scene refused 'SYN ' 'CLOSED.*RST'
scene close 'FIN-WAIT-1' 'FIN-WAIT-2' 'LAST-ACK' 'TIME-WAIT|CLOSED' '2MSL is over'
scene half-close 'FIN-WAIT-1' 'len 500' 'len 300' 'LAST-ACK' '2MSL is over'
scene lost-last-ack 'LAST-ACK' 'ACK .*× lost' 'FIN,ACK' 'segment in TIME-WAIT' 'ACK .*CLOSED' '2MSL is over'
scene zero-window 'persist: window probe timer' 'len 1 ' 'probes the closed window' 'the window'
scene delayed-ack 'delayed' 'ACK'
scene fast-retransmit '× lost' 'resent: duplicate ACKs say that it is lost'
absent 'timer ran out'
scene sack '× lost' '× lost' 'resent' 'resent'
absent 'timer ran out'
scene tlp '× lost' 'tail loss probe'
absent 'retransmission timer ran out'
scene time-out '× lost' '× lost' 'retransmission timer ran out' 'resent'
scene reordering 'len 1[0-9]{3}'
absent 'resent|lost'
scene rst 'len 1000' 'RST'
scene udp-loss 'UDP' '× lost, nobody told'

run --scenario list --lang en
[ "$(wc -l <"$WORK/out")" -ge 16 ] || fail "the list is too short"
while read -r name _; do
    run --scenario "$name" --width 60 --ascii --lang en
    [ "$(wc -L <"$WORK/out")" -le 110 ] || fail "$name: lines too long"
done < <("$GANDER" demo --scenario list)
"$GANDER" demo --scenario nonsense >/dev/null 2>"$WORK/err"
[ $? -eq 2 ] || fail "a scene that there is not: exit status"
grep -q 'list' "$WORK/err" || fail "a scene that there is not: $(cat "$WORK/err")"
"$GANDER" demo --scenario rst --udp >/dev/null 2>&1 && fail "--scenario with --udp was taken"
finish
