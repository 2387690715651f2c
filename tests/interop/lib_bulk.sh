# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The bulk tests: BULK_MIB (256) MiB in each direction, through impairments in both, arrive unchanged.
# Set IMPAIRED to the impairments' options, then source this.
. "$(dirname "$0")/common.sh"
need curl nginx socat

MIB=${BULK_MIB:-256}
LIMIT=${BULK_SECONDS:-400} # of one transfer
mkdir -p "$WORK/www" "$WORK/nginx"
file_of $((MIB * 1048576)) www/bulk
chmod -R a+rX "$WORK"
SUM=$(sha256sum <"$WORK/www/bulk")

cat >"$WORK/nginx.conf" <<CONF
pid $WORK/nginx/pid;
error_log $WORK/nginx.log;
daemon off;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $WORK/nginx/body; proxy_temp_path $WORK/nginx/proxy;
    fastcgi_temp_path $WORK/nginx/fastcgi; uwsgi_temp_path $WORK/nginx/uwsgi; scgi_temp_path $WORK/nginx/scgi;
    server { listen 8080; listen [::]:8080; root $WORK/www; }
}
CONF

# told WHAT BYTES NANOSECONDS
told() {
    echo "  $1: $2 bytes in $(($3 / 1000000)) ms, $(($2 * 8 * 1000 / $3)) Mbit/s"
}

# from_gander HOST OPTIONS...: the kernel fetches from gander
from_gander() {
    local host=$1 begin sum
    shift
    start serve "$GANDER" serve -q "$@" "$WORK/www"
    until_true 20 curl -s --max-time 2 -o /dev/null -I "http://$host/bulk" || fail "serve does not start"
    begin=$(date +%s%N)
    sum=$(timeout "$LIMIT" curl -sS "http://$host/bulk" 2>"$WORK/curl.log" | sha256sum)
    [ "$sum" = "$SUM" ] || fail "kernel <- gander $*: the sums differ"
    told "kernel <- gander" $((MIB * 1048576)) $(($(date +%s%N) - begin))
    interrupt "$PID"
    [ "$STATUS" -eq 0 ] || fail "serve: status $STATUS"
}

# to_gander HOST OPTIONS...: gander fetches from the kernel
to_gander() {
    local host=$1 begin sum
    shift
    start nginx nginx -p "$WORK/nginx" -c "$WORK/nginx.conf"
    listening 8080
    begin=$(date +%s%N)
    sum=$(timeout "$LIMIT" "$GANDER" get -q "$@" "http://$host:8080/bulk" 2>"$WORK/get.log" | sha256sum)
    [ "$sum" = "$SUM" ] || fail "gander <- kernel $*: the sums differ"
    told "gander <- kernel" $((MIB * 1048576)) $(($(date +%s%N) - begin))
    kill "$PID"
    ended "$PID" 10
}

# both_ways OPTIONS...: one connection, both directions at once, a quarter of the bytes
both_ways() {
    local begin part=$((MIB * 262144)) sum
    head -c "$part" "$WORK/www/bulk" >"$WORK/part"
    sum=$(sha256sum <"$WORK/part")
    start_input socat "$WORK/part" timeout "$LIMIT" socat -t 60 - TCP4-LISTEN:7001,reuseaddr
    local socat=$PID
    listening 7001
    begin=$(date +%s%N)
    start_input connect "$WORK/part" timeout "$LIMIT" "$GANDER" connect -q "$@" "$K4" 7001
    ended_well connect "$PID" "$LIMIT"
    ended_well socat "$socat" 60
    told "both ways at once" $((2 * part)) $(($(date +%s%N) - begin))
    [ "$(sha256sum <"$WORK/socat.out")" = "$sum" ] || fail "gander -> kernel, both ways: the sums differ"
    [ "$(sha256sum <"$WORK/connect.out")" = "$sum" ] || fail "kernel -> gander, both ways: the sums differ"
}

# bulk OPTIONS...: all of it
bulk() {
    check "$MIB MiB each way: ${*:-a perfect link}"
    from_gander "$G4" -4 "$@"
    to_gander "[$K6]" -6 "$@"
    both_ways -4 "$@"
}
