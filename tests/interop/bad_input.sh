#!/bin/bash
# SPDX-License-Identifier: MIT
# Wrong input from people and from peers: one clear line, the right exit status, nothing left behind.
. "$(dirname "$0")/common.sh"
need nc socat ss

before=$(ip -o link | wc -l)

# expect STATUS TEXT ARGUMENTS...: gander says one line that has TEXT
expect() {
    local want=$1 text=$2 message got
    shift 2
    message=$(timeout 30 "$GANDER" "$@" 2>&1 >"$WORK/expect.out" </dev/null)
    got=$?
    [ "$got" -eq "$want" ] || fail "gander $*: status $got, expected $want: $message"
    [ "$(grep -c . <<<"$message")" -eq 1 ] || fail "gander $*: expected one line: $message"
    grep -qF -- "$text" <<<"$message" || fail "gander $*: expected \"$text\" in: $message"
    [ "$(ip -o link | wc -l)" -eq "$before" ] || fail "gander $*: left an interface: $(ip -o link)"
}

check "commands and their arguments"
expect 2 'which command'
expect 2 'unknown command sreve' sreve
expect 2 'unknown command -x' -x
for command in serve get connect listen ping; do
    timeout 10 "$GANDER" $command --help >"$WORK/help.out" 2>&1 || fail "$command --help: status $?"
    grep -q '^usage: gander' "$WORK/help.out" || fail "$command --help"
    expect 2 'too few arguments' $command
    expect 2 'too many arguments' $command a b c
    expect 2 'unknown option --nonsense' $command --nonsense
    expect 2 'unknown option -Z' $command -Z
    expect 2 '--tun needs a value' $command --tun
done
timeout 10 "$GANDER" --help >/dev/null || fail "--help: status $?"
timeout 10 "$GANDER" --version | grep -q '^gander [0-9]' || fail "--version"

check "values"
for value in 5 101% 1.00001% -1% % 1%% x 1e1%; do expect 2 'percentage' serve --loss "$value" .; done
for value in 20 20m 20ms. -5ms 4000s ms; do expect 2 'time' serve --delay "$value" .; done
for value in 100 100mb 0bit 2000gbit; do expect 2 'bits a second' serve --rate "$value" .; done
for value in 0 65536 http 80x -1 80.0 99999999999999999999; do expect 2 'port' serve --port "$value" .; done
for value in 575 65536 x; do expect 2 '576 to 65535' serve --mtu "$value" .; done
for value in 10.0.0.1 10.0.0.1/33 10.0.0/24 fd00::1/129 10.0.0.1/ /24 10.0.0.1/2x example/24; do
    expect 2 'an address with its prefix length' serve --address "$value" .
done
for value in 10.0.0.0/24 10.0.0.255/24 0.0.0.0/0 127.0.0.1/8 224.0.0.1/4 ::/64 ff02::1/64; do
    expect 2 'no host can have' serve --address "$value" .
done
expect 2 'leaves the kernel no address' serve --address 10.0.0.1/32 .
expect 2 'in the network of an --address' serve --address 10.0.0.1/24 --kernel-address 10.0.1.2/24 .
expect 2 "own --address" serve --address 10.0.0.1/24 --kernel-address 10.0.0.1/24 .
expect 2 'exclude each other' serve -4 -6 .
expect 2 'exclude each other' serve -4 -a fd00::1/64 .
expect 2 '1280' serve --mtu 1000 .
for value in '' a/b 'a b' tun%d aaaaaaaaaaaaaaaa ..; do expect 2 'device name' serve --tun "$value" .; done
expect 2 'gander --version' serve --cc nonsense .
expect 2 'takes no value' serve --quiet=yes .
expect 2 'whole number' serve --seed -1 .
for url in example ftp://x/ http:// 'http://a b/' http://h:0/ http://h:65536/ http://[::1/ http://u@h/; do
    expect 2 'expected a' get "$url"
done
expect 2 'not TLS' get https://example.org/
expect 2 'at least 10ms' ping -i 1ms "$K4"
expect 2 'at most 1472' ping -s 1473 "$K4"

check "files"
expect 3 'No such file' serve "$WORK/nothing"
expect 3 'Not a directory' serve "$0"
expect 3 'No such file' serve --pcap "$WORK/no/such/file" "$WORK"
expect 3 'o space left' ping -4 -q -c 1 --pcap /dev/full "$K4"
"$GANDER" --help >/dev/full 2>"$WORK/full.log" && fail "--help to a full disk succeeds"

check "networks and devices in use"
start first "$GANDER" serve --tun taken "$WORK"
FIRST=$PID
ready first
before=$(ip -o link | wc -l)
expect 3 'in use' serve "$WORK"
expect 3 'taken' serve --tun taken --address 10.65.0.1/24 "$WORK"
expect 3 'lo' serve --tun lo --address 10.65.0.1/24 "$WORK"

check "a port in use: two listeners on one device cannot be, but a second device can have the same port"
start second "$GANDER" serve --address 10.65.0.1/24 "$WORK"
SECOND=$PID
ready second
interrupt "$SECOND"
[ "$STATUS" -eq 0 ] || fail "second server: status $STATUS"

check "the device is taken away: said, status 3"
ip link delete taken
ended "$FIRST" 10
[ "$STATUS" -eq 3 ] || fail "status $STATUS, expected 3"
grep -q 'TUN device is gone' "$WORK/first.log" || fail "no word of the device"
before=$((before - 1))

check "no right to open /dev/net/tun: said, and what to do"
if command -v setpriv >/dev/null; then
    message=$(timeout 10 setpriv --reuid 65534 --clear-groups --bounding-set=-all --inh-caps=-all \
        "$GANDER" ping -c 1 "$K4" 2>&1)
    status=$?
    [ $status -eq 3 ] || fail "status $status, expected 3: $message"
    [ "$(grep -c . <<<"$message")" -eq 1 ] || fail "expected one line: $message"
    echo "  it says: $message"
fi

check "hosts and peers that fail"
expect 1 'cannot find no-such-host.invalid' get http://no-such-host.invalid/
expect 1 'loopback' get http://127.0.0.1/
expect 1 'refused' get "http://$K4:9/"
expect 1 'no answer for 0.5 s' get --timeout 500ms -4 http://10.64.0.99/
expect 1 'cannot connect' connect "$K4" 9
(printf 'SSH-2.0-none\r\n\r\n'; sleep 2) | timeout 20 nc -l 7201 >/dev/null &
listening 7201
expect 1 'not HTTP' get "http://$K4:7201/"
timeout 20 nc -l 7202 </dev/null >/dev/null &
listening 7202
expect 1 'no answer for 1 s' get --timeout 1s "http://$K4:7202/"

check "a peer that vanishes in the middle: noticed by --timeout and --wait"
(printf 'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome'; sleep 20) | timeout 20 nc -l 7203 >/dev/null &
listening 7203
start get "$GANDER" get -4 --tun gone --timeout 3s "http://$K4:7203/"
GET=$PID
until_true 5 sh -c "ss -Htn 'sport = :7203' | grep -q ESTAB" || fail "not connected"
sleep 0.5
ip route add blackhole "$G4/32"
ended "$GET" 15
[ "$STATUS" -eq 1 ] || fail "status $STATUS, expected 1"
[ "$(cat "$WORK/get.out")" = some ] || fail "what came before is lost"
ip route del blackhole "$G4/32"

check "a peer that resets"
(sleep 1; echo) | timeout 20 socat - TCP4-LISTEN:7204,reuseaddr,linger=0 >/dev/null &
listening 7204
(echo; sleep 3; echo; sleep 1; echo) | timeout 20 "$GANDER" connect -4 "$K4" 7204 >/dev/null 2>"$WORK/reset.log"
status=$?
[ $status -eq 1 ] || fail "status $status, expected 1: $(cat "$WORK/reset.log")"
grep -q reset "$WORK/reset.log" || fail "no word of the reset: $(cat "$WORK/reset.log")"

check "a reader that goes away: status 3, not a silent death"
mkdir "$WORK/www"
file_of 3000000 www/big
start serve "$GANDER" serve --address 10.66.0.1/24 "$WORK/www"
ready serve
timeout 20 socat -u "FILE:$WORK/www/big" TCP4-LISTEN:7205,reuseaddr 2>/dev/null &
listening 7205
{ timeout 20 "$GANDER" connect -4 "$K4" 7205 </dev/null 2>"$WORK/pipe.log"; echo $? >"$WORK/status"; } | head -c 10 >/dev/null
[ "$(cat "$WORK/status")" -eq 3 ] || fail "status $(cat "$WORK/status"), expected 3: $(cat "$WORK/pipe.log")"

check "a signal in the middle of a transfer: 143, file and capture are whole up to there"
interrupt "$PID"
timeout 20 nc -l 7206 </dev/null >/dev/null &
listening 7206
start waits "$GANDER" get -4 --pcap "$WORK/capture" "http://$K4:7206/"
WAITS=$PID
until_true 5 sh -c "ss -Htn 'sport = :7206' | grep -q ESTAB" || fail "not connected"
interrupt "$WAITS"
[ "$STATUS" -eq 143 ] || fail "status $STATUS, expected 143"
[ "$(od -An -tx1 -N4 "$WORK/capture")" = " 0a 0d 0d 0a" ] || fail "the capture is no pcapng file"

[ "$(ip -o link | wc -l)" -eq "$before" ] || fail "an interface is left: $(ip -o link)"
no_reports
echo "passed"
