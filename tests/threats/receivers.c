/* SPDX-License-Identifier: MIT */
/*
 * Receivers that lie to be served faster, or to do harm (docs/security.md C): optimistic, divided and duplicate ACKs, SACK of what never arrived,
 * forged echoes, windows that shrink, losses timed like the retransmission timer. A small model knows what RFC 5681 allows at most.
 */
#include "threats/crowd.h"

#include <string.h>

#include "tcp/tcp.h"

enum { KIB = 1024, DATA_BYTES = 200 * KIB };

static uint8_t text[DATA_BYTES];

struct liar {
    struct crowd_peer p;
    struct tcp_conn *conn;
    uint32_t mss;
    uint32_t allowed;    /* the largest congestion window that RFC 5681 can have given by now */
    uint32_t duplicates; /* each may let one more segment out (3.2 step 4) */
    uint32_t claimed;    /* bytes that SACK says have left the network */
    uint64_t timeouts;
    uint32_t most_beyond; /* how far SND.NXT was ever ahead of SND.UNA */
};

static uint32_t start(struct crowd *c, struct liar *l, bool sack)
{
    const struct segment options = {.fields = FIELD_MSS | (sack ? FIELD_SACKOK : 0u),
                                    .mss = CROWD_MSS};

    c->config.tcp_congestion_control = "newreno"; /* the model's: RFC 5681 */
    crowd_start(c);
    crowd_listen(c, 4);
    memset(l, 0, sizeof(*l));
    assert_true(crowd_open(c, &l->p, 1 + c->random % 3, &options));
    l->conn = tcp_conn_of(sock_find(c->stack, l->p.socket));
    l->mss = l->conn->mss;
    l->allowed = 10 * l->mss;
    crowd_advance(c, 20 * GANDER_MS);
    assert_int_equal(gander_send(c->stack, l->p.socket, text, sizeof(text), 0), sizeof(text));
    return l->p.ack;
}

/* Takes what leaves, and holds it to the model. */
static void watch(struct crowd *c, struct liar *l)
{
    uint64_t timeouts = crowd_stats(c).tcp_retransmit_timeouts;
    struct segment s;
    uint32_t who, una = l->conn->snd.una;

    if (timeouts != l->timeouts) {
        l->timeouts = timeouts;
        l->allowed = l->mss;
        l->duplicates = 0;
    }
    while (crowd_take(c, &who, &s)) {
        uint32_t end = (uint32_t)s.seq + s.len, outstanding = end - una;
        uint32_t out = l->conn->snd.nxt - una, inflation = l->duplicates * l->mss;

        l->p.tsval = s.tsval;
        if (s.len == 0)
            continue;
        if (inflation > out)
            inflation = out; /* at most what was outstanding can have left */
        assert_true(outstanding <= l->allowed + inflation + l->claimed || s.why != GANDER_WHY_data);
        l->most_beyond = outstanding > l->most_beyond ? outstanding : l->most_beyond;
    }
}

static void say(struct crowd *c, struct liar *l, uint32_t ack, const struct segment *blocks)
{
    uint32_t una = l->conn->snd.una, nxt = l->conn->snd.nxt;
    struct segment s = blocks ? *blocks : (struct segment){.flags = 0};

    if (ack != una && ack - una <= nxt - una) {
        l->allowed +=
            ack - una < l->mss ? ack - una : l->mss; /* 3.1 (2): slow start, all the time */
        l->duplicates = 0;
        /* what was claimed beyond it stays so, also after a time-out [RFC6675 5.1] */
        if (l->claimed > nxt - ack)
            l->claimed = nxt - ack;
    } else if (ack == una) {
        l->duplicates++;
    }
    s.flags = GANDER_FLAG_ACK;
    s.seq = l->p.seq;
    s.ack = ack;
    s.wnd = l->p.wnd;
    s.tsecr = l->p.tsval;
    if (c->ts) {
        s.fields |= FIELD_TS;
        s.tsval = 1000 + (uint32_t)(c->now / GANDER_MS);
    }
    crowd_send(c, l->p.number, &s);
    watch(c, l);
}

/* From now on the peer is honest: the rest arrives, and soon: a timer's length, then a round trip at a time. */
static void recovers(struct crowd *c, struct liar *l)
{
    gander_time begun = c->now, rto = tcp_rto(c->stack, l->conn);
    /* a probe of the tail starts the timer again [RFC8985 7.3], and tells this receiver nothing */
    gander_time probe = l->conn->flags & TCP_SACK ? 2 * l->conn->srtt_ns + 45 * GANDER_MS : 0;
    unsigned rounds = 0;
    bool heard = false;

    l->p.wnd = 65535;
    l->p.ack = l->conn->snd.una;
    crowd_say(c, &l->p, GANDER_FLAG_ACK, 0);
    while (l->conn->busy &&
           (l->conn->snd.una != l->conn->snd.nxt || sendq_bytes(&l->conn->busy->sendq))) {
        struct segment s;
        uint32_t who;
        bool news = false;

        while (crowd_take(c, &who, &s)) {
            if (s.fields & FIELD_TS)
                l->p.tsval = s.tsval;
            if (s.len && (uint32_t)s.seq - l->p.ack < 1u << 31 && (uint32_t)s.seq != l->p.ack)
                continue; /* ahead of a gap: an honest receiver without memory */
            if (s.len)
                l->p.ack = (uint32_t)s.seq + s.len;
            news |= s.len > 0;
        }
        if (news && !heard)
            assert_true(c->now - begun <= probe + rto + 20 * GANDER_MS);
        heard |= news;
        if (news)
            crowd_say(c, &l->p, GANDER_FLAG_ACK, 0);
        crowd_advance(c, 10 * GANDER_MS);
        assert_true(rounds++ < 20000);
    }
    assert_int_equal(l->conn->entity.state, GANDER_TCP_ESTABLISHED);
}

/* --- C1 to C3 ------------------------------------------------------------------------------------------------ */

static void optimistic_acks_gain_what_acks_gain(void **state)
{
    struct crowd *c = *state;
    struct liar l;
    uint32_t first = start(c, &l, false);

    watch(c, &l);
    for (unsigned i = 0; i < 40; i++) { /* for what has not even left: nothing at all */
        uint32_t nxt = l.conn->snd.nxt;

        say(c, &l, nxt + 1 + i * 1000, NULL);
        say(c, &l, nxt + (1u << 30), NULL);
        assert_int_equal(l.conn->snd.una, first);
        assert_int_equal(l.conn->snd.nxt, nxt);
        crowd_advance(c, GANDER_MS);
        watch(c, &l);
    }
    for (unsigned i = 0; i < 60; i++) /* for what has left a moment ago: the model says how much */
        say(c, &l, l.conn->snd.nxt, NULL);
    recovers(c, &l);
}

static void divided_acks_gain_nothing(void **state)
{
    struct crowd *c = *state;
    struct liar l;
    uint32_t cwnd, acked = 0;

    start(c, &l, false);
    watch(c, &l);
    cwnd = l.conn->cwnd;
    for (unsigned i = 0; i < 3000; i++) { /* an ACK a byte */
        say(c, &l, l.conn->snd.una + 1, NULL);
        acked++;
    }
    assert_true(l.conn->cwnd <= cwnd + acked); /* bytes count, not ACKs [RFC3465] */
    for (unsigned i = 0; i < 100; i++)
        say(c, &l, l.conn->snd.una + 1 + crowd_random(c) % 50, NULL);
    recovers(c, &l);
}

static void spoofed_duplicates_are_bounded_by_the_flight(void **state)
{
    struct crowd *c = *state;
    struct liar l;
    uint32_t first = start(c, &l, false), flight;

    watch(c, &l);
    flight = l.conn->snd.nxt - first;
    for (unsigned i = 0; i < 5000; i++)
        say(c, &l, first, NULL);
    assert_true(l.most_beyond <= 2 * flight + 3 * l.mss);
    assert_true(crowd_stats(c).tcp_retransmitted_segments <= 3);
    recovers(c, &l);
}

/* --- C4: SACK ------------------------------------------------------------------------------------------------------- */

static struct segment sack_lie(struct crowd *c, struct liar *l, unsigned kind)
{
    uint32_t una = l->conn->snd.una, flight = l->conn->snd.nxt - una, r = crowd_random(c);
    uint32_t from = una + (flight ? r % flight : 0), to = from + 1 + r / 7 % (2 * l->mss);
    struct segment s = {.fields = FIELD_SACK, .sacks = 1 + r % (c->ts ? 3 : 4)};

    switch (kind) {
    case 0: /* what never arrived, as far as anybody knows */
        break;
    case 1: /* below SND.UNA: D-SACK, or nonsense */
        from = una - r % 100000;
        to = from + r % 3000;
        break;
    case 2: /* beyond what was sent */
        to = l->conn->snd.nxt + 1 + r % 100000;
        break;
    case 3: /* backwards, empty */
        to = from - r % 3;
        break;
    default: /* half the space away */
        to = from + (1u << 31) - 1 + r % 3;
        break;
    }
    for (unsigned b = 0; b < s.sacks; b++) {
        s.sack[b][0] = from + b * 3 * l->mss;
        s.sack[b][1] = to + b * 3 * l->mss;
    }
    return s;
}

static void sack_lies_are_held_to_the_window(void **state)
{
    struct crowd *c = *state;
    struct liar l;

    start(c, &l, true);
    watch(c, &l);
    for (unsigned i = 0; i < 3000; i++) {
        struct segment s = sack_lie(c, &l, i % 5);

        l.claimed = l.conn->snd.nxt - l.conn->snd.una; /* no more than all of it */
        say(c, &l, l.conn->snd.una + (i % 100 == 99 ? 1 : 0), &s);
        assert_true(tcp_pipe(l.conn) <= l.conn->snd.nxt - l.conn->snd.una);
        if (i % 10 == 0) {
            crowd_advance(c, GANDER_MS);
            watch(c, &l);
        }
    }
    assert_true(l.conn->snd.nxt - l.conn->snd.una <= 65535);
    recovers(c, &l);
}

/* --- C4, C6: lies that would have reductions of the window undone ------------------------------------------------- */

/* Full segments are in flight, more of them than three. */
static void fill_flight(struct crowd *c, struct liar *l)
{
    for (unsigned i = 0; i < 50; i++) {
        (void)gander_send(c->stack, l->p.socket, text, sizeof(text), 0);
        crowd_advance(c, GANDER_MS);
        watch(c, l);
        if (l->conn->snd.nxt - l->conn->snd.una >= 4 * l->mss)
            return;
        crowd_advance(c, 20 * GANDER_MS);
        say(c, l, l->conn->snd.nxt, NULL); /* the window grows a little */
    }
    fail();
}

/* The first segment is lost indeed, and goes again. */
static uint32_t lose_first(struct crowd *c, struct liar *l)
{
    uint32_t una = l->conn->snd.una;
    struct segment s = {
        .fields = FIELD_SACK, .sacks = 1, .sack = {{una + l->mss, una + 4 * l->mss}}};

    crowd_advance(c, 20 * GANDER_MS);
    l->claimed = 3 * l->mss;
    say(c, l, una, &s);
    for (unsigned i = 0; i < 20 && l->conn->busy->recovery != TCP_RECOVERY; i++) {
        crowd_advance(c, 5 * GANDER_MS); /* RACK's window, if it is open by now */
        watch(c, l);
    }
    assert_int_equal(l->conn->busy->recovery, TCP_RECOVERY);
    return una;
}

/* Four times the receiver is believed; then two of three reductions stay, whatever it says. */
static void assert_held(struct crowd *c, unsigned round)
{
    assert_true(crowd_stats(c).tcp_undone_recoveries <= 4 + round / 3);
}

static void dsack_lies_undo_little(void **state)
{
    struct crowd *c = *state;
    struct liar l;
    unsigned rounds = 60;

    start(c, &l, true);
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t lost, end;
        struct segment dup = {.fields = FIELD_SACK, .sacks = 1};

        fill_flight(c, &l);
        lost = lose_first(c, &l);
        end = l.conn->snd.nxt;
        dup.sack[0][0] = lost;
        dup.sack[0][1] = lost + l.mss;
        crowd_advance(c, 20 * GANDER_MS);
        say(c, &l, end, NULL);
        for (unsigned k = 0; k < 3; k++)
            say(c, &l, end, &dup); /* "it arrived twice" */
        assert_held(c, i);
    }
    assert_in_range(crowd_stats(c).tcp_undone_recoveries, 1, rounds / 2);
    recovers(c, &l);
}

static void forged_echoes_undo_little(void **state)
{
    struct crowd *c = *state;
    struct liar l;
    unsigned rounds = 60;

    start(c, &l, true);
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t lost, original;

        fill_flight(c, &l);
        original = l.conn->ts_offset +
                   (uint32_t)(rtxq_at(&l.conn->busy->rtxq, l.conn->busy->rtxq.first)->sent_ns /
                              GANDER_MS); /* it guesses well */
        lost = lose_first(c, &l);
        crowd_advance(c, 20 * GANDER_MS);
        l.p.tsval = original;
        say(c, &l, lost + 2 * l.mss, NULL);
        assert_held(c, i);
        if (!c->ts)
            assert_int_equal(crowd_stats(c).tcp_undone_recoveries, 0);
        say(c, &l, l.conn->snd.nxt, NULL);
    }
    recovers(c, &l);
}

/* All was lost; the receiver acknowledges as if it had come late [RFC5682 6]. The window is at most what it was. */
static void optimistic_acks_after_a_timeout_give_back_what_was(void **state)
{
    struct crowd *c = *state;
    struct liar l;
    uint32_t cwnd, una;

    start(c, &l, true);
    watch(c, &l);
    cwnd = l.conn->cwnd;
    while (crowd_stats(c).tcp_retransmit_timeouts == 0)
        crowd_advance(c, 5 * GANDER_MS);
    watch(c, &l);
    l.allowed = cwnd; /* as if there had been none */
    una = l.conn->snd.una;
    for (unsigned i = 1; i <= 3; i++)
        say(c, &l, una + i * l.mss, NULL);
    assert_in_range(crowd_stats(c).tcp_undone_timeouts, 0, 1);
    assert_true(l.conn->cwnd <= cwnd + 3 * l.mss);
    recovers(c, &l);
}

/* --- C6: echoes ------------------------------------------------------------------------------------------------------------ */

static void forged_echoes_leave_the_timer_within_its_bounds(void **state)
{
    static const uint32_t shifts[] = {0,      1,          0xffffffff, 1u << 31, (1u << 31) - 1,
                                      100000, 0u - 100000};
    struct crowd *c = *state;
    struct liar l;

    start(c, &l, false);
    watch(c, &l);
    for (unsigned i = 0; i < 140 && l.conn->snd.una != l.conn->snd.nxt; i++) {
        gander_time rto;

        l.p.tsval += shifts[i % 7];
        crowd_advance(c, GANDER_MS);
        say(c, &l, l.conn->snd.una + l.mss / 2, NULL);
        rto = tcp_rto(c->stack, l.conn);
        assert_in_range(rto, c->config.tcp_rto_min_ns, c->config.tcp_rto_max_ns);
        assert_true(rto <= 2 * GANDER_S); /* measured by our own clock, not by what comes back */
    }
    recovers(c, &l);
}

/* --- C7: windows that shrink ----------------------------------------------------------------------------------------------- */

static void windows_may_shrink_at_any_offset(void **state)
{
    struct crowd *c = *state;
    struct liar l;

    start(c, &l, false);
    watch(c, &l);
    for (unsigned i = 0; i < 400; i++) {
        uint32_t flight = l.conn->snd.nxt - l.conn->snd.una, nxt = l.conn->snd.nxt;

        l.p.wnd = i % 20 == 0 ? 0 : flight * (i % 20) / 20;
        l.duplicates = 0;
        say(c, &l, l.conn->snd.una + (i % 3 == 0 && flight ? 1 : 0), NULL);
        assert_true(l.conn->snd.nxt == nxt || l.conn->snd.nxt - l.conn->snd.una <= l.p.wnd + 1);
        crowd_advance(c, (i % 7 + 1) * 50 * GANDER_MS);
        watch(c, &l);
    }
    recovers(c, &l);
}

/* --- C8: losses in time with the timer --------------------------------------------------------------------------------------- */

static void losses_in_time_with_the_timer_end_when_they_end(void **state)
{
    struct crowd *c = *state;
    struct liar l;

    start(c, &l, false);
    watch(c, &l);
    for (unsigned burst = 0; burst < 5;
         burst++) { /* each retransmission is hit, and all that was sent with it */
        uint64_t out = crowd_stats(c).tcp_segments_out;

        for (unsigned i = 0; i < 5; i++) {
            crowd_advance(c, tcp_rto(c->stack, l.conn));
            watch(c, &l);
        }
        assert_in_range(crowd_stats(c).tcp_segments_out - out, 4, 6); /* one a time-out */
        recovers(c, &l);
        if (gander_send(c->stack, l.p.socket, text, sizeof(text), 0) <= 0)
            fail();
        l.timeouts = crowd_stats(c).tcp_retransmit_timeouts;
        l.allowed = l.conn->cwnd;
        crowd_drain(c);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CROWD_TEST(optimistic_acks_gain_what_acks_gain),
        CROWD_TEST(divided_acks_gain_nothing),
        CROWD_TEST(spoofed_duplicates_are_bounded_by_the_flight),
        CROWD_TEST(sack_lies_are_held_to_the_window),
        CROWD_TEST(dsack_lies_undo_little),
        CROWD_TEST(forged_echoes_undo_little),
        CROWD_TEST(optimistic_acks_after_a_timeout_give_back_what_was),
        CROWD_TEST(forged_echoes_leave_the_timer_within_its_bounds),
        CROWD_TEST(windows_may_shrink_at_any_offset),
        CROWD_TEST(losses_in_time_with_the_timer_end_when_they_end),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
