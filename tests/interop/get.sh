#!/bin/bash
# SPDX-License-Identifier: MIT
# `gander get` fetches from nginx and python3's http.server through the kernel's TCP.
. "$(dirname "$0")/common.sh"
need nginx python3

mkdir -p "$WORK/www" "$WORK/nginx"
echo hello >"$WORK/www/hello.txt"
: >"$WORK/www/empty"
file_of 5000000 www/big
chmod -R a+rX "$WORK"

cat >"$WORK/nginx.conf" <<CONF
pid $WORK/nginx/pid;
error_log $WORK/nginx.log;
daemon off;
worker_processes 1;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $WORK/nginx/body; proxy_temp_path $WORK/nginx/proxy;
    fastcgi_temp_path $WORK/nginx/fastcgi; uwsgi_temp_path $WORK/nginx/uwsgi; scgi_temp_path $WORK/nginx/scgi;
    server {
        listen 8080; listen [::]:8080;
        root $WORK/www;
        location /moved { return 302 http://$K4:8080/hello.txt; }
        location /chunked { proxy_pass http://127.0.0.1:8082/; proxy_http_version 1.1; }
    }
}
CONF
# Speaks chunked, in odd pieces, with an extension and a trailer.
cat >"$WORK/chunked.py" <<'PY'
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def do_GET(self):
        data = open(sys.argv[1], "rb").read()
        self.send_response(200); self.send_header("Transfer-Encoding", "chunked")
        if self.path != "/keep": self.send_header("Connection", "close")
        self.end_headers()
        at, n = 0, 1
        while at < len(data):
            piece = data[at:at + n]; at += len(piece); n = n * 3 % 70001 + 1
            self.wfile.write(b"%X;x=y\r\n" % len(piece) + piece + b"\r\n")
            if self.path == "/cut" and at > 100000: self.close_connection = True; return
        self.wfile.write(b"0\r\nTrailer: x\r\n\r\n")
http.server.ThreadingHTTPServer(("0.0.0.0", 8082), H).serve_forever()
PY
start nginx nginx -p "$WORK/nginx" -c "$WORK/nginx.conf"
start python python3 -m http.server 8081 --bind :: --directory "$WORK/www"
start chunked python3 "$WORK/chunked.py" "$WORK/www/big"
listening 8080
listening 8081
listening 8082

fetch() { timeout 60 "$GANDER" get -q "$@" 2>>"$WORK/get.log"; }
fails() { # STATUS TEXT ARGUMENTS...
    local want=$1 text=$2 message got
    shift 2
    message=$(timeout 60 "$GANDER" get "$@" 2>&1 >"$WORK/failed.out")
    got=$?
    [ "$got" -eq "$want" ] || fail "get $*: status $got, expected $want: $message"
    [ "$(grep -c . <<<"$message")" -eq 1 ] || fail "get $*: expected one line: $message"
    grep -q "$text" <<<"$message" || fail "get $*: expected \"$text\" in: $message"
}

for base in "http://$K4:8080" "http://[$K6]:8080" "http://$K4:8081" "http://[$K6]:8081"; do
    check "$base"
    [ "$(fetch "$base/hello.txt")" = hello ] || fail "hello.txt"
    [ -z "$(fetch "$base/empty")" ] || fail "empty"
    fetch -o "$WORK/got" "$base/big" || fail "big: status $?"
    same "$WORK/www/big" "$WORK/got" big
    fails 1 '404' "$base/nothing"
    [ ! -s "$WORK/failed.out" ] || fail "the body of a 404 was written"
done
check "chunked, directly, through nginx, and on a connection that stays open"
for url in "http://$K4:8082/" "http://$K4:8080/chunked" "http://$K4:8082/keep"; do
    fetch "$url" >"$WORK/got" || fail "$url"
    same "$WORK/www/big" "$WORK/got" "$url"
done
check "an answer that ends early"
fails 1 'closed after' "http://$K4:8082/cut"
check "a redirect is named"
fails 1 "http://$K4:8080/hello.txt" "http://$K4:8080/moved"
check "a slow reader of standard output holds up nothing"
timeout 60 "$GANDER" get -q "http://$K4:8080/big" 2>>"$WORK/get.log" | (sleep 2; cat) >"$WORK/got"
same "$WORK/www/big" "$WORK/got" "slow pipe"
check "a progress line on a terminal, as wide as it, and none in a pipe"
timeout 60 "$GANDER" get -o "$WORK/got" "http://$K4:8080/big" >"$WORK/quiet" 2>&1 || fail "status $?"
[ ! -s "$WORK/quiet" ] || fail "in a pipe it says: $(cat "$WORK/quiet")"
if command -v script >/dev/null; then
    for width in 30 100; do
        timeout 60 script -qec "stty cols $width; '$GANDER' get --rate 80mbit -o '$WORK/got' http://$K4:8080/big" \
            /dev/null >"$WORK/screen" </dev/null || fail "on a terminal: status $?"
        tr '\r' '\n' <"$WORK/screen" | grep -q '^100%  4.8 MiB of 4.8 MiB' || fail "no progress: $(cat "$WORK/screen")"
        [ "$(tr '\r' '\n' <"$WORK/screen" | awk '{ if (length > n) n = length } END { print n }')" -lt $width ] ||
            fail "wider than $width columns: $(cat "$WORK/screen")"
    done
fi
no_reports
echo "passed"
