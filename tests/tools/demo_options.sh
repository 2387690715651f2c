#!/bin/bash
# SPDX-License-Identifier: MIT
# Every option of `gander demo` does what it says; wrong ones get one line and exit status 2.
. "$(dirname "$0")/lib.sh"

run --simultaneous --lang en
in_order 'simultaneous open' 'SYN-SENT' '┼.*SYN-SENT|SYN-SENT.*┼' 'SYN-RECEIVED' 'ESTABLISHED' 'simultaneous close' \
    'FIN-WAIT-1' 'CLOSING' 'TIME-WAIT' '2MSL' 'CLOSED'
for state in SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT; do
    [ "$(grep -o "$state" "$WORK/out" | wc -l)" -eq 2 ] || fail "--simultaneous: $state not once at each host"
done
absent 'LISTEN|UDP|×|LAST-ACK'

run --tcp --lang en
in_order 'SYN-SENT' 'CLOSED'
absent 'UDP'
run --udp --lang en
in_order 'datagrams' '├─ UDP' '│◄ UDP' '× lost, nobody told' '├─ UDP'
absent 'SYN|CLOSED'

run --ipv6 --tcp
in_order '\[2001:db8::1\]:[0-9]+ .*\[2001:db8::2\]:7000' 'SYN-SENT'
run -6 --udp
in_order '\[2001:db8::1\]:[0-9]+ .*\[2001:db8::2\]:7000' 'UDP'

run --tcp --absolute --lang en
in_order 'Mei began at [0-9]+' 'SYN +seq [0-9]{3,}'
isn=$(sed -nE 's/.*Mei began at ([0-9]+).*/\1/p' "$WORK/out")
in_order "SYN +seq $isn" "ACK +seq $(((isn + 1) % 4294967296))"

run --tcp --why --lang en
in_order 'opens the connection' 'accepts the connection' 'completes the handshake' "acknowledges the peer's FIN"

run --tcp --loss 0% --lang en
absent '×|resent'
# Whatever is lost: the run ends, and each picture has what it shows. With all lost, there is only SYN after SYN.
for seed in 1 2 3 4 5 6 7 8; do
    run --loss 30% --seed "$seed" --lang en --width 80
    fits 80
    in_order SYN-SENT
    run --loss 30% --seed "$seed" --lang zh --story
    in_order '鸿雁传书'
done
run --tcp --loss 100% --lang en
in_order 'SYN-SENT .*SYN .*×' 'SYN again' 'CLOSED .*retransmission timer ran out' 'Mei: no answer for too long'
absent 'ESTABLISHED|►'

run --ascii --lang en --width 80
fits 80
in_order 'SYN-SENT +\|- SYN +seq 0 -+>\| SYN-RECEIVED' '[-]X lost'
LC_ALL=C grep -q '[^ -~]' "$WORK/out" && fail "--ascii: not ASCII"
cp "$WORK/out" "$WORK/ascii"
locale=C run --lang en --width 80
cmp -s "$WORK/out" "$WORK/ascii" || fail "a locale without UTF-8 is not --ascii"
locale=C run --story --lang en
LC_ALL=C grep -q '[^ -~]' "$WORK/out" && fail "--story in a locale without UTF-8: not ASCII"
locale=zh_CN.UTF-8 run --tcp
in_order '三次握手'

# Width from the environment; colours only on a terminal, and not there either if they are not wanted.
COLUMNS=72 run --lang en
fits 72
if command -v script >/dev/null; then
    tty() { script -qec "$1" /dev/null </dev/null >"$WORK/out" 2>&1 || fail "on a terminal: $1"; }
    tty "$GANDER demo --tcp --lang en"
    grep -q $'\033\\[0;36m' "$WORK/out" || fail "no colours on a terminal"
    tty "$GANDER demo --tcp --lang en --no-color"
    absent $'\033'
    tty "env NO_COLOR=1 $GANDER demo --tcp --lang en"
    absent $'\033'
fi

run --pcap "$WORK/demo.pcapng" --lang en
if command -v tcpdump >/dev/null; then
    tcpdump -nr "$WORK/demo.pcapng" >"$WORK/out" 2>/dev/null || fail "tcpdump cannot read the capture"
    in_order 'Flags \[S\]' 'Flags \[S\.\]' 'Flags \[\.\]' 'Flags \[P\.\]' 'Flags \[F\.\]' 'UDP, length 26'
fi
grep -qa 'resent: the retransmission timer ran out' "$WORK/demo.pcapng" || fail "no comment in the capture"

"$GANDER" demo --help >"$WORK/out" || fail "--help: exit status $?"
for option in story lang simultaneous loss seed ipv6 tcp udp why absolute pcap width ascii no-color help; do
    in_order "--$option"
    grep -qE "Fl Fl $option( |\$)" "$SOURCE/docs/man/gander-demo.1" || fail "--$option is not in the man page"
done

refused 2 'unknown option --nonsense' --nonsense
refused 2 'expected zh or en' --lang fr
refused 2 'expected a percentage' --loss lots
refused 2 'expected a percentage' --loss 101%
refused 2 'expected 48 to 200 columns' --width 20
refused 2 'expected a whole number' --seed x
refused 2 '--pcap needs a value' --pcap
refused 2 '--tcp and --udp exclude each other' --tcp --udp
refused 2 '--simultaneous and --udp exclude each other' --simultaneous --udp
refused 2 'too many arguments' extra
refused 3 'No such file or directory' --pcap "$WORK/no/such/file"
if [ -w /dev/full ]; then
    status=0
    "$GANDER" demo >/dev/full 2>"$WORK/err" || status=$?
    [ "$status" -eq 3 ] || fail "a full disk: exit status $status"
fi

finish
