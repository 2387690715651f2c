/* SPDX-License-Identifier: MIT */
/*
 * Lives that end oddly (docs/security.md F): sockets closed or aborted between any two events, ports opened again, clocks that leap, drops of every kind
 * repeated, links that do not take packets, allocations that fail one by one.
 */
#include "threats/crowd.h"

#include <string.h>

enum { KIB = 1024, LAST_STEP = 12, DAY_S = 86400 };

/* --- a life in steps ---------------------------------------------------------------------------------------- */

/* Step k of a life with data both ways; the peer closes first, or second. */
static void step(struct crowd *c, struct crowd_peer *p, unsigned k, bool peer_first)
{
    static uint8_t bytes[4 * KIB];

    switch (k) {
    case 2:
        crowd_say(c, p, GANDER_FLAG_ACK | GANDER_FLAG_PSH, 700);
        break;
    case 3:
        gander_receive(c->stack, p->socket, bytes, 300, 0);
        break;
    case 4:
        p->seq += 100; /* ahead of a gap */
        crowd_say(c, p, GANDER_FLAG_ACK, 500);
        p->seq -= 600;
        break;
    case 5:
        gander_send(c->stack, p->socket, bytes, sizeof(bytes), 0);
        break;
    case 6:
        crowd_hear(c, p);
        break;
    case 7:
        crowd_say(c, p, GANDER_FLAG_ACK, 600); /* the gap closes */
        break;
    case 8:
        crowd_advance(c, 100 * GANDER_MS);
        break;
    case 9:
        gander_receive(c->stack, p->socket, bytes, sizeof(bytes), 0);
        break;
    case 10:
    case 11:
        if ((k == 10) == peer_first)
            crowd_say(c, p, GANDER_FLAG_FIN | GANDER_FLAG_ACK, 0);
        else
            gander_shutdown(c->stack, p->socket, GANDER_SHUTDOWN_SEND);
        break;
    default:
        crowd_hear(c, p);
        crowd_say(c, p, GANDER_FLAG_ACK, 0);
        break;
    }
}

static void nothing_is_left(struct crowd *c, uint64_t sockets)
{
    crowd_pass(c, 2 * 3600 * GANDER_S);
    assert_int_equal(crowd_stats(c).tcp_connections, 0);
    assert_int_equal(crowd_stats(c).tcp_syn_received, 0);
    assert_int_equal(crowd_stats(c).tcp_time_wait, 0);
    assert_int_equal(crowd_stats(c).sockets, sockets);
    assert_int_equal(gander_deadline(c->stack), GANDER_NEVER);
}

/* F6: gone at once for its owner, whatever still comes from the peer */
static void close_and_abort_between_any_two_events(void **state)
{
    struct crowd *c = *state;
    struct gander_event event;
    struct crowd_peer p;
    uint32_t number = 1;

    crowd_start(c);
    crowd_listen(c, 4);
    for (unsigned variant = 0; variant < 4; variant++) {
        for (unsigned at = 2; at <= LAST_STEP + 1; at++) {
            assert_true(crowd_open(c, &p, number++, NULL));
            for (unsigned k = 2; k <= LAST_STEP; k++) {
                if (k == at)
                    assert_int_equal(variant & 1 ? gander_abort(c->stack, p.socket)
                                                 : gander_close(c->stack, p.socket),
                                     0);
                step(c, &p, k, variant & 2);
            }
            if (at <= LAST_STEP)
                assert_int_equal(gander_close(c->stack, p.socket), GANDER_EBADF);
            else
                assert_int_equal(gander_close(c->stack, p.socket), 0);
            while (gander_events(c->stack, &event, 1) == 1)
                assert_true(event.socket != p.socket); /* never of a closed one */
        }
    }
    nothing_is_left(c, 1);
}

/* F5: children that nobody accepted go with their listener; the port serves again at once */
static void a_port_closed_with_children_opens_again(void **state)
{
    struct crowd *c = *state;
    struct crowd_peer p;
    struct segment s;
    uint32_t who, iss;

    crowd_start(c);
    for (unsigned round = 0; round < 20; round++) {
        crowd_listen(c, 16);
        crowd_syn(c, 1 + round); /* half open */
        assert_true(crowd_take(c, &who, &s));
        iss = (uint32_t)s.seq;
        assert_true(crowd_open(c, &p, 1000 + round, NULL));
        crowd_syn(c, 2000 + round);
        assert_true(crowd_take(c, &who, &s));
        crowd_send(c, 2000 + round, /* established, never accepted */
                   &(struct segment){.flags = GANDER_FLAG_ACK,
                                     .seq = crowd_isn(2000 + round) + 1,
                                     .ack = (uint32_t)s.seq + 1,
                                     .wnd = 1000});
        assert_int_equal(gander_close(c->stack, c->listener), 0);
        crowd_drain(c);
        assert_int_equal(crowd_stats(c).tcp_connections, 1); /* the accepted one stays */
        assert_int_equal(crowd_stats(c).tcp_syn_received, 0);
        crowd_send(c, 1 + round,
                   &(struct segment){
                       .flags = GANDER_FLAG_ACK, .seq = crowd_isn(1 + round) + 1, .ack = iss + 1});
        assert_true(crowd_take(c, &who, &s));
        assert_int_equal(s.flags, GANDER_FLAG_RST);
        assert_int_equal(gander_abort(c->stack, p.socket), 0);
        crowd_drain(c);
    }
    nothing_is_left(c, 0);
}

/* F7: what arrives after a read is told, each time; what waits unread was told */
static void no_wake_up_is_lost(void **state)
{
    struct crowd *c = *state;
    struct gander_event event;
    struct crowd_peer p;
    uint8_t bytes[4 * KIB];

    crowd_start(c);
    crowd_listen(c, 4);
    assert_true(crowd_open(c, &p, 1, NULL));
    for (unsigned i = 0; i < 500; i++) {
        unsigned segments = 1 + i % 3;
        uint32_t bits = 0;
        int64_t n, all = 0;

        for (unsigned k = 0; k < segments; k++)
            crowd_say(c, &p, GANDER_FLAG_ACK, 10 + i % 50);
        while (gander_events(c->stack, &event, 1) == 1)
            bits |= event.socket == p.socket ? event.bits : 0;
        assert_true(bits & GANDER_EVENT_READABLE);
        while ((n = gander_receive(c->stack, p.socket, bytes, 1 + i % 100, 0)) > 0)
            all += n;
        assert_int_equal(n, GANDER_EAGAIN);
        assert_int_equal(all, segments * (10 + i % 50));
        crowd_drain(c);
    }
}

/* --- F9: clocks ------------------------------------------------------------------------------------------------- */

static void clocks_may_leap_and_stand_still(void **state)
{
    static const int64_t leaps_s[] = {1, 3600, 25 * DAY_S, 50 * DAY_S};
    struct crowd *c = *state;
    static uint8_t bytes[KIB];
    struct crowd_peer p;
    uint64_t out;

    crowd_start(c);
    crowd_listen(c, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(crowd_open(c, &p, 1 + i, NULL));
        assert_int_equal(gander_set_option(c->stack, p.socket, GANDER_OPTION_KEEPALIVE, 1), 0);
        c->now += leaps_s[i] * GANDER_S; /* idle; nobody called meanwhile */
        out = crowd_stats(c).packets_out;
        gander_advance(c->stack, c->config.start + c->now);
        crowd_advance(c, GANDER_MS);
        crowd_hear(c, &p);
        assert_true(crowd_stats(c).packets_out - out <= 2);       /* no storm of what was missed */
        crowd_say(c, &p, GANDER_FLAG_ACK | GANDER_FLAG_PSH, 100); /* and the peer is still there */
        assert_int_equal(gander_receive(c->stack, p.socket, bytes, sizeof(bytes), 0), 100);
        assert_int_equal(gander_send(c->stack, p.socket, bytes, 100, 0), 100);
        c->now += leaps_s[i] * GANDER_S; /* data in flight: one time-out, not many */
        out = crowd_stats(c).tcp_retransmitted_segments;
        crowd_drain(c);
        gander_advance(c->stack, c->config.start + c->now);
        assert_true(crowd_stats(c).tcp_retransmitted_segments - out <= 1);
        gander_advance(c->stack, c->config.start + c->now - GANDER_S); /* backwards: as if not */
        assert_int_equal(gander_now(c->stack), c->config.start + c->now);
        for (unsigned k = 0; k < 100; k++) /* stands still */
            gander_advance(c->stack, c->config.start + c->now);
        assert_true(crowd_stats(c).tcp_retransmitted_segments - out <= 1);
        assert_int_equal(gander_abort(c->stack, p.socket), 0);
        crowd_drain(c);
    }
    nothing_is_left(c, 1);
}

/* --- F12: drops -------------------------------------------------------------------------------------------------- */

/* A segment that somebody must drop, by its kind. */
static struct segment droppable(const struct crowd *c, const struct crowd_peer *p, unsigned kind)
{
    static uint8_t text[600];
    const struct segment usual = {.flags = GANDER_FLAG_ACK,
                                  .seq = p->seq,
                                  .ack = p->ack,
                                  .wnd = 65535,
                                  .text = text,
                                  .len = kind & 1 ? 500 : 0};
    struct segment s[15];

    for (unsigned i = 0; i < 15; i++)
        s[i] = usual;
    s[0].fields = FIELD_BADSUM;
    s[1].fields = FIELD_OFFSET;
    s[1].offset = 2;
    s[2].flags = 0;
    s[3].seq += 1 << 28;
    s[4].seq -= 600; /* before the connection began */
    s[5].ack += 1 << 28;
    s[6].ack -= 1 << 28;
    s[7].flags = GANDER_FLAG_PSH;
    s[8].flags = GANDER_FLAG_RST;
    s[8].seq += 5;
    s[9].flags = GANDER_FLAG_SYN;
    s[10].destination_port = 9;
    s[11].source_port = 1000; /* the listener */
    s[11].flags = kind & 1 ? GANDER_FLAG_RST : GANDER_FLAG_FIN;
    s[12].fields = FIELD_OPT | FIELD_NOTS; /* window scale of length 9 */
    s[12].opt_bytes = 4;
    memcpy(s[12].opt, (uint8_t[]){3, 9, 0, 0}, 4);
    s[13].fields = c->ts ? FIELD_TS : FIELD_OPT; /* as old as can be */
    s[13].tsval = 1u << 31;
    s[14].fields = FIELD_NOTS;
    s[14].seq -= c->ts ? 0 : 1;
    return s[kind / 2];
}

static void drop_some(struct crowd *c, struct crowd_peer *p, unsigned kind)
{
    static uint8_t bytes[1500];
    struct segment_path path = crowd_path(c, p->number);
    struct segment s = droppable(c, p, kind < 30 ? kind : 0);
    size_t len;

    if (kind < 30) {
        crowd_send(c, p->number, &s);
        return;
    }
    s.source_port = CROWD_PEER_PORT;
    s.destination_port = CROWD_PORT;
    len = segment_build(&s, &path, bytes);
    bytes[0] =
        (uint8_t)(kind & 1 ? 0x20 : bytes[0] | 15); /* no version; or a header too long, a class */
    crowd_send_bytes(c, bytes, kind & 1 ? len : 30);
}

static void no_drop_keeps_anything(void **state)
{
    struct crowd *c = *state;
    uint32_t turns = crowd_count(100, 100000), reasons = 0;
    struct crowd_peer p;
    uint64_t memory = 0;

    crowd_start(c);
    crowd_listen(c, 4);
    assert_true(crowd_open(c, &p, 1, NULL));
    for (uint32_t i = 0; i < turns; i++) {
        for (unsigned kind = 0; kind < 32; kind++) {
            drop_some(c, &p, kind);
            crowd_drain(c);
        }
        if (i == 5)
            memory = crowd_stats(c).memory_bytes;
        crowd_advance(c, GANDER_MS);
        crowd_drain(c);
    }
    for (unsigned i = 0; i < GANDER_DROP_COUNT; i++)
        reasons += crowd_stats(c).drops[i] >= turns / 2;
    print_message("%u drops of %u reasons: %lld bytes more than at first\n", turns * 32, reasons,
                  (long long)(crowd_stats(c).memory_bytes - memory));
    assert_true(reasons >= 14);
    assert_int_equal(crowd_stats(c).memory_bytes, memory);
    assert_int_equal(crowd_stats(c).tcp_connections, 1); /* and it lives */
}

/* --- F14: the link takes nothing for a while -------------------------------------------------------------------------- */

static void a_link_that_takes_nothing_delays_only(void **state)
{
    struct crowd *c = *state;
    static uint8_t bytes[32 * KIB];
    struct crowd_peer p;
    uint32_t before;

    crowd_start(c);
    crowd_listen(c, 5000);
    assert_true(crowd_open(c, &p, 1, NULL));
    before = p.ack;
    for (unsigned i = 0; i < 3000; i++) /* answers pile up, up to the queue's end */
        crowd_syn(c, 10000 + i);
    assert_int_equal(gander_send(c->stack, p.socket, bytes, sizeof(bytes), 0), sizeof(bytes));
    assert_true(crowd_stats(c).drops[GANDER_DROP_out_queue_full] >= 3000 - 1024);
    crowd_advance(c, 30 * GANDER_S); /* for half a minute */
    crowd_say(c, &p, GANDER_FLAG_ACK, 100);
    for (unsigned i = 0; i < 2000 && p.ack - before < sizeof(bytes); i++) {
        if (crowd_hear(c, &p) > 0)
            crowd_say(c, &p, GANDER_FLAG_ACK, 0);
        crowd_advance(c, 100 * GANDER_MS);
    }
    assert_int_equal(p.ack - before, sizeof(bytes));
    assert_int_equal(gander_receive(c->stack, p.socket, bytes, sizeof(bytes), 0), 100);
}

/* --- F15: allocations fail -------------------------------------------------------------------------------------------- */

/* A life that makes do with whatever fails. */
static void live(struct crowd *c, uint32_t number)
{
    struct gander_event events[8];
    struct crowd_peer p;

    if (!crowd_open(c, &p, number, NULL))
        return;
    for (unsigned k = 2; k <= LAST_STEP; k++)
        step(c, &p, k, number & 1);
    gander_events(c->stack, events, 8);
    assert_int_equal(gander_close(c->stack, p.socket), 0);
    crowd_drain(c);
}

static void each_allocation_may_fail(void **state)
{
    struct crowd *c = *state;
    uint32_t number = 1;

    crowd_start(c);
    crowd_listen(c, 64);
    for (unsigned good = 0; good < 2; good++) {
        for (int64_t n = 0;; n++) {
            uint64_t refused = c->refused;
            struct crowd_peer p;

            c->refuse_for_good = good;
            c->refuse_after = n;
            for (unsigned i = 0; i < 40; i++) /* many at once: slabs are needed */
                live(c, number++);
            c->refuse_after = -1;
            crowd_pass(c, 3 * 3600 * GANDER_S);
            assert_int_equal(crowd_stats(c).tcp_connections, 0);
            assert_true(crowd_open(c, &p, number++, NULL)); /* as if nothing had been */
            assert_int_equal(gander_abort(c->stack, p.socket), 0);
            crowd_pass(c, 120 * GANDER_S);
            if (c->refused == refused)
                break; /* no more allocations than that */
            assert_true(n < 300);
        }
    }
    print_message("%llu refusals\n", (unsigned long long)c->refused);
    nothing_is_left(c, 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CROWD_TEST(close_and_abort_between_any_two_events),
        CROWD_TEST(a_port_closed_with_children_opens_again),
        CROWD_TEST(no_wake_up_is_lost),
        CROWD_TEST(clocks_may_leap_and_stand_still),
        CROWD_TEST(no_drop_keeps_anything),
        CROWD_TEST(a_link_that_takes_nothing_delays_only),
        CROWD_TEST(each_allocation_may_fail),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
