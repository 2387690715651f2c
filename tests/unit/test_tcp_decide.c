/* SPDX-License-Identifier: MIT */
/*
 * What may be sent and what window is offered, against the conditions of RFC 9293 3.8.6.2.1 and 3.8.6.2.2 as they stand
 * there: for every small case of queue, windows, segments in flight and wishes of the application.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/tcp.h"

enum { MSS = 10, START = 1000 };

static struct tcp_conn conn;
static struct tcp_busy busy;

static struct tcp_conn *fresh(void)
{
    memset(&conn, 0, sizeof(conn));
    memset(&busy, 0, sizeof(busy));
    conn.busy = &busy;
    conn.mss = MSS;
    conn.snd.una = conn.snd.nxt = busy.sendq.head = busy.sendq.end = busy.nagle_end = START;
    return &conn;
}

struct send_case {
    uint32_t unsent, in_flight, wnd, cwnd, max_wnd, flags;
    bool nagle_waits; /* what is in flight is of the kind that Nagle waits for */
};

static bool partial_wanted(const struct send_case *s)
{
    if (s->flags & (TCP_OVERRIDE | TCP_URGENT_OUT))
        return true;
    if (s->flags & (TCP_CORK | TCP_MORE))
        return false;
    return (s->flags & TCP_NODELAY) || !s->nagle_waits;
}

/* D: queued and not sent; U: usable window; Fs = 1/2. The congestion window cuts nothing smaller than a segment off. */
static uint32_t rfc_amount(const struct send_case *s)
{
    uint32_t d = s->unsent, u = s->wnd > s->in_flight ? s->wnd - s->in_flight : 0;
    uint32_t room = s->cwnd > s->in_flight ? s->cwnd - s->in_flight : 0;
    uint32_t least = d < u ? d : u;

    if (least >= MSS && room >= MSS) /* (1) */
        return MSS;
    if (least == 0 || least >= MSS || room < least)
        return 0;
    if (d <= u) /* (2) pushed: the last of what is queued always is */
        return partial_wanted(s) ? d : 0;
    if (room == least)
        return 0;
    if (least >= s->max_wnd / 2 && partial_wanted(s)) /* (3) */
        return least;
    return s->flags & TCP_OVERRIDE ? least : 0; /* (4) */
}

static void check_send(const struct send_case *s)
{
    struct tcp_conn *c = fresh();
    uint32_t u = s->wnd > s->in_flight ? s->wnd - s->in_flight : 0;
    uint32_t room = s->cwnd > s->in_flight ? s->cwnd - s->in_flight : 0;
    bool all_fits =
        s->unsent <= MSS && s->unsent <= room && s->unsent < u; /* and the FIN behind it */
    bool fin_wanted = (s->flags & TCP_FIN_QUEUED) && all_fits, fin = !fin_wanted;
    uint32_t want = fin_wanted ? s->unsent : rfc_amount(s), got;

    c->flags = s->flags;
    c->snd.nxt = START + s->in_flight;
    c->snd.wnd = s->wnd;
    c->snd.max_wnd = s->max_wnd;
    c->cwnd = s->cwnd;
    busy.sendq.end = c->snd.nxt + s->unsent;
    busy.nagle_end = START + (s->nagle_waits ? s->in_flight : 0);
    if (s->flags & TCP_FIN_SENT) {
        want = 0;
        fin_wanted = false;
    }
    got = tcp_decide(c, &fin);
    if (got != want || fin != fin_wanted)
        fail_msg(
            "unsent %u in flight %u wnd %u cwnd %u max_wnd %u flags %#x nagle %d: %u%s, not %u%s",
            s->unsent, s->in_flight, s->wnd, s->cwnd, s->max_wnd, s->flags, s->nagle_waits, got,
            fin ? " FIN" : "", want, fin_wanted ? " FIN" : "");
}

/* [RFC9293 3.8.6.2.1, 3.7.4, 3.10.4] */
static void what_may_be_sent(void **state)
{
    static const uint32_t unsents[] = {0, 1, 4, 5, 9, 10, 11, 25};
    static const uint32_t flights[] = {0, 1, 7, 10};
    static const uint32_t windows[] = {0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 17, 20, 21, 35, 36};
    static const uint32_t most[] = {0, 1, 9, 10, 11, 12, 19, 20, 100};
    static const uint32_t flags[] = {0,
                                     TCP_NODELAY,
                                     TCP_CORK,
                                     TCP_MORE,
                                     TCP_CORK | TCP_NODELAY,
                                     TCP_OVERRIDE,
                                     TCP_OVERRIDE | TCP_CORK,
                                     TCP_URGENT_OUT,
                                     TCP_URGENT_OUT | TCP_MORE,
                                     TCP_FIN_QUEUED,
                                     TCP_FIN_QUEUED | TCP_CORK,
                                     TCP_FIN_QUEUED | TCP_FIN_SENT};
    struct send_case s;

    (void)state;
    for (unsigned u = 0; u < ARRAY_LEN(unsents); u++)
        for (unsigned f = 0; f < ARRAY_LEN(flights); f++)
            for (unsigned w = 0; w < ARRAY_LEN(windows); w++)
                for (unsigned g = 0; g < ARRAY_LEN(windows); g++)
                    for (unsigned m = 0; m < ARRAY_LEN(most); m++)
                        for (unsigned k = 0; k < ARRAY_LEN(flags); k++) {
                            s = (struct send_case){unsents[u], flights[f], windows[w], windows[g],
                                                   most[m],    flags[k],   false};
                            check_send(&s);
                            s.nagle_waits = flights[f] > 0;
                            check_send(&s);
                        }
}

/* [RFC7323 2.2, 2.3]: the smallest shift that lets the 16 bits of the header say it, 14 at most */
static void scale_for_a_buffer(void **state)
{
    (void)state;
    assert_int_equal(tcp_scale_for(0), 0);
    for (unsigned scale = 0; scale < 15; scale++) {
        assert_int_equal(tcp_scale_for((uint32_t)UINT16_MAX << scale), scale);
        if (scale < 14)
            assert_int_equal(tcp_scale_for(((uint32_t)UINT16_MAX + 1) << scale), scale + 1);
    }
    assert_int_equal(tcp_scale_for(UINT32_MAX), 14);
}

/* [RFC9293 3.8.6]: what the buffer has left, as far as the header can say it */
static void free_window(void **state)
{
    struct tcp_conn *c = fresh();
    struct tcp_knobs knobs = {.window_clamp_bytes = 600};

    (void)state;
    c->receive_limit_bytes = 1000;
    assert_int_equal(tcp_window_free(c), 1000);
    busy.recvq.bytes = 999;
    assert_int_equal(tcp_window_free(c), 1);
    busy.recvq.bytes = 1000;
    assert_int_equal(tcp_window_free(c), 0);
    busy.recvq.bytes = 1001; /* the buffer was made smaller than what is in it */
    assert_int_equal(tcp_window_free(c), 0);
    busy.recvq.bytes = 100;
    c->knobs = &knobs;
    assert_int_equal(tcp_window_free(c), 500);
    knobs.window_clamp_bytes = 0;
    assert_int_equal(tcp_window_free(c), 900);
    c->busy = NULL;
    assert_int_equal(tcp_window_free(c), 1000);
    c->receive_limit_bytes = 1 << 20;
    assert_int_equal(tcp_window_free(c), UINT16_MAX);
    c->rcv_scale = 3;
    assert_int_equal(tcp_window_free(c), (uint32_t)UINT16_MAX << 3);
}

/*
 * [RFC9293 3.8.6.2.2]: the window stays until it grows by min(half the buffer, a segment). SHLD-14: its right edge never moves left; with a
 * scale the header says multiples only, so an edge that stays is rounded up.
 */
static void check_offer(unsigned scale, uint32_t limit, uint32_t segment, uint32_t offered,
                        uint32_t used)
{
    struct tcp_conn *c = fresh();
    uint32_t unit = 1U << scale, free = limit > used ? limit - used : 0, edge;
    uint32_t kept = (offered + unit - 1) / unit, wire = kept;
    uint32_t worth = limit / 2 < segment ? limit / 2 : segment;

    c->rcv_scale = scale & 15U;
    c->receive_limit_bytes = limit;
    c->mss_receive = (uint16_t)segment;
    c->rcv.nxt = START;
    c->rcv.edge = START + offered;
    busy.recvq.bytes = used;
    if (free >= offered + worth && free / unit > kept)
        wire = free / unit;
    edge = wire * unit > offered ? wire * unit : offered;
    assert_int_equal(tcp_window_offer(c, true), wire);
    assert_int_equal(c->rcv.edge - START, edge);
}

static void offered_window(void **state)
{
    static const uint32_t segments[] = {1, 50, 100, 101, 300};

    (void)state;
    for (unsigned scale = 0; scale < 6; scale++)
        for (uint32_t limit = 100; limit < 400; limit += 33)
            for (unsigned s = 0; s < ARRAY_LEN(segments); s++)
                for (uint32_t offered = 0; offered <= 200; offered += 7)
                    for (uint32_t used = 0; used <= limit + 10; used += 10)
                        check_offer(scale, limit, segments[s], offered, used);
}

/* [RFC7323 2.2]: the window of a SYN is not scaled, and not more than it can say */
static void offered_in_a_syn(void **state)
{
    struct tcp_conn *c = fresh();

    (void)state;
    c->rcv_scale = 7;
    c->receive_limit_bytes = 1 << 20;
    c->mss_receive = 1460;
    c->rcv.nxt = c->rcv.edge = START;
    assert_int_equal(tcp_window_offer(c, false), UINT16_MAX);
    assert_int_equal(c->rcv.edge - START, UINT16_MAX);
    assert_int_equal(tcp_window_offer(c, true), (1 << 20) >> 7);
    assert_int_equal(c->rcv.edge - START, 1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_be_sent), cmocka_unit_test(scale_for_a_buffer),
        cmocka_unit_test(free_window),      cmocka_unit_test(offered_window),
        cmocka_unit_test(offered_in_a_syn),
    };

    return cmocka_run_group_tests_name("tcp/decide", tests, NULL, NULL);
}
