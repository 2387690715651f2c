/* SPDX-License-Identifier: MIT */
/*
 * CUBIC's integers against RFC 9438 in floating point: the curve (figures 1 and 2), the Reno-friendly estimate (figure 4), fast
 * convergence, undo, the curve after a time-out; and HyStart++'s rounds [RFC9406 4.2]. Error bound of the window: one segment and 1 %.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/cc.h"

enum { MSS = 1448 };

struct lab {
    struct tcp_cc cc;
    uint64_t state[TCP_CC_STATE_WORDS];
};

static void begin(struct lab *l, uint32_t segs, gander_time rtt)
{
    memset(l, 0, sizeof(*l));
    l->cc = (struct tcp_cc){.cwnd = segs * MSS,
                            .ssthresh = UINT32_MAX,
                            .mss = MSS,
                            .flight = segs * MSS,
                            .now = GANDER_S,
                            .srtt_ns = rtt,
                            .rtt_ns = rtt,
                            .limited = true,
                            .state = l->state};
    tcp_cc_cubic.init(&l->cc);
}

static void lose(struct lab *l)
{
    l->cc.flight = l->cc.cwnd;
    tcp_cc_cubic.on_loss(&l->cc);
    l->cc.cwnd = l->cc.ssthresh;
}

/* A round trip of ACKs for two segments each, spread evenly. */
static void round_trip(struct lab *l, gander_time rtt)
{
    uint32_t acks = l->cc.cwnd / (2 * MSS);

    if (l->cc.snd_nxt == 0)
        l->cc.snd_nxt = l->cc.cwnd;
    for (uint32_t i = 0; i < acks; i++) {
        l->cc.now += rtt / acks;
        l->cc.snd_una += 2 * MSS;
        tcp_cc_cubic.on_ack(&l->cc, 2 * MSS);
        l->cc.snd_nxt = l->cc.snd_una + l->cc.cwnd; /* as much leaves as may */
    }
}

static void expect_window(const struct lab *l, double segs)
{
    double have = (double)l->cc.cwnd / MSS;

    if (fabs(have - segs) > 1 + segs / 100)
        fail_msg("%f segments, wanted %f", have, segs);
}

/* Reno is slower here: 200 ms. The window lags the curve by no more than what a round trip adds. */
static void follows_the_curve(void **state)
{
    static const uint32_t windows[] = {100, 1000, 20000};
    const gander_time rtt = 200 * GANDER_MS;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        double w_max = windows[i], k = cbrt(w_max * 0.3 / 0.4);
        struct lab l;
        gander_time epoch;

        begin(&l, windows[i], rtt);
        lose(&l);
        expect_window(&l, w_max * 0.7);
        epoch = l.cc.now;
        while (l.cc.now - epoch < (gander_time)(1.3 * k * 1e9)) {
            double t = (double)(l.cc.now - epoch) / 1e9;
            double low = 0.4 * pow(t - k, 3) + w_max, high = 0.4 * pow(t + 0.2 - k, 3) + w_max;

            if (t > 0.3) {
                double have = (double)l.cc.cwnd / MSS;

                assert_true(have >= low - 1 - low / 100 - (high - low));
                assert_true(have <= high + 1 + high / 100);
            }
            round_trip(&l, rtt);
        }
        assert_true(l.cc.cwnd > windows[i] * MSS);
    }
}

/* 2 ms: the estimate of Reno leads. 9/17 segment a round trip up to the window before the loss, then 1. */
static void follows_reno_where_that_is_faster(void **state)
{
    const gander_time rtt = 2 * GANDER_MS;
    struct lab l;
    double segs = 35;

    (void)state;
    begin(&l, 50, rtt);
    lose(&l);
    for (unsigned i = 0; i < 60; i++) {
        round_trip(&l, rtt);
        segs += segs >= 50 ? 1 : 9.0 / 17;
        expect_window(&l, segs);
    }
}

static void second_loss_below_the_first_gives_way(void **state)
{
    const gander_time rtt = 200 * GANDER_MS;
    struct lab l;
    double k;
    gander_time epoch;

    (void)state;
    begin(&l, 1000, rtt);
    lose(&l);
    lose(&l); /* at 700: W_max is 0.85 × 700 */
    k = cbrt((595 - 490) / 0.4);
    epoch = l.cc.now;
    while (l.cc.now - epoch < (gander_time)(k * 1e9))
        round_trip(&l, rtt);
    expect_window(&l, 595);
}

static void undo_brings_the_curve_back(void **state)
{
    const gander_time rtt = 200 * GANDER_MS;
    struct lab once, undone;

    (void)state;
    begin(&once, 1000, rtt);
    lose(&once);
    for (unsigned i = 0; i < 10; i++)
        round_trip(&once, rtt);
    undone = once;
    undone.cc.state = undone.state;
    lose(&undone);
    tcp_cc_cubic.on_undo(&undone.cc);
    undone.cc.cwnd = once.cc.cwnd;
    for (unsigned i = 0; i < 10; i++) {
        round_trip(&once, rtt);
        round_trip(&undone, rtt);
    }
    assert_int_equal(undone.cc.cwnd, once.cc.cwnd);
}

/* [RFC9438 4.8]: K is 0 and W_max the window where congestion avoidance begins */
static void curve_after_a_timeout_is_convex(void **state)
{
    const gander_time rtt = 200 * GANDER_MS;
    struct lab l;
    gander_time epoch;
    double t;

    (void)state;
    begin(&l, 1000, rtt);
    tcp_cc_cubic.on_timeout(&l.cc);
    assert_in_range(l.cc.ssthresh, 699 * MSS, 701 * MSS);
    l.cc.cwnd = l.cc.ssthresh; /* slow start is over */
    epoch = l.cc.now;
    for (unsigned i = 0; i < 20; i++)
        round_trip(&l, rtt);
    t = (double)(l.cc.now - epoch) / 1e9;
    assert_true((double)l.cc.cwnd / MSS >= 700 + 0.4 * pow(t - 0.4, 3) - 8);
    assert_true((double)l.cc.cwnd / MSS <= 700 + 0.4 * pow(t + 0.2, 3) + 8);
}

/* [RFC9406 4.2]: five rounds of a quarter of the growth after the round trip grew, then congestion avoidance */
static void hystart_leaves_after_five_rounds(void **state)
{
    const gander_time rtt = 100 * GANDER_MS;
    struct lab l;
    unsigned rounds = 0;

    (void)state;
    begin(&l, 20, rtt);
    round_trip(&l, rtt);
    round_trip(&l, rtt);
    assert_in_range(l.cc.cwnd, 78 * MSS, 82 * MSS);
    l.cc.rtt_ns = rtt + 20 * GANDER_MS; /* more than 100 / 8 */
    while (l.cc.ssthresh == UINT32_MAX) {
        uint32_t before = l.cc.cwnd;

        round_trip(&l, rtt);
        rounds++;
        assert_true(rounds == 1 || l.cc.cwnd <= before + before / 4 + 8 * MSS);
        assert_true(rounds < 9);
    }
    assert_in_range(rounds, 5, 7);
}

/* a round trip that shortens again was none to flee from */
static void hystart_goes_on_when_the_delay_falls(void **state)
{
    const gander_time rtt = 100 * GANDER_MS;
    struct lab l;
    uint32_t before;

    (void)state;
    begin(&l, 40, rtt);
    round_trip(&l, rtt);
    l.cc.rtt_ns = rtt + 20 * GANDER_MS;
    round_trip(&l, rtt);
    l.cc.rtt_ns = rtt;
    round_trip(&l, rtt);
    before = l.cc.cwnd;
    round_trip(&l, rtt);
    assert_true(l.cc.cwnd >= before * 2 - 4 * MSS);
    assert_true(l.cc.ssthresh == UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_curve),
        cmocka_unit_test(follows_reno_where_that_is_faster),
        cmocka_unit_test(second_loss_below_the_first_gives_way),
        cmocka_unit_test(undo_brings_the_curve_back),
        cmocka_unit_test(curve_after_a_timeout_is_convex),
        cmocka_unit_test(hystart_leaves_after_five_rounds),
        cmocka_unit_test(hystart_goes_on_when_the_delay_falls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
