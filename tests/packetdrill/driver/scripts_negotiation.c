/* SPDX-License-Identifier: MIT */
/* Scripts: what SYN and SYN-ACK agree on by flags and options: order of options, ECN [RFC3168], Fast Open [RFC7413]. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>

#include "driver.h"

static char bytes[10000];

static int connecting(struct driver *d)
{
    union any_address a;
    socklen_t len = peer_address(d, &a, DRIVER_PEER_PORT);
    int s = stream(d);

    nonblocking(d, s);
    FAILS(CALL(d, connect, s, &a.any, len), EINPROGRESS);
    return s;
}

SCRIPT(syn_offers_what_linux_does)
{
    connecting(d);
    out(d, 0, "S seq=0 sackok ws=7 mss=%u", d->kind == DRIVER_IPV6 ? 1440 : 1460);
    assert_true(d->ts_on);
}

SCRIPT(ecn_is_accepted)
{
    int l = listening(d), s;

    in(d, "SEW mss=1000");
    out(d, 0, "SAE ack=1");
    in(d, "A ack=1");
    s = CALL(d, accept, l, NULL, NULL);
    assert_int_equal(CALL(d, write, s, bytes, 100), 100);
    out(d, 0, "PA seq=1 len=100 tc=2"); /* ECT(0) */
}

SCRIPT(ecn_is_refused)
{
    listening(d);
    in(d, "SEW mss=1000");
    out(d, 0, "SA ack=1");
}

SCRIPT(ecn_is_asked_for)
{
    connecting(d);
    out(d, 0, "SEW seq=0");
}

static ssize_t send_fast(struct driver *d, int s, size_t n)
{
    union any_address a;
    socklen_t len = peer_address(d, &a, DRIVER_PEER_PORT);

    return CALL(d, sendto, s, bytes, n, MSG_FASTOPEN, &a.any, len);
}

/* The first connection learns the cookie; the second one's data go with its SYN [RFC7413 4.1.1]. */
SCRIPT(fast_open_client)
{
    int s = stream(d);

    nonblocking(d, s);
    FAILS(send_fast(d, s, 0), EINPROGRESS);
    out(d, 0, "S seq=0 len=0");
    d->ts_on = false;
    in(d, "SA seq=0 ack=1 opt=020403e8220a0011223344556677");
    out(d, 0, "A seq=1 ack=1 len=0");
    s = stream(d);
    nonblocking(d, s);
    d->peer_port = DRIVER_PEER_PORT;
    assert_int_equal(send_fast(d, s, 700), 700);
    d->next = 0;
    out(d, 0, "S seq=0 len=700");
    d->ts_on = false;
    in(d, "SA seq=0 ack=701 mss=1000");
    out(d, 0, "A seq=701 ack=1 len=0");
}

SCRIPT(no_cookie_no_wait)
{
    int s = stream(d);

    nonblocking(d, s);
    assert_int_equal(send_fast(d, s, 400), 400);
    out(d, 0, "S seq=0 len=400");
    d->ts_on = false;
    in(d, "SA seq=0 ack=401 mss=1000");
    out(d, 0, "A seq=401 ack=1 len=0");
    assert_int_equal(CALL(d, write, s, bytes, 10), 10);
    out(d, 0, "PA seq=401 len=10");
}

SCRIPT(fast_open_server_without_cookie)
{
    int l = listening(d), s;

    set_int(d, l, IPPROTO_TCP, TCP_FASTOPEN, 5);
    in(d, "S mss=1000 len=300");
    out(d, 0, "SA ack=301");
    s = CALL(d, accept, l, NULL, NULL); /* before the handshake is over */
    assert_true(s >= 0);
    assert_int_equal(CALL(d, read, s, bytes, 1000), 300);
    in(d, "A seq=301 ack=1");
}

static const struct script scripts[] = {
    PLAY(syn_offers_what_linux_does),
    PLAY(ecn_is_accepted),
    PLAY_WITH(ecn_is_refused, "tcp_ecn=0"),
    PLAY_WITH(ecn_is_asked_for, "net.ipv4.tcp_ecn=1"),
    PLAY_WITH(fast_open_client, "fastopen=1"),
    PLAY_WITH(no_cookie_no_wait, "tcp_fastopen=5"),
    PLAY_WITH(fast_open_server_without_cookie, "fastopen=0x203,"
                                               "fastopen_key=00112233-44556677-8899aabb-ccddeeff"),
};

int main(int argc, char **argv)
{
    return DRIVER_MAIN(scripts);
}
