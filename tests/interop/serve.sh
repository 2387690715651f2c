#!/bin/bash
# SPDX-License-Identifier: MIT
# The kernel's TCP and curl fetch from `gander serve`.
. "$(dirname "$0")/common.sh"
need curl python3

mkdir -p "$WORK/www/sub dir" "$WORK/outside"
echo hello >"$WORK/www/hello.txt"
: >"$WORK/www/empty"
file_of 3000000 www/big
echo '<p>index' >"$WORK/www/sub dir/index.html"
echo secret >"$WORK/outside/secret"
ln -s ../outside/secret "$WORK/www/link"
mkfifo "$WORK/www/pipe"

start serve "$GANDER" serve --timeout 3s "$WORK/www"
SERVER=$PID
ready serve
get() { timeout 20 curl -sS --max-time 15 "$@"; }
status() { get -o /dev/null -w '%{http_code}' "$@"; }
expect() { # STATUS CURL-ARGUMENTS...
    local want=$1 got
    shift
    got=$(status "$@")
    [ "$got" = "$want" ] || fail "curl $*: status $got, expected $want"
}

for host in "$G4" "[$G6]"; do
    url=http://$host
    check "$url: files, small, empty and large"
    [ "$(get "$url/hello.txt")" = hello ] || fail "hello.txt"
    [ -z "$(get "$url/empty")" ] || fail "empty"
    get -o "$WORK/got" "$url/big" && same "$WORK/www/big" "$WORK/got" big
    check "$url: an index and a listing"
    [ "$(get "$url/sub%20dir/")" = '<p>index' ] || fail "index.html"
    [ "$(get -L "$url/sub%20dir")" = '<p>index' ] || fail "redirect to the directory"
    get "$url/" | grep -q 'href="./sub%20dir/"' || fail "listing"
    check "$url: HEAD has no body but the length"
    get -I "$url/big" | grep -qi '^content-length: 3000000' || fail "HEAD"
    check "$url: ranges"
    [ "$(get -r 1-3 "$url/hello.txt")" = ell ] || fail "range 1-3"
    [ "$(get -r -3 "$url/hello.txt")" = lo ] || fail "the last three"
    expect 206 -r 2999999- "$url/big"
    expect 416 -r 3000000- "$url/big"
    check "$url: 304, 404, 405, 400"
    date=$(get -I "$url/big" | tr -d '\r' | sed -n 's/^Last-Modified: //p')
    expect 304 -H "If-Modified-Since: $date" "$url/big"
    expect 404 "$url/nothing"
    expect 405 -X DELETE "$url/hello.txt"
    expect 400 "$url/%zz"
    check "$url: nothing outside the directory"
    expect 400 --path-as-is "$url/../outside/secret"
    expect 400 --path-as-is "$url/%2e%2e/outside/secret"
    expect 404 "$url/link"
    expect 403 "$url/pipe"
done

check "one connection, many requests"
connects=$(get -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects}\n' \
    "http://$G4/hello.txt" "http://$G4/nothing" "http://$G4/big" | paste -sd+)
[ "$connects" = 1+0+0 ] || fail "connections opened: $connects, expected 1+0+0"

check "pipelined requests are answered in order"
printf 'GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /hello.txt HTTP/1.0\r\n\r\n' |
    timeout 10 nc -N "$G4" 80 | grep -a '^HTTP\|^hello' | tr -d '\r' >"$WORK/pipelined"
printf 'HTTP/1.1 200 OK\nhello\nHTTP/1.1 404 Not Found\nHTTP/1.1 200 OK\nhello\n' | cmp -s - "$WORK/pipelined" ||
    fail "pipelined: $(cat "$WORK/pipelined")"

check "40 clients at once, IPv4 and IPv6"
for i in $(seq 20); do
    get -o "$WORK/p4.$i" "http://$G4/big" &
    clients+=" $!"
    get -o "$WORK/p6.$i" "http://[$G6]/big" &
    clients+=" $!"
done
for i in ${clients:-}; do wait "$i" || fail "a client failed"; done
for i in "$WORK"/p[46].*; do same "$WORK/www/big" "$i" "${i##*.}"; done

check "300 connections at once"
timeout 60 curl -sS --no-progress-meter -Z --parallel-immediate --parallel-max 300 --max-time 50 \
    -o "$WORK/many.#1" "http://$G4/big?[1-300]" -r 0-99999 || fail "300 at once: status $?"
head -c 100000 "$WORK/www/big" >"$WORK/start"
for i in "$WORK"/many.*; do same "$WORK/start" "$i" "${i##*.}"; done
set -- "$WORK"/many.*
[ $# -eq 300 ] || fail "not all of the 300 came"

check "a client that stops in the middle of a request gets 408"
# nc ends only when the server closes
(printf 'GET /hello.txt HTTP/1.1\r\nHos'; sleep 8) | timeout 20 nc "$G4" 80 >"$WORK/408" || true
grep -q '^HTTP/1.1 408' "$WORK/408" || fail "408: $(head -c 100 "$WORK/408")"

check "what is no request gets 400, and the server lives"
head -c 20000 /dev/urandom | timeout 10 nc -N "$G4" 80 | head -n 1 | grep -q '^HTTP/1.1 4' || fail "noise"
[ "$(get "http://$G4/hello.txt")" = hello ] || fail "after noise"

check "a large file to a slow reader, who goes away in the middle"
timeout 20 curl -sS --max-time 2 --limit-rate 100k -o /dev/null "http://$G4/big" 2>/dev/null
[ "$(get "http://$G4/hello.txt")" = hello ] || fail "after a slow reader"

check "a signal ends it, and the device is gone"
interrupt "$SERVER"
[ "$STATUS" -eq 0 ] || fail "status $STATUS"
! ip link show dev tun0 >/dev/null 2>&1 || fail "tun0 is still there"
no_reports
echo "passed"
