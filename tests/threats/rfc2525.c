/* SPDX-License-Identifier: MIT */
/* The 18 known implementation problems of RFC 2525, a dialogue each that a TCP with the problem fails (docs/security.md G). */
#include "rfc/dialogue.h"

static unsigned nth(const struct dialogue *d, uint32_t n)
{
    return n * d->smss + 1;
}

static void open_and_send(struct dialogue *d, uint32_t segs)
{
    open_passive(d);
    after(d, ms(20));
    app_send(d, segs * d->smss);
}

/* 2.1: more than the initial window at once */
DIALOGUE(problem_01_no_initial_slow_start)
{
    open_and_send(d, 40);
    expect_true(d, take_full(d, 1) <= 10); /* [RFC6928 2] */
    expect_nothing(d);
    after(d, ms(20));
    arrive(d, "A ack=%u", nth(d, 1));
    expect_true(d, take_full(d, nth(d, 10)) <= 2);
    expect_nothing(d);
}

/* 2.2: the window as before a time-out */
DIALOGUE(problem_02_no_slow_start_after_a_timeout)
{
    open_and_send(d, 60);
    expect_equal(d, take_full(d, 1), 10);
    wait_for_segment(d, sec(3));
    expect(d, "A seq=1");
    arrive(d, "A ack=%u", nth(d, 1)); /* the second was lost too */
    expect(d, "A seq=%u len=%u", nth(d, 1), (unsigned)d->smss);
    allow(d, "A seq=%u len=%u", nth(d, 2), (unsigned)d->smss);
    expect_nothing(d);
}

/* 2.3: a window never set, where the SYN says no segment size */
DIALOGUE(problem_03_uninitialised_cwnd)
{
    app_listen(d, 1);
    arrive(d, "S nomss");
    expect(d, "SA seq=0");
    arrive(d, "A ack=1");
    app_accept(d);
    d->smss = (d->family == GANDER_IPV4 ? 536u : 1220u) - (d->ts ? 12 : 0);
    app_send(d, 40 * d->smss);
    expect_true(d, take_full(d, 1) <= 10);
    expect_nothing(d);
}

/* 2.4: other bytes under the same numbers; each segment's text is compared with the stream's */
DIALOGUE(problem_04_inconsistent_retransmission)
{
    open_passive(d);
    app_option(d, NODELAY, 1);
    for (unsigned i = 0; i < 5; i++) {
        app_send(d, 100 + i);
        expect(d, "PA len=%u", 100 + i);
    }
    app_send(d, 3000);
    while (allow(d, "A ack=1"))
        ;
    for (unsigned i = 0; i < 3; i++) { /* parts, then segments of another cut */
        wait_for_segment(d, d->now + sec(20));
        expect(d, "A seq=%u", 1 + 50 * i);
        while (allow(d, "A ack=1")) /* small ones fit one full segment's window */
            ;
        arrive(d, "A ack=%u", 1 + 50 * (i + 1));
        while (allow(d, "A ack=1"))
            ;
    }
}

/* 2.5: what came ahead of a gap is thrown away */
DIALOGUE(problem_05_above_sequence_data_is_kept)
{
    open_passive(d);
    for (unsigned i = 1; i < 8; i++) {
        arrive(d, "A seq=%u len=500", 1 + 500 * i);
        expect(d, "A ack=1");
    }
    arrive(d, "A seq=1 len=500");
    expect(d, "A ack=4001");
    app_receive(d, 4000);
}

/* 2.6: SMSS*SMSS/cwnd + SMSS/8 */
DIALOGUE(problem_06_extra_additive_constant)
{
    uint32_t before;
    unsigned sent = 10, acked = 10;

    open_and_send(d, 200);
    expect_equal(d, take_full(d, 1), 10);
    wait_for_segment(d, sec(3)); /* ssthresh = 5 */
    expect(d, "A seq=1");
    arrive(d, "A ack=%u", nth(d, 10));
    sent += take_full(d, nth(d, sent));
    for (unsigned round = 0; round < 16; round++) { /* sixteen round trips, an ACK a segment */
        unsigned flight = sent - acked;
        bool avoidance = dialogue_info(d).cwnd_bytes >= dialogue_info(d).ssthresh_bytes;

        before = dialogue_info(d).cwnd_bytes;
        after(d, ms(20));
        for (unsigned i = 0; i < flight; i++) {
            arrive(d, "A ack=%u", nth(d, ++acked));
            sent += take_full(d, nth(d, sent));
        }
        if (avoidance) /* SMSS/8 an ACK would be 5/8 of a segment more at once */
            expect_true(d, dialogue_info(d).cwnd_bytes <= before + d->smss);
    }
    expect_true(d, dialogue_info(d).cwnd_bytes <= 22 * d->smss);
}

/* 2.7: less than a second before anything was measured [RFC6298 2.1] */
DIALOGUE(problem_07_initial_rto_too_low)
{
    app_connect(d);
    expect(d, "S seq=0");
    expect_silence_until(d, sec(1) - 1);
    expect_at(d, sec(1), "S seq=0");
}

/* 2.8: still inflated by the duplicate ACKs when recovery is over */
DIALOGUE(problem_08_window_deflates_after_recovery)
{
    uint32_t ssthresh;
    unsigned sent = 10;

    open_and_send(d, 60);
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(20));
    for (unsigned i = 0; i < 9; i++) {
        arrive(d, "A ack=1");
        while (allow(d, "A ack=1"))
            ;
    }
    sent = (d->f->ours - 1) / d->smss;
    ssthresh = dialogue_info(d).ssthresh_bytes;
    expect_true(d, ssthresh <= 5 * d->smss);
    arrive(d, "A ack=%u", nth(d, sent)); /* all of it */
    expect_true(d, dialogue_info(d).cwnd_bytes <= ssthresh + d->smss);
    expect_true(d, take_full(d, nth(d, sent)) <= 6);
    expect_nothing(d);
}

static void open_keepalive(struct dialogue *d)
{
    open_passive(d);
    app_option(d, KEEPALIVE, 1);
}

/* 2.9: a connection given up after few unanswered probes */
DIALOGUE(problem_09_keepalive_gives_up_too_soon)
{
    gander_time first;
    unsigned probes = 0;

    open_keepalive(d);
    first = wait_for_segment(d, sec(10000));
    while (d->f->state == GANDER_TCP_ESTABLISHED) {
        if (!d->first)
            wait_for_segment(d, d->now + sec(1000));
        if (!allow(d, "A seq=0 ack=1 len=0"))
            break;
        probes++;
        after(d, sec(75) - 1);
        expect_state(d, GANDER_TCP_ESTABLISHED);
        after(d, 1);
    }
    expect_closed(d, GANDER_ETIMEDOUT);
    while (allow(d, "R") || allow(d, "RA"))
        ;
    expect_true(d, probes >= 9);
    expect_true(d, d->now - first >= sec(9 * 75));
}

/* 2.10: the same interval again and again, or none between the last ones */
DIALOGUE(problem_10_rto_backs_off)
{
    gander_time last, gap = 0;

    open_and_send(d, 1);
    expect_equal(d, take_full(d, 1), 1);
    last = d->now;
    for (unsigned i = 0; i < 10; i++) {
        gander_time now = wait_for_segment(d, d->now + sec(61));

        expect(d, "A seq=1");
        if (gap)
            expect_true(d, now - last >= (2 * gap < sec(60) ? 2 * gap : sec(60)) - ms(1));
        gap = now - last;
        last = now;
    }
    expect_true(d, gap >= sec(60) - ms(1));
}

/* 2.11: probes in quick succession, or before two hours */
DIALOGUE(problem_11_keepalives_are_rare)
{
    gander_time last;

    open_keepalive(d);
    last = wait_for_segment(d, sec(10000));
    expect_true(d, last >= sec(7200));
    expect(d, "A seq=0 len=0");
    for (unsigned i = 0; i < 5; i++) {
        gander_time now = wait_for_segment(d, d->now + sec(1000));

        expect(d, "A seq=0 len=0");
        expect_true(d, now - last >= sec(75));
        last = now;
    }
}

/* 2.12: both windows closed; the probe's own window and ACK must count although its byte does not fit */
DIALOGUE(problem_12_window_probes_end_the_deadlock)
{
    open_passive(d);
    while (dialogue_info(d).rcv_wnd > 0) {
        unsigned wnd = dialogue_info(d).rcv_wnd;

        arrive(d, "PA len=%u wnd=0", wnd > 1000 ? 1000 : wnd);
        allow(d, "A seq=1");
        after(d, ms(40));
        allow(d, "A seq=1");
    }
    app_send(d, 100);
    expect_nothing(d);
    arrive(d, "A seq=%u len=1 wnd=5000",
           d->f->next); /* its probe: beyond our window, with room for us */
    if (!allow(d, "PA seq=1 len=100 wnd=0")) {
        expect(d, "A seq=1 len=0 wnd=0");
        expect(d, "PA seq=1 len=100 wnd=0");
    }
    arrive(d, "A seq=%u ack=101", d->f->next - 1);
    expect_equal(d, dialogue_info(d).snd_una - d->f->iss, 101);
    while (allow(d, "A seq=101"))
        ;
}

/* 2.13: fewer ACKs than one for two full segments */
DIALOGUE(problem_13_stretch_acks)
{
    unsigned acks = 0, full = d->smss;

    open_passive(d);
    for (unsigned i = 0; i < 20; i++) {
        arrive(d, "A len=%u", full);
        acks += allow(d, "A seq=1 ack=%u", 1 + (i + 1) * full);
        if (i % 2)
            expect_true(d, acks >= (i + 1) / 2);
    }
}

/* 2.14: all that is unacknowledged at once after a time-out */
DIALOGUE(problem_14_one_retransmission_a_timeout)
{
    open_and_send(d, 8);
    expect_equal(d, take_full(d, 1), 8);
    for (unsigned i = 0; i < 4; i++) {
        wait_for_segment(d, d->now + sec(20));
        expect(d, "A seq=1 len=%u", (unsigned)d->smss);
        expect_nothing(d);
    }
}

/* 2.15: the FIN waits for ACKs or timers */
DIALOGUE(problem_15_fin_leaves_promptly)
{
    open_passive(d);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    app_send(d, 100); /* Nagle: waits */
    expect_nothing(d);
    app_close(d);
    expect(d, "FPA seq=101 len=100");
    arrive(d, "A ack=202");
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
}

/* 2.16: data for a closed receiver are acknowledged, or meet silence */
DIALOGUE(problem_16_reset_after_half_duplex_close)
{
    open_passive(d);
    app_close(d);
    expect(d, "FA seq=1");
    arrive(d, "A ack=2");
    arrive(d, "PA ack=2 len=10");
    if (!allow(d, "R seq=2"))
        expect(d, "RA seq=2");
    expect_state(d, GANDER_TCP_CLOSED);
}

/* 2.17: a FIN, as if all had been read */
DIALOGUE(problem_17_reset_on_close_with_data_pending)
{
    open_passive(d);
    arrive(d, "PA len=10");
    app_close(d);
    if (!allow(d, "R seq=1"))
        expect(d, "RA seq=1");
    expect_state(d, GANDER_TCP_CLOSED);
}

/* 2.18: segments longer than the peer's size by the options in them */
DIALOGUE(problem_18_options_count_in_the_segment_size)
{
    open_and_send(d, 5);
    for (unsigned i = 0; i < 5; i++) {
        expect(d, "A len=%u", (unsigned)d->smss);
        expect_true(d, d->seg.len + (d->ts ? 12 : 0) <= DIALOGUE_MSS);
    }
}

/* F-RTO asks with new data first: tcp_frto.c in tests/rfc */
static void conventional(struct gander_config *config)
{
    config->tcp_frto = false;
}

/* whose arithmetic is tested */
static void newreno(struct gander_config *config)
{
    config->tcp_congestion_control = "newreno";
}

static const struct dialogue_test tests[] = {
    RUN(problem_01_no_initial_slow_start),
    RUN_WITH(problem_02_no_slow_start_after_a_timeout, conventional),
    RUN(problem_03_uninitialised_cwnd),
    RUN(problem_04_inconsistent_retransmission),
    RUN(problem_05_above_sequence_data_is_kept),
    RUN(problem_06_extra_additive_constant),
    RUN(problem_07_initial_rto_too_low),
    RUN_WITH(problem_08_window_deflates_after_recovery, newreno),
    RUN(problem_09_keepalive_gives_up_too_soon),
    RUN(problem_10_rto_backs_off),
    RUN(problem_11_keepalives_are_rare),
    RUN(problem_12_window_probes_end_the_deadlock),
    RUN(problem_13_stretch_acks),
    RUN(problem_14_one_retransmission_a_timeout),
    RUN(problem_15_fin_leaves_promptly),
    RUN(problem_16_reset_after_half_duplex_close),
    RUN(problem_17_reset_on_close_with_data_pending),
    RUN(problem_18_options_count_in_the_segment_size),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
