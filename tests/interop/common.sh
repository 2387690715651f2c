# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For the scripts beside it: `. "$(dirname "$0")/common.sh"` runs the rest of the script in a network namespace of its own,
# with the command under test in $GANDER (environment, or the first argument). Nothing outlives the script: devices end with the
# namespace, processes with the trap below. Exit status: 0 all held, 1 something did not, 77 the kernel forbids it.
set -u
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

# The stack's addresses and the kernel's, as the command chooses them.
G4=10.64.0.1 G6=fd67:616e:6465::1
K4=10.64.0.2 K6=fd67:616e:6465::2

skip() {
    echo "skipped: $*"
    exit 77
}

fail() {
    echo "FAILED: $*"
    show_logs
    exit 1
}

check() { echo "- $*"; }

GANDER=${GANDER:-${1:-}}
[ -n "$GANDER" ] || { echo "usage: GANDER=path/to/gander $0" >&2; exit 2; }
GANDER=$(command -v -- "$GANDER" && exit; realpath -- "$GANDER")
[ -x "$GANDER" ] || { echo "$GANDER: no such program" >&2; exit 2; }
export GANDER

if [ -z "${GANDER_IN_NAMESPACE:-}" ]; then
    # As root a network namespace is enough; others become root of a user namespace.
    root=()
    [ "$(id -u)" -eq 0 ] || root=(-r)
    unshare "${root[@]}" -n true 2>/dev/null || skip "this kernel or container forbids network namespaces (unshare -n)"
    GANDER_IN_NAMESPACE=1 exec unshare "${root[@]}" -n bash "$0" "$@"
fi
{ exec 3<>/dev/net/tun; } 2>/dev/null || skip "/dev/net/tun cannot be opened: load the module tun, or allow the device in this container"
exec 3>&-
ip link set lo up || skip "no network can be configured in this namespace"

WORK=$(mktemp -d)
STARTED=()

show_logs() {
    local log
    for log in "$WORK"/*.log; do
        [ -s "$log" ] || continue
        echo "--- ${log##*/}"
        tail -n 20 "$log"
    done
}

cleanup() {
    local pid
    exec 2>/dev/null # the shell would tell of each that is killed
    for pid in "${STARTED[@]}"; do
        kill -KILL -- "-$pid" "$pid" 2>/dev/null # with those that it started
    done
    wait 2>/dev/null
    rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

need() {
    local command
    for command; do
        command -v "$command" >/dev/null || skip "$command is not installed"
    done
}

# Descriptors 4 and 5 are the script's ends of pipes: nobody else may hold them open.
# start NAME COMMAND...: in the background; its pid in $PID, what it prints in $WORK/NAME.out, its messages in NAME.log
start() {
    local name=$1
    shift
    setsid "$@" >"$WORK/$name.out" 2>"$WORK/$name.log" </dev/null 4>&- 5>&- &
    PID=$!
    STARTED+=("$PID")
}

# start_input NAME FILE COMMAND...: the same with FILE as standard input
start_input() {
    local name=$1 input=$2
    shift 2
    setsid "$@" >"$WORK/$name.out" 2>"$WORK/$name.log" <"$input" 4>&- 5>&- &
    PID=$!
    STARTED+=("$PID")
}

# until_true SECONDS COMMAND...: tries again and again
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}

# ready NAME: a gander command started as NAME has said that it is ready
ready() {
    until_true 20 grep -q ready "$WORK/$1.log" || fail "$1 does not start"
}

# ended PID SECONDS: waits for a process that was started; its exit status in $STATUS; 124 if it does not end
ended() {
    if until_true "$2" test ! -e "/proc/$1/fd/0"; then
        wait "$1"
        STATUS=$?
    else
        STATUS=124
    fi
}

# interrupt PID: as ^C does, though the shell starts background jobs with SIGINT ignored
interrupt() {
    kill -TERM "$1" 2>/dev/null
    ended "$1" 15
}

# ended_well NAME PID SECONDS
ended_well() {
    ended "$2" "$3"
    [ "$STATUS" -eq 0 ] || fail "$1 ended with status $STATUS, expected 0"
}

# same FILE FILE WHAT
same() {
    cmp -s "$1" "$2" || fail "$3: $(stat -c %s "$1") bytes sent, $(stat -c %s "$2") arrived, or they differ"
}

# file_of BYTES NAME: random bytes in $WORK/NAME
file_of() { head -c "$1" /dev/urandom >"$WORK/$2"; }

# listening PORT: a server of the kernel is ready
listening() {
    until_true 10 sh -c "ss -Hlntu 'sport = :$1' | grep -q ." || fail "no server on port $1"
}

# What a sanitizer or an assertion had to say is a failure too.
no_reports() {
    local log
    for log in "$WORK"/*.log; do
        ! grep -qE 'ERROR: (Address|Leak)Sanitizer|runtime error|assert' "$log" || fail "a report in ${log##*/}"
    done
}
