/* SPDX-License-Identifier: MIT */
/*
 * CUBIC: RFC 9438 4.2 to 4.6 (the cubic function, the Reno-friendly region, the decrease by 0.7), and HyStart++: RFC 9406. The
 * peer acknowledges every segment, a round trip after it left. What all congestion controls share is in tcp_congestion.c.
 */
#include "dialogue.h"

static struct {
    unsigned acked, sent; /* segments */
} flow;

static unsigned nth(const struct dialogue *d, uint32_t n)
{
    return n * d->smss + 1;
}

static unsigned cwnd(struct dialogue *d)
{
    return dialogue_info(d).cwnd_bytes;
}

/* A round trip: all that is out is acknowledged, one by one, and as much is sent as may be. */
static void round_trip(struct dialogue *d, gander_time rtt)
{
    unsigned out = flow.sent - flow.acked;

    after(d, rtt);
    app_send(d, out * d->smss);
    flow.sent += take_full(d, nth(d, flow.sent));
    for (unsigned i = 0; i < out; i++) {
        arrive(d, "A ack=%u", nth(d, ++flow.acked));
        flow.sent += take_full(d, nth(d, flow.sent));
    }
    expect_nothing(d);
}

static void begin(struct dialogue *d, gander_time rtt)
{
    app_listen(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    after(d, rtt);
    arrive(d, "A ack=1");
    app_accept(d);
    flow.acked = 0;
    app_send(d, 120 * d->smss);
    flow.sent = take_full(d, 1);
    expect_equal(d, flow.sent, 10);
}

/* The first segment in flight was lost; the rest arrives. Ends when it has been repaired. */
static void lose_one(struct dialogue *d, gander_time rtt)
{
    after(d, rtt);
    for (int i = 0; i < 3; i++)
        arrive_together(d, "A ack=%u", nth(d, flow.acked));
    arrive(d, "A ack=%u", nth(d, flow.acked));
    while (allow(d, "A len=%u", (unsigned)d->smss))
        ;
    after(d, rtt);
    while (allow(d, "A len=%u", (unsigned)d->smss))
        ;
    flow.sent = (d->f->ours - 1) / d->smss;
    flow.acked = flow.sent;
    app_send(d, 60 * d->smss);
    arrive(d, "A ack=%u", nth(d, flow.acked));
    flow.sent += take_full(d, nth(d, flow.sent));
    expect_nothing(d);
}

/* W_cubic of RFC 9438 figure 1, in thousandths of a segment; t and k in ms. */
static int64_t w_cubic(int64_t w_max, int64_t t, int64_t k)
{
    return w_max * 1000 + 4 * (t - k) * (t - k) * (t - k) / 10 / 1000000;
}

DIALOGUE(decrease_by_three_tenths) /* [RFC9438 4.6]: beta_cubic = 0.7 */
{
    begin(d, ms(20));
    arrive(d, "A ack=1");
    flow.sent += take_full(d, nth(d, flow.sent));
    arrive(d, "A ack=1");
    flow.sent += take_full(d, nth(d, flow.sent));
    arrive(d, "A ack=1");
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_near(d, dialogue_info(d).ssthresh_bytes, 7 * d->smss, d->smss / 10);
}

DIALOGUE(timeout_goes_to_one_segment) /* [RFC9438 4.8]: as RFC 5681, with beta_cubic for ssthresh */
{
    begin(d, ms(20));
    wait_for_segment(d, d->now + sec(3));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_near(d, dialogue_info(d).ssthresh_bytes, 7 * d->smss, d->smss / 10);
    expect_true(d, cwnd(d) <= d->smss);
}

/* [RFC9438 4.2, 4.4, 4.5]: concave up to W_max at K, convex after; the round trip is long, so that Reno is slower */
DIALOGUE(grows_along_the_cubic_function)
{
    const gander_time rtt = ms(500);
    gander_time epoch;
    int64_t w_max = 40, k = 3107; /* K = cbrt (40 * 0.3 / 0.4) s */

    begin(d, rtt);
    round_trip(d, rtt);
    round_trip(d, rtt);
    expect_equal(d, flow.sent - flow.acked, 40);
    lose_one(d, rtt);
    expect_near(d, cwnd(d), 28 * d->smss, d->smss);
    epoch = d->now;
    for (int i = 1; i <= 9; i++) {
        int64_t t = (d->now - epoch) / GANDER_MS, w;

        round_trip(d, rtt);
        w = (int64_t)cwnd(d) * 1000 / d->smss;
        t += 500;
        expect_true(d, w >= w_cubic(w_max, t - 500, k) - 1500);
        expect_true(d, w <= w_cubic(w_max, t + 500, k) + 1500);
        if (cwnd(d) > 60 * d->smss)
            break;
    }
    expect_true(d, cwnd(d) > 40 * d->smss); /* beyond W_max after K */
}

/* [RFC9438 4.3]: alpha = 3 (1 - beta) / (1 + beta) = 9/17 segment a round trip */
DIALOGUE(not_slower_than_reno)
{
    unsigned before;

    begin(d, ms(20));
    round_trip(d, ms(20));
    lose_one(d, ms(20));
    before = cwnd(d);
    expect_near(d, before, 14 * d->smss, d->smss);
    for (int i = 0; i < 8; i++)
        round_trip(d, ms(20));
    expect_near(d, cwnd(d) - before, 8 * d->smss * 9 / 17, d->smss * 3 / 2);
}

/* [RFC9438 4.7]: fast convergence; a second loss below W_max makes the next W_max lower than the window was */
DIALOGUE(releases_bandwidth_to_new_flows)
{
    const gander_time rtt = ms(500);
    unsigned at_loss;

    begin(d, rtt);
    round_trip(d, rtt);
    round_trip(d, rtt);
    lose_one(d, rtt);
    round_trip(d, rtt);
    round_trip(d, rtt);
    at_loss = cwnd(d); /* below 40 */
    expect_true(d, at_loss < 40 * d->smss);
    lose_one(d, rtt);
    expect_near(d, cwnd(d), at_loss / 10 * 7, d->smss * 3 / 2);
    /* W_max = 0.85 of it: from 0.7, K = cbrt (0.15 * W / 0.4), about 2.3 s; without, 2.9 s */
    for (int i = 0; i < 5; i++)
        round_trip(d, rtt);
    expect_true(d, cwnd(d) < at_loss);
    expect_true(d, cwnd(d) > at_loss / 100 * 78);
}

DIALOGUE(slow_start_doubles) /* [RFC9406 4.2]: as long as the round trip stays */
{
    begin(d, ms(100));
    round_trip(d, ms(100));
    expect_equal(d, flow.sent - flow.acked, 20);
    round_trip(d, ms(100));
    expect_equal(d, flow.sent - flow.acked, 40);
}

/* [RFC9406 4.2]: conservative slow start, a quarter of the growth */
DIALOGUE(slow_start_ends_when_delay_rises)
{
    unsigned before;

    begin(d, ms(100));
    round_trip(d, ms(100));
    round_trip(
        d,
        ms(130)); /* 16 ms would do, MAX_RTT_THRESH; seen with the eighth sample of a whole round */
    before = cwnd(d);
    round_trip(d, ms(130));
    expect_true(d, cwnd(d) <= before / 2 * 3); /* and not twice as much */
    before = cwnd(d);
    round_trip(d, ms(130));
    expect_true(d, cwnd(d) > before);
    expect_true(d, cwnd(d) <= before + before / 4 + d->smss);
}

/* [RFC9406 4.2]: less than a clamp of RTT / 8 to [4, 16] ms */
DIALOGUE(jitter_does_not_end_slow_start)
{
    begin(d, ms(100));
    round_trip(d, ms(100));
    round_trip(d, ms(110));
    expect_equal(d, flow.sent - flow.acked, 40);
}

static void cubic(struct gander_config *config)
{
    config->tcp_congestion_control = "cubic";
}

static const struct dialogue_test tests[] = {
    RUN_WITH(decrease_by_three_tenths, cubic),
    RUN_WITH(timeout_goes_to_one_segment, cubic),
    RUN_WITH(grows_along_the_cubic_function, cubic),
    RUN_WITH(not_slower_than_reno, cubic),
    RUN_WITH(releases_bandwidth_to_new_flows, cubic),
    RUN_WITH(slow_start_doubles, cubic),
    RUN_WITH(slow_start_ends_when_delay_rises, cubic),
    RUN_WITH(jitter_does_not_end_slow_start, cubic),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
