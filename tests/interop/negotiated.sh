#!/bin/bash
# SPDX-License-Identifier: MIT
# ECN, accurate ECN and fast open with the kernel, in both roles: agreed on where both ends know it, and data arrive whole.
. "$(dirname "$0")/common.sh"
need python3

mkdir -p "$WORK/www"
file_of 2000000 www/big
echo hello >"$WORK/www/hello.txt"

# A counter of the kernel's TCP.
counter() {
    python3 - "$1" <<'PY'
import sys
rows = [l.split() for l in open("/proc/net/netstat")]
print(next(v for n, r in zip(rows[::2], rows[1::2]) for k, v in zip(n, r) if k == sys.argv[1]))
PY
}

cat >"$WORK/server.py" <<'PY'
import http.server, socket, sys
class S(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    def server_activate(self):
        self.socket.setsockopt(6, 23, 16)  # TCP_FASTOPEN
        super().server_activate()
class H(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *a): super().__init__(*a, directory=sys.argv[1])
    def log_message(self, *a): pass
S(("::", 8083), H).serve_forever()
PY
# Asks for a cookie, then sends the request with the SYN.
cat >"$WORK/fast.py" <<'PY'
import socket, sys
for i in range(2):
    s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
    s.sendto(b"GET /hello.txt HTTP/1.0\r\n\r\n", 0x20000000, (sys.argv[1], 80))
    text = b""
    while piece := s.recv(65536):
        text += piece
    assert text.endswith(b"hello\n"), text
PY
start python python3 "$WORK/server.py" "$WORK/www"
listening 8083

echo 0x603 >/proc/sys/net/ipv4/tcp_fastopen # both roles, without cookies as a server
modes="0 1 2"
{ echo 3 >/proc/sys/net/ipv4/tcp_ecn; } 2>/dev/null && modes="0 1 2 3" # accurate ECN, if it knows it
for kernel in $modes; do
    echo "$kernel" >/proc/sys/net/ipv4/tcp_ecn
    for mode in off accept on accurate; do
        check "the kernel's tcp_ecn=$kernel, ours $mode: get, and serve"
        timeout 60 "$GANDER" get -q --ecn "$mode" -o "$WORK/got" "http://$K4:8083/big" 2>>"$WORK/get.log" || fail "get"
        same "$WORK/www/big" "$WORK/got" get
        timeout 60 "$GANDER" get -q --ecn "$mode" -o "$WORK/got" "http://[$K6]:8083/big" 2>>"$WORK/get.log" || fail "get over IPv6"
        same "$WORK/www/big" "$WORK/got" "get over IPv6"
        start serve "$GANDER" serve --ecn "$mode" "$WORK/www"
        SERVER=$PID
        ready serve
        for base in "$G4" "[$G6]"; do
            timeout 30 python3 -c "import shutil, sys, urllib.request as u
shutil.copyfileobj(u.urlopen('http://$base/big'), open('$WORK/got', 'wb'))" || fail "serve to $base"
            same "$WORK/www/big" "$WORK/got" "serve to $base"
        done
        interrupt "$SERVER"
    done
done

check "fast open: the kernel's client, with the cookie that the first connection brought"
start serve "$GANDER" serve --fastopen on "$WORK/www"
SERVER=$PID
ready serve
for address in "$G4" "$G6"; do
    before=$(counter TCPFastOpenActive)
    timeout 30 python3 "$WORK/fast.py" "$address" || fail "client to $address"
    [ "$(counter TCPFastOpenActive)" -gt "$before" ] || fail "the SYN's data were not acknowledged at $address"
done
interrupt "$SERVER"

check "fast open: the kernel's server takes the request with the SYN"
for base in "$K4" "[$K6]"; do
    before=$(counter TCPFastOpenPassive)
    [ "$(timeout 30 "$GANDER" get -q --fastopen no-cookie "http://$base:8083/hello.txt" 2>>"$WORK/get.log")" = hello ] ||
        fail "get from $base"
    [ "$(counter TCPFastOpenPassive)" -gt "$before" ] || fail "$base did not take it"
done
no_reports
echo "passed"
