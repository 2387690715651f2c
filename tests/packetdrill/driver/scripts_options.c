/* SPDX-License-Identifier: MIT */
/* Scripts: socket options with Linux' numbers and answers, and what they do to segments; flags; struct tcp_info beside what was on the wire. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>

#include "driver.h"

enum {
    TCPI_ESTABLISHED = 1, /* TCP_ESTABLISHED, … of the kernel */
    TCPI_FIN_WAIT1 = 4,
    TCPI_FIN_WAIT2 = 5,
    TCPI_CLOSE = 7,
    TCPI_LISTEN = 10
};
enum { INFO_BYTES = 280, SOCKET_MEMINFO = 55, MEMINFO_BYTES = 36 };

static char bytes[100000];

static struct tcp_info info_of(struct driver *d, int fd)
{
    union {
        struct tcp_info info;
        uint8_t room[400];
    } u;
    socklen_t len = sizeof(u);

    assert_int_equal(CALL(d, getsockopt, fd, IPPROTO_TCP, TCP_INFO, &u, &len), 0);
    assert_int_equal(len, INFO_BYTES);
    return u.info;
}

SCRIPT(values_as_linux_has_them)
{
    int s = stream(d), v = 0;
    struct linger linger;
    socklen_t len = sizeof(linger);
    char name[16];

    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    set_int(d, s, SOL_SOCKET, SO_SNDBUF, 10000);
    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_SNDBUF), 20000);
    set_int(d, s, SOL_SOCKET, SO_RCVBUF, 1);
    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_RCVBUF), 2304);
    set_int(d, s, IPPROTO_TCP, TCP_NODELAY, 7);
    assert_int_equal(get_int(d, s, IPPROTO_TCP, TCP_NODELAY), 1);
    set_int(d, s, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    assert_int_equal(get_int(d, s, IPPROTO_TCP, TCP_KEEPIDLE), 30);
    assert_int_equal(get_int(d, s, IPPROTO_TCP, TCP_KEEPINTVL), 75);
    assert_int_equal(get_int(d, s, IPPROTO_TCP, TCP_KEEPCNT), 9);
    assert_int_equal(get_int(d, s, IPPROTO_TCP, TCP_SYNCNT), 6);
    set_int(d, s, IPPROTO_TCP, TCP_DEFER_ACCEPT, 2);
    assert_int_equal(get_int(d, s, IPPROTO_TCP, TCP_DEFER_ACCEPT), 3);
    set_int(d, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 3000);
    assert_int_equal(get_int(d, s, IPPROTO_TCP, TCP_USER_TIMEOUT), 3000);
    assert_int_equal(get_int(d, s, IPPROTO_TCP, TCP_LINGER2), 60);
    v = -1;
    FAILS(CALL(d, setsockopt, s, IPPROTO_TCP, TCP_KEEPIDLE, &v, sizeof(v)), EINVAL);
    FAILS(CALL(d, setsockopt, s, IPPROTO_TCP, TCP_NODELAY, &v, 1), EINVAL);
    FAILS(CALL(d, setsockopt, s, IPPROTO_TCP, 999, &v, sizeof(v)), ENOPROTOOPT);
    FAILS(CALL(d, setsockopt, s, SOL_SOCKET, SO_TYPE, &v, sizeof(v)), ENOPROTOOPT);
    assert_int_equal(CALL(d, getsockopt, s, SOL_SOCKET, SO_LINGER, &linger, &len), 0);
    assert_int_equal(linger.l_onoff, 0);
    len = sizeof(name);
    assert_int_equal(CALL(d, getsockopt, s, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
    assert_string_equal(name, "cubic");
    assert_int_equal(CALL(d, setsockopt, s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
    FAILS(CALL(d, setsockopt, s, IPPROTO_TCP, TCP_CONGESTION, "none", 4), ENOENT);
    assert_int_equal(CALL(d, getsockopt, s, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
    assert_string_equal(name, "reno");
    len = sizeof(bytes);
    assert_int_equal(CALL(d, getsockopt, s, SOL_SOCKET, SOCKET_MEMINFO, bytes, &len), 0);
    assert_int_equal(len, MEMINFO_BYTES);
}

SCRIPT(plain_options_are_kept)
{
    int s = stream(d);

    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_REUSEADDR), 0);
    set_int(d, s, SOL_SOCKET, SO_REUSEADDR, 1);
    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_REUSEADDR), 1);
    set_int(d, s, SOL_SOCKET, SO_PRIORITY, 5);
    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_PRIORITY), 5);
    if (d->kind == DRIVER_IPV6)
        set_int(d, s, IPPROTO_IPV6, IPV6_RECVERR, 1);
    else
        set_int(d, s, IPPROTO_IP, IP_RECVERR, 1);
}

SCRIPT(traffic_class_and_ttl)
{
    bool v4 = d->kind != DRIVER_IPV6;
    int s = established(d);

    set_int(d, s, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, 0x28);
    set_int(d, s, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_UNICAST_HOPS, 33);
    assert_int_equal(CALL(d, write, s, bytes, 10), 10);
    out(d, 0, "PA seq=1 len=10 ttl=33 tc=40");
}

SCRIPT(maxseg)
{
    int l = listening(d);

    set_int(d, l, IPPROTO_TCP, TCP_MAXSEG, 600);
    in(d, "S mss=1000");
    out(d, 0, "SA mss=600");
    in(d, "A ack=1");
    l = CALL(d, accept, l, NULL, NULL);
    assert_int_equal(get_int(d, l, IPPROTO_TCP, TCP_MAXSEG), 600);
    assert_int_equal(CALL(d, write, l, bytes, 1000), 1000);
    out(d, 0, "A seq=1 len=600");
    out(d, 0, "PA seq=601 len=400"); /* Nagle minds small segments only */
}

SCRIPT(cork_and_nodelay)
{
    int s = established(d);

    set_int(d, s, IPPROTO_TCP, TCP_CORK, 1);
    assert_int_equal(CALL(d, write, s, bytes, 10), 10);
    silence(d, 200);
    set_int(d, s, IPPROTO_TCP, TCP_CORK, 0);
    out(d, 200, "PA seq=1 len=10");
    assert_int_equal(CALL(d, write, s, bytes, 10), 10);
    silence(d, 250);
    set_int(d, s, IPPROTO_TCP, TCP_NODELAY, 1);
    out(d, 250, "PA seq=11 len=10");
}

SCRIPT(cork_lasts_200_ms)
{
    int s = established(d);

    set_int(d, s, IPPROTO_TCP, TCP_CORK, 1);
    assert_int_equal(CALL(d, write, s, bytes, 10), 10);
    out(d, 300, "PA seq=1 len=10");
}

SCRIPT(keepalive)
{
    int s = established(d);

    set_int(d, s, IPPROTO_TCP, TCP_KEEPIDLE, 2);
    set_int(d, s, IPPROTO_TCP, TCP_KEEPINTVL, 1);
    set_int(d, s, IPPROTO_TCP, TCP_KEEPCNT, 2);
    set_int(d, s, SOL_SOCKET, SO_KEEPALIVE, 1);
    out(d, 2100, "A seq=0 ack=1");
    out(d, 3100, "A seq=0 ack=1");
    at(d, 4101);
    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_ERROR), ETIMEDOUT);
}

SCRIPT(delayed_ack_40_ms)
{
    int s = established(d);

    in(d, "PA seq=1 len=100");
    out(d, 100, "A ack=101");
    assert_int_equal(CALL(d, write, s, bytes, 10), 10); /* it answers: from now on ACKs wait */
    out(d, 100, "PA seq=1 len=10");
    in(d, "PA seq=101 len=100 ack=11");
    out(d, 140, "A ack=201");
}

SCRIPT(retransmits_as_linux)
{
    int s = established(d);

    assert_int_equal(CALL(d, write, s, bytes, 10), 10);
    out(d, 100, "PA seq=1 len=10");
    if (get_int(d, s, IPPROTO_TCP, TCP_NODELAY) == 0) {
        in_at(d, 190, "A ack=11");
        silence(d, 1000);
    }
    assert_int_equal(info_of(d, s).tcpi_total_retrans, 0);
}

SCRIPT(flags_by_either_name)
{
    int s = stream(d);
    union any_address a;
    socklen_t len = peer_address(d, &a, DRIVER_PEER_PORT);

    nonblocking(d, s);
    FAILS(CALL(d, connect, s, &a.any, len), EINPROGRESS);
    out(d, 0, "S nots nosackok ws=4");
    out(d, 500, "S");
    at(d, 1501);
    assert_int_equal(get_int(d, s, SOL_SOCKET, SO_ERROR), ETIMEDOUT);
}

SCRIPT(initial_window_flag)
{
    int s = established(d);

    assert_int_equal(CALL(d, write, s, bytes, 10000), 10000);
    for (unsigned i = 0; i < 3; i++)
        out(d, 100, "A seq=%u len=1000", 1 + 1000 * i);
    assert_int_equal(info_of(d, s).tcpi_snd_cwnd, 3);
    assert_int_equal(info_of(d, s).tcpi_notsent_bytes, 7000);
}

SCRIPT(info_of_states)
{
    int l = listening(d), s = stream(d);

    assert_int_equal(info_of(d, l).tcpi_state, TCPI_LISTEN);
    assert_int_equal(info_of(d, s).tcpi_state, TCPI_CLOSE);
    in(d, "S mss=1000 sackok ws=7");
    out(d, 0, "SA");
    in(d, "A ack=1");
    s = CALL(d, accept, l, NULL, NULL);
    assert_int_equal(info_of(d, s).tcpi_state, TCPI_ESTABLISHED);
    assert_int_equal(CALL(d, shutdown, s, SHUT_WR), 0);
    out(d, 0, "FA seq=1");
    assert_int_equal(info_of(d, s).tcpi_state, TCPI_FIN_WAIT1);
    in(d, "A ack=2");
    assert_int_equal(info_of(d, s).tcpi_state, TCPI_FIN_WAIT2);
}

SCRIPT(info_counts_what_is_on_the_wire)
{
    int s = established(d);
    struct tcp_info i = info_of(d, s);

    assert_int_equal(i.tcpi_options, TCPI_OPT_SACK | TCPI_OPT_WSCALE);
    assert_int_equal(i.tcpi_snd_wscale, 7);
    assert_int_equal(i.tcpi_rcv_wscale, 7);
    assert_in_range(i.tcpi_rtt, 100000, 100020);
    assert_in_range(i.tcpi_rttvar, 50000, 50010);
    assert_in_range(i.tcpi_rto, 300000, 300060);
    assert_int_equal(i.tcpi_snd_mss, 1000);
    assert_int_equal(i.tcpi_pmtu, 1500);
    assert_int_equal(i.tcpi_snd_cwnd, 10);
    assert_int_equal(i.tcpi_snd_ssthresh, INT32_MAX);
    assert_int_equal(i.tcpi_snd_wnd, 128000);
    assert_int_equal(i.tcpi_segs_in, 2);
    assert_int_equal(CALL(d, write, s, bytes, 5000), 5000);
    for (unsigned n = 0; n < 5; n++)
        out(d, 100, "A seq=%u len=1000", 1 + 1000 * n);
    in_at(d, 200, "A ack=1001 sack=2001-3001");
    i = info_of(d, s);
    assert_int_equal(i.tcpi_unacked, 4);
    assert_int_equal(i.tcpi_sacked, 1);
    assert_int_equal(i.tcpi_bytes_acked, 1000);
    assert_int_equal(i.tcpi_bytes_sent, 5000);
    assert_int_equal(i.tcpi_data_segs_out, 5);
    assert_int_equal(i.tcpi_segs_in, 3);
    assert_int_equal(i.tcpi_delivered, 2);
    assert_int_equal(i.tcpi_ca_state, 1); /* disorder */
    assert_in_range(i.tcpi_min_rtt, 99000, 100100);
    assert_in_range(i.tcpi_busy_time, 100000, 100100);
    in_at(d, 210, "A ack=1001 sack=2001-5001");
    out(d, 0, "A seq=1001 len=1000");
    i = info_of(d, s);
    assert_int_equal(i.tcpi_ca_state, 3); /* recovery */
    assert_int_equal(i.tcpi_sacked, 3);
    assert_int_equal(i.tcpi_lost, 1);
    assert_int_equal(i.tcpi_retrans, 1);
    assert_int_equal(i.tcpi_total_retrans, 1);
    assert_int_equal(i.tcpi_bytes_retrans, 1000);
    in_at(d, 300, "A ack=5001");
    i = info_of(d, s);
    assert_int_equal(i.tcpi_unacked, 0);
    assert_int_equal(i.tcpi_delivered, 5);
    assert_int_equal(i.tcpi_bytes_acked, 5000);
    at(d, 5000); /* idle, and nothing is forgotten */
    i = info_of(d, s);
    assert_int_equal(i.tcpi_bytes_acked, 5000);
    assert_int_equal(i.tcpi_total_retrans, 1);
    assert_in_range(i.tcpi_busy_time, 200000, 200100);
    assert_in_range(i.tcpi_last_data_sent, 4780, 4800);
}

SCRIPT(info_of_the_receiver)
{
    int s = established(d);
    struct tcp_info i;

    in(d, "PA seq=1 len=1000");
    out(d, 100, "A ack=1001");
    in(d, "PA seq=2001 len=1000");
    out(d, 100, "A ack=1001");
    i = info_of(d, s);
    assert_int_equal(i.tcpi_bytes_received, 1000);
    assert_int_equal(i.tcpi_data_segs_in, 2);
    assert_int_equal(i.tcpi_rcv_ooopack, 1);
    assert_int_equal(i.tcpi_ato, 40000);
    at(d, 150);
    assert_int_equal(info_of(d, s).tcpi_last_data_recv, 50);
}

static const struct script scripts[] = {
    PLAY(values_as_linux_has_them),
    PLAY(plain_options_are_kept),
    PLAY(traffic_class_and_ttl),
    PLAY(maxseg),
    PLAY(cork_and_nodelay),
    PLAY(cork_lasts_200_ms),
    PLAY(keepalive),
    PLAY(delayed_ack_40_ms),
    PLAY(retransmits_as_linux),
    PLAY_WITH(flags_by_either_name, "net.ipv4.tcp_timestamps=0,sack=0,wscale=4,rto_initial_ms=500,"
                                    "tcp_syn_retries=1,tcp_tw_reuse=1"),
    PLAY_WITH(initial_window_flag, "iw=3"),
    PLAY(info_of_states),
    PLAY(info_counts_what_is_on_the_wire),
    PLAY(info_of_the_receiver),
};

int main(int argc, char **argv)
{
    return DRIVER_MAIN(scripts);
}
