#!/bin/bash
# SPDX-License-Identifier: MIT
# --trace FILE.pcapng: tshark reads every packet, and the comments tell the state before and after, timers, windows, losses.
. "$(dirname "$0")/lib.sh"
command -v tshark >/dev/null || { echo "tshark is not installed"; exit 77; }

# comments SCENE OPTIONS...: a line a packet, host and comment, in $WORK/out
comments() {
    run --scenario "$1" --lang en --trace "$WORK/$1.pcapng" "${@:2}"
    tshark -r "$WORK/$1.pcapng" -T fields -e frame.number -e tcp.srcport -e tcp.len -e frame.comment \
        >"$WORK/out" 2>"$WORK/err" || fail "$1: tshark: $(cat "$WORK/err")"
    # nothing malformed, and every checksum as it must be
    tshark -r "$WORK/$1.pcapng" -o tcp.check_checksum:TRUE -Y '_ws.malformed || tcp.checksum.status == 0' \
        >"$WORK/bad" 2>/dev/null
    [ ! -s "$WORK/bad" ] || fail "$1: $(cat "$WORK/bad")"
}

for family in "" --ipv6; do
    comments close $family
    in_order '^1.*CLOSED → SYN-SENT: active open' '^2.*in state SYN-SENT.*SYN-SENT → ESTABLISHED: segment arrived' \
        'ESTABLISHED → FIN-WAIT-1: the application closed' 'FIN-WAIT-1 → FIN-WAIT-2' 'in state FIN-WAIT-2.*TIME-WAIT'
    comments fast-retransmit $family
    in_order 'marked lost: 1[0-9]{3} bytes.*RFC 5681 3.2.*cwnd [0-9]+: ' 'resent: duplicate ACKs.*transmission 2'
    comments tlp
    in_order 'tail loss probe.*timer ran out: tail loss probe.*transmission 2'
    comments lost-last-ack $family
    in_order 'in state TIME-WAIT.*dropped: segment in TIME-WAIT'
done
run --pcap "$WORK/any.name" --lang en
tshark -r "$WORK/any.name" >/dev/null 2>&1 || fail "--pcap with another ending"
finish
