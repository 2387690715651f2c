/* SPDX-License-Identifier: MIT */
/*
 * Retransmission: RFC 6298 (samples, RTO, Karn's algorithm, timer management 5.1 to 5.7), and giving up:
 * RFC 9293 3.8.3. The peer offers no SACK here, so that the timer alone repairs; duplicate ACKs are in tcp_congestion.c.
 */
#include "dialogue.h"

enum { RTO_MIN_MS = 200, RTO_MAX_S = 60, R2 = 15 };

/* ESTABLISHED by an active open whose handshake takes `rtt`. */
static void open_with_rtt(struct dialogue *d, gander_time rtt)
{
    app_connect(d);
    expect(d, "S seq=0");
    after(d, rtt);
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 ack=1");
    app_option(d, NODELAY, 1);
}

/* --- 2: the estimator ----------------------------------------------------------------------------- */

DIALOGUE(first_sample) /* [RFC6298 2.2]: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR */
{
    open_with_rtt(d, ms(100));
    expect_near(d, dialogue_info(d).srtt_ns, ms(100), ms(1));
    expect_near(d, dialogue_info(d).rttvar_ns, ms(50), ms(1));
    expect_near(d, dialogue_info(d).rto_ns, ms(300), ms(4));
}

DIALOGUE(later_samples) /* [RFC6298 2.3]: RTTVAR first, from the old SRTT */
{
    open_with_rtt(d, ms(100));
    app_send(d, 10);
    expect(d, "PA len=10");
    after(d, ms(200));
    arrive(d, "A ack=11");
    expect_near(d, dialogue_info(d).rttvar_ns, 62500000, ms(1));
    expect_near(d, dialogue_info(d).srtt_ns, 112500000, ms(1));
    expect_near(d, dialogue_info(d).rto_ns, 362500000, ms(5));
    app_send(d, 10);
    expect(d, "PA len=10");
    after(d, ms(40));
    arrive(d, "A ack=21");
    expect_near(d, dialogue_info(d).rttvar_ns, 65000000, ms(1)); /* 46.875 + 72.5/4 */
    expect_near(d, dialogue_info(d).srtt_ns, 103437500, ms(1));
}

DIALOGUE(rto_has_a_minimum) /* [RFC6298 2.4]: DEVIATION 200 ms instead of 1 s, as kernels do */
{
    open_with_rtt(d, ms(10));
    expect_equal(d, dialogue_info(d).rto_ns, ms(RTO_MIN_MS));
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    expect_after(d, ms(RTO_MIN_MS), "PA seq=1 len=10");
}

DIALOGUE(
    rto_leaves_room_for_a_delayed_ack) /* [RFC6298 2.3]: max(G, K*RTTVAR); RTTVAR is all but 0 here */
{
    open_with_rtt(d, ms(400));
    for (uint32_t i = 0; i < 60; i++) {
        app_send(d, 10);
        expect(d, "PA len=10");
        after(d, ms(400));
        arrive(d, "A ack=%u", 11 + 10 * i);
    }
    expect_true(d, dialogue_info(d).rttvar_ns < ms(2));
    expect_near(d, dialogue_info(d).rto_ns, ms(450), ms(1));
    app_send(d, 10);
    expect(d, "PA len=10");
    after(d, ms(440)); /* the ACK waited 40 ms */
    expect_nothing(d);
    arrive(d, "A ack=%u", 11 + 10 * 60);
}

static void one_second(struct gander_config *config)
{
    config->tcp_rto_min_ns = sec(1);
}

DIALOGUE(rto_minimum_is_configurable) /* [RFC6298 2.4] to the letter */
{
    open_with_rtt(d, ms(10));
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    expect_after(d, sec(1), "PA seq=1 len=10");
    expect_after(d, sec(2), "PA seq=1 len=10");
}

/* [RFC6298 4]: K*RTTVAR of zero counts as G; the minimum holds anyway */
DIALOGUE(no_round_trip_time_at_all)
{
    open_with_rtt(d, 0);
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    wait_for_segment(d, sec(2));
    expect_true(d, d->now >= ms(RTO_MIN_MS));
    expect(d, "PA seq=1 len=10");
}

DIALOGUE(passive_open_measures_the_syn_ack)
{
    app_listen(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    after(d, ms(100));
    arrive(d, "A ack=1");
    app_accept(d);
    expect_near(d, dialogue_info(d).srtt_ns, ms(100), ms(1));
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    wait_for_segment(d, sec(1));
    expect_near(d, d->now, ms(400), ms(4));
    expect(d, "PA seq=1 len=10");
}

/* --- 3: Karn's algorithm [RFC9293 MUST-18] ---------------------------------------------------------------- */

DIALOGUE(no_sample_from_a_retransmission)
{
    gander_time srtt, sent;

    open_with_rtt(d, ms(100));
    srtt = dialogue_info(d).srtt_ns;
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    wait_for_segment(d, sec(1));
    expect(d, "PA seq=1 len=10");
    after(d, ms(50)); /* of which transmission is this the answer? */
    arrive(d, "A ack=11");
    if (!d->ts) {
        expect_equal(d, dialogue_info(d).srtt_ns, srtt);
        sent = d->now; /* [RFC6298 5.5]: the backed-off RTO stays until there is a new sample */
        app_send(d, 10);
        expect(d, "PA seq=11 len=10");
        wait_for_segment(d, sec(2));
        expect_near(d, d->now - sent, ms(600), ms(8));
        expect(d, "PA seq=11 len=10");
    } else { /* timestamps remove the ambiguity: 50 ms */
        expect_true(d, dialogue_info(d).srtt_ns <= srtt);
    }
}

DIALOGUE(new_sample_ends_the_backoff) /* [RFC6298 5, note]: "collapsing" */
{
    open_with_rtt(d, ms(100));
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    wait_for_segment(d, sec(1));
    expect(d, "PA seq=1 len=10");
    after(d, ms(100));
    arrive(d, "A ack=11");
    app_send(d, 10);
    expect(d, "PA seq=11 len=10");
    after(d, ms(100));
    arrive(d, "A ack=21");
    expect_true(d, dialogue_info(d).rto_ns <= ms(310));
}

/* --- 5: the timer ------------------------------------------------------------------------------------------- */

DIALOGUE(timer_runs_from_the_first_segment) /* [RFC6298 5.1]: a later segment does not restart it */
{
    gander_time sent;

    open_with_rtt(d, ms(100));
    sent = d->now;
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    after(d, ms(150));
    app_send(d, 10);
    expect(d, "PA seq=11 len=10");
    expect_at(d, sent + dialogue_info(d).rto_ns, "A seq=1");
    allow(d, "A seq=11 len=10"); /* cwnd is one full segment: both fit in */
}

DIALOGUE(timer_stops_when_all_is_acknowledged) /* [RFC6298 5.2] */
{
    open_with_rtt(d, ms(100));
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    after(d, ms(100));
    arrive(d, "A ack=11");
    expect_silence_until(d, sec(1000));
    expect_equal(d, dialogue_stats(d).tcp_retransmit_timeouts, 0);
}

DIALOGUE(timer_restarts_on_new_acks) /* [RFC6298 5.3] */
{
    open_with_rtt(d, ms(100));
    app_send(d, 10);
    app_send(d, 10);
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    expect(d, "PA seq=11 len=10");
    expect(d, "PA seq=21 len=10");
    after(d, ms(200));
    arrive(d, "A ack=11");
    expect_nothing(d);
    expect_after(d, dialogue_info(d).rto_ns, "A seq=11");
    allow(d, "A seq=21 len=10");
}

DIALOGUE(duplicate_acks_do_not_restart_it) /* [RFC6298 5.3]: only one that acknowledges new data */
{
    gander_time sent;

    open_with_rtt(d, ms(100));
    sent = d->now;
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    after(d, ms(100));
    arrive(d, "A ack=1");
    after(d, ms(100));
    arrive(d, "A ack=1");
    expect_nothing(d);
    expect_at(d, sent + dialogue_info(d).rto_ns, "PA seq=1 len=10");
}

/* [RFC6298 5.4; RFC5681 3.1: the loss window is one segment] */
DIALOGUE(earliest_segment_alone_is_resent)
{
    open_with_rtt(d, ms(100));
    app_send(d, 5 * d->smss);
    expect_equal(d, take_full(d, 1), 5);
    wait_for_segment(d, sec(1));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_nothing(d);
    wait_for_segment(d, sec(3));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_retransmit_timeouts, 2);
    expect_equal(d, dialogue_stats(d).tcp_retransmitted_segments, 2);
}

DIALOGUE(backoff_doubles) /* [RFC6298 5.5, 5.6] */
{
    gander_time rto, t;

    open_with_rtt(d, ms(100));
    rto = dialogue_info(d).rto_ns;
    t = d->now;
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    for (unsigned i = 0; i < 6; i++) {
        t += rto << i;
        expect_at(d, t, "PA seq=1 len=10");
    }
}

/* [RFC9293 MUST-20 (c), SHLD-11: at least 100 s; RFC6298 2.5: RTO at most 60 s] */
DIALOGUE(gives_up_at_r2)
{
    gander_time rto = ms(RTO_MIN_MS), t, begin;
    unsigned resent = 0;

    open_with_rtt(d, ms(10));
    begin = t = d->now;
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    while (resent < R2) {
        t += rto;
        expect_at(d, t, "PA seq=1 len=10");
        resent++;
        rto = rto * 2 > sec(RTO_MAX_S) ? sec(RTO_MAX_S) : rto * 2;
        expect_no_event(d, GANDER_EVENT_CLOSED);
    }
    at(d, t + rto);
    if (!allow(d, "RA seq=11"))
        allow(d, "R seq=11"); /* the peer may be told */
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, GANDER_ETIMEDOUT);
    expect_true(d, d->now - begin >= sec(100));
    expect_silence_until(d, d->now + sec(1000));
}

/* [RFC6298 5]: MUST: never less than one RTO after the previous transmission of that segment, a fast one too */
DIALOGUE(never_resent_too_early)
{
    gander_time resent, rto;

    open_with_rtt(d, ms(500));
    for (unsigned i = 0; i < 20;
         i++) { /* the same round trip each time: hardly any variation is left */
        app_send(d, 10);
        expect(d, "PA len=10");
        after(d, ms(500));
        arrive(d, "A");
    }
    app_send(d, 5 * d->smss);
    expect_equal(d, take_full(d, 201), 5);
    after(d, ms(500));
    for (int i = 0; i < 2; i++)
        arrive_together(d, "A ack=201");
    arrive(d, "A ack=201");
    expect(d, "A seq=201 len=%u", (unsigned)d->smss);
    resent = d->now;
    rto = dialogue_info(d).rto_ns;
    wait_for_segment(d, d->now + sec(3));
    expect(d, "A seq=201 len=%u", (unsigned)d->smss);
    expect_true(d, d->now - resent >= rto);
}

DIALOGUE(trouble_is_told_at_r1) /* [RFC9293 MUST-20 (e), MUST-47, SHLD-9, SHLD-10] */
{
    open_with_rtt(d, ms(10));
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    for (int i = 0; i < 2; i++) {
        wait_for_segment(d, d->now + sec(10));
        expect(d, "PA seq=1 len=10");
        expect_no_event(d, GANDER_EVENT_ERROR);
    }
    wait_for_segment(d, d->now + sec(10));
    expect(d, "PA seq=1 len=10");
    expect_event(d, GANDER_EVENT_ERROR);
    expect_equal(d, d->error, GANDER_ETIMEDOUT);
    expect_no_event(d, GANDER_EVENT_CLOSED);
    arrive(d, "A ack=11"); /* and it is no end */
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(progress_resets_the_count) /* R2 counts retransmissions of the same segment */
{
    open_with_rtt(d, ms(10));
    app_option(d, NODELAY, 1);
    for (unsigned i = 0; i < 5; i++) {
        app_send(d, 10);
        expect(d, "PA seq=%u len=10", 10 * i + 1);
        for (unsigned k = 0; k < 6; k++) {
            wait_for_segment(d, d->now + sec(100));
            expect(d, "PA seq=%u len=10", 10 * i + 1);
        }
        arrive(d, "A ack=%u", 10 * i + 11);
        expect_equal(d, dialogue_info(d).retransmits, 0);
    }
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(rto_after_a_lost_syn) /* [RFC6298 5.7]: 3 s when data transmission begins */
{
    app_connect(d);
    expect(d, "S seq=0");
    expect_at(d, sec(1), "S seq=0");
    at(d, ms(1100));
    arrive(d, "SA seq=0 ack=1 nots");
    expect(d, "A seq=1 ack=1");
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    expect_after(d, sec(3), "PA seq=1 len=10");
}

DIALOGUE(rto_after_a_lost_syn_ack) /* [RFC6298 5.7], the other side */
{
    if (d->ts)
        return;
    app_listen(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    expect_at(d, sec(1), "SA seq=0 ack=1");
    at(d, ms(1100));
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    expect_after(d, sec(3), "PA seq=1 len=10");
}

/* [RFC9293 3.8]: all segments carry current ACKs */
DIALOGUE(retransmission_carries_current_acknowledgement)
{
    open_with_rtt(d, ms(100));
    app_send(d, 10);
    expect(d, "PA seq=1 ack=1 len=10");
    arrive(d, "PA seq=1 ack=1 len=100");
    if (!allow(d, "A seq=11 ack=101"))
        expect_after(d, ms(40), "A seq=11 ack=101");
    wait_for_segment(d, sec(1));
    expect(d, "PA seq=1 ack=101 len=10");
}

DIALOGUE(partly_acknowledged_segment) /* the rest is resent, from SND.UNA on */
{
    open_with_rtt(d, ms(100));
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    arrive(d, "A ack=41");
    wait_for_segment(d, sec(2));
    expect(d, "PA seq=41 len=60");
}

DIALOGUE(fin_is_backed_off_too)
{
    gander_time rto, t;

    open_with_rtt(d, ms(100));
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "FA seq=1");
    rto = dialogue_info(d).rto_ns;
    t = d->now;
    for (unsigned i = 0; i < 4; i++) {
        t += rto << i;
        expect_at(d, t, "FA seq=1");
    }
}

DIALOGUE(orphan_gives_up_too) /* after gander_close(): within R2, and nothing is left */
{
    open_with_rtt(d, ms(10));
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    app_close(d);
    expect(d, "FA seq=11");
    for (int i = 0; i < 100 && dialogue_stats(d).tcp_connections; i++) {
        at(d, gander_deadline(d->stack) - d->config.start);
        while (allow(d, "PFA seq=1") || allow(d, "PA seq=1") || allow(d, "FA seq=11") ||
               allow(d, "RA seq=12") || allow(d, "R seq=12"))
            ;
    }
    expect_state(d, GANDER_TCP_CLOSED);
    expect_true(d, d->now < sec(1200));
}

static const struct dialogue_test tests[] = {
    RUN(first_sample),
    RUN(later_samples),
    RUN(rto_has_a_minimum),
    RUN(rto_leaves_room_for_a_delayed_ack),
    RUN_WITH(rto_minimum_is_configurable, one_second),
    RUN(no_round_trip_time_at_all),
    RUN(passive_open_measures_the_syn_ack),
    RUN(no_sample_from_a_retransmission),
    RUN(new_sample_ends_the_backoff),
    RUN(timer_runs_from_the_first_segment),
    RUN(timer_stops_when_all_is_acknowledged),
    RUN(timer_restarts_on_new_acks),
    RUN(duplicate_acks_do_not_restart_it),
    RUN(earliest_segment_alone_is_resent),
    RUN(backoff_doubles),
    RUN(gives_up_at_r2),
    RUN(never_resent_too_early),
    RUN(trouble_is_told_at_r1),
    RUN(progress_resets_the_count),
    RUN(rto_after_a_lost_syn),
    RUN(rto_after_a_lost_syn_ack),
    RUN(retransmission_carries_current_acknowledgement),
    RUN(partly_acknowledged_segment),
    RUN(fin_is_backed_off_too),
    RUN(orphan_gives_up_too),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
