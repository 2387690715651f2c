/* SPDX-License-Identifier: MIT */
/*
 * Congestion control: RFC 5681 (slow start, congestion avoidance, fast retransmit and recovery, restart after idle),
 * RFC 6582 (NewReno), RFC 6928 (initial window), RFC 3042 (limited transmit). The peer offers no SACK; recovery with
 * SACK is in tcp_sack.c. Where an RFC gives an upper bound, the bound is what is tested.
 */
#include "dialogue.h"

static uint32_t segs(const struct dialogue *d, uint32_t n)
{
    return n * d->smss;
}

/* Sequence number of the n-th full segment, counted from 0. */
static unsigned nth(const struct dialogue *d, uint32_t n)
{
    return n * d->smss + 1;
}

static void open_plain(struct dialogue *d)
{
    open_passive(d);
    after(d, ms(20));
}

/* --- initial window ------------------------------------------------------------------------------- */

DIALOGUE(initial_window_is_ten) /* [RFC6928 2] */
{
    open_plain(d);
    app_send(d, segs(d, 30));
    expect_equal(d, take_full(d, 1), 10);
    expect_nothing(d);
}

DIALOGUE(initial_window_in_bytes) /* [RFC6928 2 (1)]: min (10*MSS, max (2*MSS, 14600)) */
{
    uint32_t full = d->family == GANDER_IPV4 ? 1460 : 1440;

    app_listen(d, 1);
    arrive(d, "S mss=%u", (unsigned)full);
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A ack=1");
    app_accept(d);
    d->smss = full - (d->ts ? 12 : 0);
    app_send(d, segs(d, 30));
    expect_equal(d, take_full(d, 1), 10);
    expect_nothing(d);
}

DIALOGUE(handshake_does_not_grow_it) /* [RFC5681 3.1]: SYN/ACK and its ACK MUST NOT increase cwnd */
{
    open_active(d);
    app_send(d, segs(d, 30));
    expect_equal(d, take_full(d, 1), 10);
    expect_nothing(d);
}

DIALOGUE(initial_window_after_a_lost_syn) /* [RFC5681 3.1]: MUST be one segment */
{
    app_connect(d);
    expect(d, "S seq=0");
    expect_at(d, sec(1), "S seq=0");
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1");
    app_send(d, segs(d, 5));
    expect_equal(d, take_full(d, 1), 1);
    expect_nothing(d);
}

DIALOGUE(initial_window_after_a_lost_syn_ack) /* [RFC5681 3.1] */
{
    app_listen(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0");
    expect_at(d, sec(1), "SA seq=0");
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, segs(d, 5));
    expect_equal(d, take_full(d, 1), 1);
    expect_nothing(d);
}

/* --- slow start -------------------------------------------------------------------------------------- */

DIALOGUE(slow_start_one_segment_an_ack) /* [RFC5681 3.1 (2)] */
{
    open_plain(d);
    app_send(d, segs(d, 60));
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(50));
    for (unsigned i = 0; i < 10; i++) {
        arrive(d, "A ack=%u", nth(d, i + 1));
        expect_equal(d, take_full(d, nth(d, 10 + 2 * i)), 2);
        expect_nothing(d);
    }
}

/* [RFC5681 3.1 (2)]: min (N, SMSS), however much an ACK covers */
DIALOGUE(slow_start_at_most_smss_an_ack)
{
    uint32_t cwnd;

    open_plain(d);
    app_send(d, segs(d, 60));
    expect_equal(d, take_full(d, 1), 10);
    cwnd = dialogue_info(d).cwnd_bytes;
    after(d, ms(50));
    arrive(d, "A ack=%u", nth(d, 2));
    expect_true(d, dialogue_info(d).cwnd_bytes <= cwnd + DIALOGUE_MSS);
    expect_equal(d, take_full(d, nth(d, 10)), 3);
    arrive(d, "A ack=%u", nth(d, 8));
    expect_true(d, dialogue_info(d).cwnd_bytes <= cwnd + 2 * DIALOGUE_MSS);
    expect_equal(d, take_full(d, nth(d, 13)), 7);
    expect_nothing(d);
}

DIALOGUE(ack_division_gains_nothing) /* [RFC5681 3.1, RFC3465]: N is what was acknowledged */
{
    uint32_t cwnd;

    open_plain(d);
    app_send(d, segs(d, 40));
    expect_equal(d, take_full(d, 1), 10);
    cwnd = dialogue_info(d).cwnd_bytes;
    after(d, ms(50));
    for (unsigned i = 1; i <= 9; i++)
        arrive_together(d, "A ack=%u", 1 + i * d->smss / 10);
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    expect_nothing(d);
    expect_true(d, dialogue_info(d).cwnd_bytes <= cwnd + d->smss);
}

DIALOGUE(window_of_the_peer_limits_too) /* [RFC5681 3.1]: min of cwnd and rwnd */
{
    open_plain(d);
    d->f->wnd = segs(d, 4);
    arrive(d, "A");
    app_send(d, segs(d, 30));
    expect_equal(d, take_full(d, 1), 4);
    expect_nothing(d);
}

/* --- timeout and congestion avoidance ------------------------------------------------------------------- */

/* Ten segments out, none acknowledged, the first resent by the timer. */
static void time_out(struct dialogue *d)
{
    open_plain(d);
    app_send(d, segs(d, 60));
    expect_equal(d, take_full(d, 1), 10);
    wait_for_segment(d, d->now + sec(3));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_nothing(d);
}

/* [RFC5681 3.1 (4)]: cwnd one segment, ssthresh half the flight */
DIALOGUE(timeout_collapses_the_window)
{
    time_out(d);
    expect_true(d, dialogue_info(d).cwnd_bytes <= d->smss);
    expect_equal(d, dialogue_info(d).ssthresh_bytes, segs(d, 5));
}

/* [RFC5681 3.1]: "the value of ssthresh is held constant" */
DIALOGUE(second_timeout_keeps_ssthresh)
{
    uint32_t ssthresh;

    time_out(d);
    ssthresh = dialogue_info(d).ssthresh_bytes;
    wait_for_segment(d, d->now + sec(3));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_equal(d, dialogue_info(d).ssthresh_bytes, ssthresh);
    expect_true(d, dialogue_info(d).cwnd_bytes <= d->smss);
}

DIALOGUE(slow_start_after_timeout) /* [RFC5681 3.1]: from one segment to ssthresh */
{
    time_out(d);
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 1)), 2);
    expect_nothing(d);
    arrive(d, "A ack=%u", nth(d, 2));
    expect_equal(d, take_full(d, nth(d, 3)), 2);
    expect_nothing(d);
}

DIALOGUE(timeout_then_all_acknowledged) /* the first was lost alone: one ACK covers all */
{
    uint32_t cwnd;

    time_out(d);
    arrive(d, "A ack=%u", nth(d, 10));
    cwnd = dialogue_info(d).cwnd_bytes;
    expect_true(d, cwnd <= segs(d, 2) + 2 * 12);
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    expect_nothing(d);
}

DIALOGUE(congestion_avoidance) /* [RFC5681 3.1]: at most one SMSS a round trip */
{
    unsigned acked = 10, sent = 10;
    uint32_t cwnd;

    time_out(d);
    arrive(d, "A ack=%u", nth(d, 10));
    sent += take_full(d, nth(d, sent));
    for (unsigned round = 0; round < 12; round++) {
        unsigned flight = sent - acked;

        cwnd = dialogue_info(d).cwnd_bytes;
        after(d, ms(20));
        for (unsigned i = 0; i < flight; i++) {
            arrive(d, "A ack=%u", nth(d, ++acked));
            sent += take_full(d, nth(d, sent));
        }
        expect_nothing(d);
        if (cwnd >= dialogue_info(d).ssthresh_bytes)
            expect_true(d, dialogue_info(d).cwnd_bytes <= cwnd + d->smss);
        if (sent > 45)
            break;
    }
    expect_true(d,
                dialogue_info(d).cwnd_bytes > dialogue_info(d).ssthresh_bytes); /* it does grow */
    expect_true(d, dialogue_info(d).cwnd_bytes <= segs(d, 12));
}

/* --- fast retransmit and recovery -------------------------------------------------------------------------- */

DIALOGUE(third_duplicate_ack_resends) /* [RFC5681 3.2] */
{
    open_plain(d);
    app_send(d, segs(d, 10));
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(10));
    arrive(d, "A ack=1");
    expect_nothing(d);
    arrive(d, "A ack=1");
    expect_nothing(d);
    arrive(d, "A ack=1");
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_fast_recoveries, 1);
    expect_equal(d, dialogue_stats(d).tcp_retransmit_timeouts, 0);
    expect_true(d, dialogue_info(d).ssthresh_bytes <= segs(d, 5));
    arrive(d, "A ack=1");
    expect_nothing(d); /* only once */
    arrive(d, "A ack=%u", nth(d, 10));
    expect_nothing(d);
    expect_true(d, dialogue_info(d).cwnd_bytes <= segs(d, 5)); /* step 6: deflate */
}

/* [RFC5681 2]: with data, with another window, with nothing outstanding */
DIALOGUE(what_is_not_a_duplicate_ack)
{
    open_plain(d);
    for (int i = 0; i < 6; i++)
        arrive(d, "A ack=1");
    expect_nothing(d);
    app_send(d, segs(d, 4));
    expect_equal(d, take_full(d, 1), 4);
    after(d, ms(10));
    for (unsigned i = 0; i < 6; i++) {
        arrive(d, "A ack=1 wnd=%u", 60000 + i * 100);
        expect_nothing(d);
    }
    for (unsigned i = 0; i < 6; i++) {
        arrive(d, "PA ack=1 len=10 wnd=60500");
        allow(d, "A seq=%u len=0", nth(d, 4));
    }
    after(d, ms(40));
    allow(d, "A seq=%u len=0", nth(d, 4));
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_fast_recoveries, 0);
    expect_equal(d, dialogue_stats(d).tcp_retransmitted_segments, 0);
}

/* [RFC3042, RFC5681 3.2 step 1]: two new segments on the first two duplicates */
DIALOGUE(limited_transmit)
{
    uint32_t cwnd;

    open_plain(d);
    app_send(d, segs(d, 30));
    expect_equal(d, take_full(d, 1), 10);
    cwnd = dialogue_info(d).cwnd_bytes;
    after(d, ms(10));
    arrive(d, "A ack=1");
    expect(d, "A seq=%u len=%u", nth(d, 10), (unsigned)d->smss);
    expect_nothing(d);
    arrive(d, "A ack=1");
    expect(d, "A seq=%u len=%u", nth(d, 11), (unsigned)d->smss);
    expect_nothing(d);
    expect_equal(d, dialogue_info(d).cwnd_bytes, cwnd);
    arrive(d, "A ack=1");
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_true(d, dialogue_info(d).ssthresh_bytes <= segs(d, 5)); /* those two are not counted */
}

/*
 * [RFC9937]: of each share that duplicates say has left, ssthresh / RecoverFS may leave, rounded up; in all no more than
 * RFC 5681 3.2, steps 3 to 5, allow, whose half window of silence it spreads
 */
DIALOGUE(recovery_sends_no_more_than_allowed)
{
    unsigned sent = 12, recover_fs = 12 - 2, ssthresh = 5; /* two had left when recovery began */

    open_plain(d);
    app_send(d, segs(d, 60));
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(10));
    arrive(d, "A ack=1");
    expect_equal(d, take_full(d, nth(d, 10)), 1);
    arrive(d, "A ack=1");
    expect_equal(d, take_full(d, nth(d, 11)), 1);
    arrive(d, "A ack=1");
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_nothing(d);
    for (unsigned duplicates = 4; duplicates <= 11; duplicates++) {
        arrive(d, "A ack=1");
        sent += take_full(d, nth(d, sent));
        expect_nothing(d);
        /* what left in recovery, the retransmission included, of what was delivered in it */
        expect_true(d,
                    sent - 12 + 1 <= ((duplicates - 2) * ssthresh + recover_fs - 1) / recover_fs);
    }
    expect_true(d, sent <= 5 + 11);
    expect_true(d, sent > 12); /* and the ACK clock does go on */
}

DIALOGUE(partial_ack_resends_the_next) /* [RFC6582 3.2 step 3] */
{
    open_plain(d);
    app_send(d, segs(d, 10));
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(10));
    arrive(d, "A ack=1");
    arrive(d, "A ack=1");
    arrive(d, "A ack=1");
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    after(d, ms(10));
    arrive(d, "A ack=%u", nth(d, 3)); /* the fourth is missing as well */
    expect(d, "A seq=%u len=%u", nth(d, 3), (unsigned)d->smss);
    expect_nothing(d);
    after(d, ms(10));
    arrive(d, "A ack=%u", nth(d, 7));
    expect(d, "A seq=%u len=%u", nth(d, 7), (unsigned)d->smss);
    expect_nothing(d);
    after(d, ms(10));
    arrive(d, "A ack=%u", nth(d, 10));
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_fast_recoveries, 1);
    expect_true(d, dialogue_info(d).cwnd_bytes <= segs(d, 5));
}

/* [RFC6582 3.2 steps 2 and 4]: duplicates of what a timeout resent */
DIALOGUE(no_fast_retransmit_below_recover)
{
    time_out(d);
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 1)), 2);
    for (int i = 0; i < 5; i++) {
        arrive(d, "A ack=%u", nth(d, 1));
        allow(d, "A len=%u",
              (unsigned)d->smss); /* one has left, one may follow; nothing is sent twice for it */
        expect_nothing(d);
    }
    expect_true(d, dialogue_stats(d).tcp_retransmitted_segments <= 3 + 5);
    expect_equal(d, dialogue_stats(d).tcp_fast_recoveries, 0);
}

/* [RFC6582 3.2 step 2]: the ACK that ends a recovery, repeated, begins no other one */
DIALOGUE(no_fast_retransmit_just_after_recovery)
{
    open_plain(d);
    app_send(d, segs(d, 10));
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(10));
    for (int i = 0; i < 3; i++)
        arrive_together(d, "A ack=1");
    arrive(d, "A ack=1");
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    arrive(d, "A ack=%u", nth(d, 10));
    app_send(d, segs(d, 4));
    expect_equal(d, take_full(d, nth(d, 10)), 4);
    for (int i = 0; i < 5; i++)
        arrive(d, "A ack=%u", nth(d, 10));
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_fast_recoveries, 1);
}

DIALOGUE(small_flights_halve_to_two_segments) /* [RFC5681 3.1 (4)]: max (FlightSize / 2, 2*SMSS) */
{
    open_plain(d);
    app_send(d, segs(d, 3));
    expect_equal(d, take_full(d, 1), 3);
    wait_for_segment(d, d->now + sec(3));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_equal(d, dialogue_info(d).ssthresh_bytes, segs(d, 2));
}

DIALOGUE(timeout_during_recovery) /* [RFC6582 3.2 step 4] */
{
    open_plain(d);
    app_send(d, segs(d, 10));
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(10));
    arrive(d, "A ack=1");
    arrive(d, "A ack=1");
    arrive(d, "A ack=1");
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    wait_for_segment(d, d->now + sec(3)); /* the retransmission is lost too */
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_nothing(d);
    expect_true(d, dialogue_info(d).cwnd_bytes <= d->smss);
    arrive(d, "A ack=%u", nth(d, 10));
    expect_silence_until(d, d->now + sec(100));
}

/* --- after idle ----------------------------------------------------------------------------------------------- */

DIALOGUE(restart_window_after_idle) /* [RFC5681 4.1]: no more than RW = min (IW, cwnd) */
{
    unsigned sent = 10;

    open_plain(d);
    app_send(d, segs(d, 30));
    expect_equal(d, take_full(d, 1), 10);
    for (unsigned i = 1; i <= 30; i++) {
        arrive(d, "A ack=%u", nth(d, i));
        sent += take_full(d, nth(d, sent));
    }
    expect_equal(d, sent, 30);
    after(d, sec(5));
    app_send(d, segs(d, 30));
    expect_equal(d, take_full(d, nth(d, 30)), 10);
    expect_nothing(d);
}

DIALOGUE(restart_window_is_not_more_than_cwnd) /* [RFC5681 4.1]: RW = min (IW, cwnd) */
{
    unsigned acked = 10, sent = 12, before;
    uint32_t cwnd;

    time_out(d);
    arrive(d, "A ack=%u", nth(d, 10));
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    d->f->wnd = segs(d, 2); /* the window keeps cwnd from being used, so that it stays small */
    while (acked < 60) {
        arrive(d, "A ack=%u", nth(d, ++acked));
        sent += take_full(d, nth(d, sent));
    }
    expect_equal(d, sent, 60);
    d->f->wnd = 65535;
    arrive(d, "A");
    cwnd = dialogue_info(d).cwnd_bytes;
    before = cwnd / d->smss < 10 ? cwnd / d->smss : 10;
    after(d, sec(5));
    app_send(d, segs(d, 30));
    expect_true(d, take_full(d, nth(d, 60)) <= before);
    expect_nothing(d);
}

static void newreno(struct gander_config *config)
{
    config->tcp_congestion_control = "newreno";
}

/* F-RTO would send new data in the second round trip: tcp_frto.c */
static void conventional(struct gander_config *config)
{
    newreno(config);
    config->tcp_frto = false;
}

static const struct dialogue_test tests[] = {
    RUN_WITH(initial_window_is_ten, newreno),
    RUN_WITH(initial_window_in_bytes, newreno),
    RUN_WITH(handshake_does_not_grow_it, newreno),
    RUN_WITH(initial_window_after_a_lost_syn, newreno),
    RUN_WITH(initial_window_after_a_lost_syn_ack, newreno),
    RUN_WITH(slow_start_one_segment_an_ack, newreno),
    RUN_WITH(slow_start_at_most_smss_an_ack, newreno),
    RUN_WITH(ack_division_gains_nothing, newreno),
    RUN_WITH(window_of_the_peer_limits_too, newreno),
    RUN_WITH(timeout_collapses_the_window, newreno),
    RUN_WITH(second_timeout_keeps_ssthresh, newreno),
    RUN_WITH(slow_start_after_timeout, conventional),
    RUN_WITH(timeout_then_all_acknowledged, newreno),
    RUN_WITH(congestion_avoidance, newreno),
    RUN_WITH(third_duplicate_ack_resends, newreno),
    RUN_WITH(what_is_not_a_duplicate_ack, newreno),
    RUN_WITH(limited_transmit, newreno),
    RUN_WITH(recovery_sends_no_more_than_allowed, newreno),
    RUN_WITH(partial_ack_resends_the_next, newreno),
    RUN_WITH(no_fast_retransmit_below_recover, conventional),
    RUN_WITH(no_fast_retransmit_just_after_recovery, newreno),
    RUN_WITH(small_flights_halve_to_two_segments, newreno),
    RUN_WITH(timeout_during_recovery, newreno),
    RUN_WITH(restart_window_after_idle, newreno),
    RUN_WITH(restart_window_is_not_more_than_cwnd, newreno),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
