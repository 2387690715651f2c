/* SPDX-License-Identifier: MIT */
/*
 * RACK-TLP, which finds losses by time: RFC 8985 6.2 (what was sent before something that has arrived, and long enough ago, is lost) and 7 (a
 * probe for the tail). The peer offers SACK; the round trip is 20 ms.
 */
#include "dialogue.h"

enum { RTT_MS = 20 };

static void open_sack(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "S sackok");
    expect(d, "SA seq=0 ack=1 sackok");
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1");
    app_accept(d);
}

static unsigned nth(const struct dialogue *d, uint32_t n)
{
    return n * d->smss + 1;
}

/* --- the tail loss probe [RFC8985 7] ---------------------------------------------------------------- */

DIALOGUE(tail_is_probed_after_two_round_trips) /* 7.2: PTO = 2*SRTT; 7.3: the last segment again */
{
    open_sack(d);
    app_send(d, 3 * d->smss);
    expect_equal(d, take_full(d, 1), 3);
    expect_after(d, ms(2 * RTT_MS), "A seq=%u len=%u why=%u", nth(d, 2), (unsigned)d->smss,
                 GANDER_WHY_tail_loss_probe);
    expect_equal(d, dialogue_stats(d).tcp_retransmit_timeouts, 0);
    arrive(d, "A ack=%u", nth(d, 3)); /* nothing was lost */
    expect_silence_until(d, d->now + sec(100));
}

DIALOGUE(
    lone_segment_waits_for_a_delayed_ack) /* 7.2: FlightSize of one segment: TLP.max_ack_delay */
{
    open_sack(d);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    expect_after(d, ms(RTT_MS + 40 + 5), "PA seq=1 len=100"); /* a delayed ACK would have come */
    arrive(d, "A ack=101");
    expect_nothing(d);
}

DIALOGUE(two_long_round_trips_are_enough) /* 7.2: the delay is only as long as it must be */
{
    app_listen(d, 1);
    arrive(d, "S sackok");
    expect(d, "SA seq=0 ack=1 sackok");
    after(d, ms(50));
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    expect_after(d, ms(100), "PA seq=1 len=100");
    arrive(d, "A ack=101");
}

DIALOGUE(
    probe_brings_the_loss_to_light) /* 7.4: the SACK for the probe starts recovery long before the RTO */
{
    open_sack(d);
    app_send(d, 3 * d->smss);
    expect_equal(d, take_full(d, 1), 3);
    expect_after(d, ms(2 * RTT_MS), "A seq=%u", nth(d, 2)); /* all three were lost */
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 2), nth(d, 3));
    if (!d->first)
        wait_for_segment(d, d->now + ms(RTT_MS));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    while (allow(d, "A seq=%u", nth(d, 1)))
        ;
    expect_equal(d, dialogue_stats(d).tcp_retransmit_timeouts, 0);
    expect_equal(d, dialogue_stats(d).tcp_fast_recoveries, 1);
    after(d, ms(RTT_MS));
    while (allow(d, "A"))
        ;
    arrive(d, "A ack=%u", nth(d, 3));
    expect_silence_until(d, d->now + sec(100));
}

DIALOGUE(
    probe_prefers_new_data) /* 7.3: "transmit that segment" if there is unsent data and the window has room */
{
    open_sack(d);
    app_send(d, 12 * d->smss);
    expect_equal(d, take_full(d, 1), 10); /* cwnd is used up */
    expect_after(d, ms(2 * RTT_MS), "A seq=%u len=%u", nth(d, 10), (unsigned)d->smss);
    arrive(d, "A ack=%u", nth(d, 11));
    while (allow(d, "A ack=1"))
        ;
    arrive(d, "A");
    expect_silence_until(d, d->now + sec(100));
}

DIALOGUE(one_probe_then_the_timeout) /* 7.3: no second probe; 7.2: the RTO runs from the probe on */
{
    open_sack(d);
    app_send(d, 2 * d->smss);
    expect_equal(d, take_full(d, 1), 2);
    expect_after(d, ms(2 * RTT_MS), "A seq=%u", nth(d, 1));
    expect_silence_until(d, d->now + ms(199));
    wait_for_segment(d, d->now + sec(2));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_equal(d, dialogue_stats(d).tcp_retransmit_timeouts, 1);
}

DIALOGUE(
    tail_with_a_fin_is_probed) /* 7.3: "the highest-sequence segment sent so far", FIN and all */
{
    open_sack(d);
    app_send(d, 2 * d->smss);
    expect_equal(d, take_full(d, 1), 2);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "FA seq=%u len=0", nth(d, 2));
    expect_after(d, ms(2 * RTT_MS), "FA seq=%u len=0 why=%u", nth(d, 2),
                 GANDER_WHY_tail_loss_probe);
    arrive(d, "A ack=%u", nth(d, 2) + 1);
    expect_equal(d, dialogue_stats(d).tcp_retransmit_timeouts, 0);
}

DIALOGUE(no_probe_without_sack) /* 7: "the sender MUST have SACK" */
{
    app_listen(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, 3 * d->smss);
    expect_equal(d, take_full(d, 1), 3);
    expect_silence_until(d, d->now + ms(199));
}

/* --- RACK [RFC8985 6.2] ----------------------------------------------------------------------------- */

DIALOGUE(
    reordering_has_a_quarter_round_trip) /* steps 4 and 5: RACK.min_RTT / 4, then it counts as lost */
{
    open_sack(d);
    app_send(d, 4 * d->smss);
    expect_equal(d, take_full(d, 1), 4);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 2));
    expect_nothing(d);
    expect_after(d, ms(RTT_MS / 4), "A seq=1 len=%u why=%u", (unsigned)d->smss,
                 GANDER_WHY_retransmit_rack);
    expect_nothing(d);
    arrive(d, "A ack=%u", nth(d, 4));
    expect_silence_until(d, d->now + sec(100));
}

DIALOGUE(reordering_within_it_costs_nothing)
{
    uint32_t cwnd;

    open_sack(d);
    app_send(d, 4 * d->smss);
    expect_equal(d, take_full(d, 1), 4);
    cwnd = dialogue_info(d).cwnd_bytes;
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 2));
    after(d, ms(RTT_MS / 4 - 1));
    arrive(d, "A ack=%u", nth(d, 4));
    expect_silence_until(d, d->now + sec(100));
    expect_equal(d, dialogue_stats(d).tcp_retransmitted_segments, 0);
    expect_true(d, dialogue_info(d).cwnd_bytes >= cwnd);
}

DIALOGUE(lost_retransmission_is_found) /* 6.2: RACK sees it by time, where duplicate ACKs cannot */
{
    open_sack(d);
    app_send(d, 20 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 10));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    while (allow(d, "A"))
        ;
    expect_true(d, d->f->ours > nth(d, 10)); /* new data went after the retransmission */
    after(d, ms(RTT_MS));
    while (allow(d, "A"))
        ;
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1),
           (unsigned)d->f->ours); /* those arrived, it did not */
    if (!d->first)
        wait_for_segment(d, d->now + ms(RTT_MS));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    while (allow(d, "A"))
        ;
    expect_equal(d, dialogue_stats(d).tcp_retransmit_timeouts, 0);
}

/* --- what a probe repaired [RFC8985 7.4.2] ------------------------------------------------------------ */

/* Of three segments the last is acknowledged only after its probe. */
static void probed(struct dialogue *d)
{
    open_sack(d);
    app_send(d, 3 * d->smss);
    expect_equal(d, take_full(d, 1), 3);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u", nth(d, 2));
    expect_after(d, ms(2 * RTT_MS + 5), "A seq=%u why=%u", nth(d, 2), GANDER_WHY_tail_loss_probe);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u", nth(d, 3));
    expect_equal(d, dialogue_stats(d).tcp_loss_probe_recoveries, 0);
    expect_equal(d, dialogue_info(d).ssthresh_bytes, UINT32_MAX);
}

/* Another segment, and its ACK: "ACK's ack. number > TLP.end_seq". */
static void one_more(struct dialogue *d)
{
    app_send(d, d->smss);
    expect(d, "PA seq=%u", nth(d, 3));
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u", nth(d, 4));
}

DIALOGUE(probe_repaired_the_loss) /* "Invoke congestion control to react" */
{
    probed(d);
    one_more(d);
    expect_equal(d, dialogue_stats(d).tcp_loss_probe_recoveries, 1);
    expect_true(d, dialogue_info(d).ssthresh_bytes <= 5 * d->smss);
    expect_true(d, dialogue_info(d).cwnd_bytes <= 5 * d->smss);
}

DIALOGUE(dsack_says_the_probe_was_for_nothing) /* case 1 */
{
    probed(d);
    arrive(d, "A ack=%u sack=%u-%u", nth(d, 3), nth(d, 2), nth(d, 3));
    one_more(d);
    expect_equal(d, dialogue_stats(d).tcp_loss_probe_recoveries, 0);
}

DIALOGUE(duplicate_ack_says_so_too) /* case 2: "a DupAck without any SACK option" */
{
    probed(d);
    app_send(d, d->smss);
    expect(d, "PA seq=%u", nth(d, 3));
    arrive(d, "A ack=%u", nth(d, 3));
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u", nth(d, 4));
    expect_equal(d, dialogue_stats(d).tcp_loss_probe_recoveries, 0);
}

DIALOGUE(probe_of_new_data_repairs_nothing) /* TLP.is_retrans is false */
{
    open_sack(d);
    app_send(d, 12 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    expect_after(d, ms(2 * RTT_MS), "A seq=%u", nth(d, 10));
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u", nth(d, 11));
    while (allow(d, "A"))
        ;
    arrive(d, "A ack=%u", nth(d, 12));
    expect_equal(d, dialogue_stats(d).tcp_loss_probe_recoveries, 0);
    expect_equal(d, dialogue_stats(d).tcp_loss_probes, 1);
}

/* 7.3: "the sender has obtained an RTT measurement since the last loss probe"; without timestamps Karn forbids it here */
DIALOGUE(no_probe_before_a_new_sample)
{
    gander_time sent;

    probed(d);
    arrive(d, "A ack=%u sack=%u-%u", nth(d, 3), nth(d, 2), nth(d, 3));
    sent = d->now;
    app_send(d, d->smss);
    expect(d, "PA seq=%u", nth(d, 3));
    wait_for_segment(d, d->now + sec(2));
    expect(d, "A seq=%u", nth(d, 3));
    expect_equal(d, dialogue_stats(d).tcp_loss_probes, d->ts ? 2 : 1);
    expect_true(d, d->ts || d->now - sent >= ms(200));
}

DIALOGUE(probe_not_later_than_the_timeout) /* 7.2: PTO = TCP_RTO_expiration() - Now() */
{
    gander_time rto;

    app_listen(d, 1);
    arrive(d, "S sackok");
    expect(d, "SA seq=0");
    after(d, ms(400));
    arrive(d, "A ack=1");
    app_accept(d);
    for (unsigned i = 0; i < 40; i++) { /* RTTVAR goes to 0 */
        app_send(d, d->smss);
        expect(d, "PA seq=%u", nth(d, i));
        after(d, ms(400));
        arrive(d, "A ack=%u", nth(d, i + 1));
    }
    rto = dialogue_info(d).rto_ns;
    expect_true(d, rto < ms(800));
    app_send(d, 2 * d->smss);
    expect_equal(d, take_full(d, nth(d, 40)), 2);
    expect_after(d, rto, "A seq=%u why=%u", nth(d, 41), GANDER_WHY_tail_loss_probe);
    expect_equal(d, dialogue_stats(d).tcp_retransmit_timeouts, 0);
    expect_after(d, rto, "A seq=%u why=%u", nth(d, 40), GANDER_WHY_retransmit_timeout);
}

/* DEVIATION from 7.2: the retransmission was lost, and nothing left after it whose ACK could tell. */
DIALOGUE(lost_retransmission_at_the_end_is_probed)
{
    gander_time sent;

    open_sack(d);
    app_send(d, 4 * d->smss);
    expect_equal(d, take_full(d, 1), 4);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 4));
    expect(d, "A seq=1 why=%u", GANDER_WHY_retransmit_rack);
    sent = d->now;
    wait_for_segment(d, d->now + sec(1));
    expect(d, "A seq=1 why=%u", GANDER_WHY_tail_loss_probe);
    expect_near(d, d->now - sent, ms(2 * RTT_MS), ms(5));
    expect_silence_until(d, d->now + ms(199)); /* no second one */
    wait_for_segment(d, d->now + sec(1));
    expect(d, "A seq=1 why=%u", GANDER_WHY_retransmit_timeout);
    expect_silence_until(d, d->now + ms(300)); /* and none after the time-out */
}

/* --- adaptation of the reordering window [RFC8985 6.2, step 4] ------------------------------------------ */

/* One round: segment `first` is resent in vain; the D-SACK says so with all that is acknowledged. */
static void vain_round(struct dialogue *d, unsigned first)
{
    app_send(d, 2 * d->smss);
    expect_equal(d, take_full(d, nth(d, first)), 2);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u sack=%u-%u", nth(d, first), nth(d, first + 1), nth(d, first + 2));
    if (!d->first)
        wait_for_segment(d, d->now + ms(2 * RTT_MS));
    expect(d, "A seq=%u", nth(d, first));
    arrive(d, "A ack=%u", nth(d, first + 2));
    arrive(d, "A ack=%u sack=%u-%u", nth(d, first + 2), nth(d, first), nth(d, first + 1));
}

DIALOGUE(window_grows_with_each_round_of_dsacks) /* (N+1) * min_RTT / 4, at most SRTT */
{
    open_sack(d);
    for (unsigned i = 0; i < 6; i++) {
        gander_time window, most;

        vain_round(d, 2 * i);
        window = dialogue_info(d).reordering_window_ns;
        most = dialogue_info(d).min_rtt_ns * (i + 2) / 4;
        if (most > dialogue_info(d).srtt_ns)
            most = dialogue_info(d).srtt_ns;
        expect_equal(d, window, most);
    }
}

DIALOGUE(once_a_round) /* RACK.dsack_round */
{
    open_sack(d);
    app_send(d, 12 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 3), nth(d, 10));
    while (allow(d, "A"))
        ;
    for (unsigned i = 0; i < 3; i++) /* three reports in one round trip */
        arrive(d, "A ack=%u sack=%u-%u,%u-%u", nth(d, i + 1), nth(d, i), nth(d, i + 1), nth(d, 3),
               nth(d, 10));
    while (allow(d, "A"))
        ;
    expect_true(d, dialogue_stats(d).tcp_spurious_retransmissions >= 2);
    expect_equal(d, dialogue_info(d).reordering_window_ns, dialogue_info(d).min_rtt_ns * 2 / 4);
}

/* A real loss, repaired: a recovery without D-SACK. */
static void honest_round(struct dialogue *d, unsigned first)
{
    app_send(d, 2 * d->smss);
    expect_equal(d, take_full(d, nth(d, first)), 2);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u sack=%u-%u", nth(d, first), nth(d, first + 1), nth(d, first + 2));
    if (!d->first)
        wait_for_segment(d, d->now + ms(2 * RTT_MS));
    expect(d, "A seq=%u", nth(d, first));
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u", nth(d, first + 2));
}

DIALOGUE(window_persists_for_sixteen_recoveries) /* then it is what it was at first */
{
    unsigned i;

    open_sack(d);
    vain_round(d, 0);
    vain_round(d, 2);
    expect_equal(d, dialogue_info(d).reordering_window_ns, ms(RTT_MS) * 3 / 4);
    for (i = 0; i < 15; i++)
        honest_round(d, 4 + 2 * i);
    expect_equal(d, dialogue_info(d).reordering_window_ns, ms(RTT_MS) * 3 / 4);
    honest_round(d, 4 + 2 * i);
    expect_equal(d, dialogue_info(d).reordering_window_ns, ms(RTT_MS) / 4);
}

DIALOGUE(late_original_is_reordering) /* step 3: never resent, below RACK.fack */
{
    open_sack(d);
    app_send(d, 4 * d->smss);
    expect_equal(d, take_full(d, 1), 4);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 2));
    expect_true(d, !dialogue_info(d).reordering_seen);
    arrive(d, "A ack=%u", nth(d, 2));
    expect_true(d, dialogue_info(d).reordering_seen);
    arrive(d, "A ack=%u", nth(d, 4));
}

DIALOGUE(two_blocks_at_once_are_none) /* step 3: "in ascending order of Segment.end_seq" */
{
    open_sack(d);
    app_send(d, 6 * d->smss);
    expect_equal(d, take_full(d, 1), 6);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u,%u-%u", nth(d, 4), nth(d, 5), nth(d, 2), nth(d, 3));
    expect_true(d, !dialogue_info(d).reordering_seen);
    arrive(d, "A ack=%u", nth(d, 6));
    while (allow(d, "A"))
        ;
}

DIALOGUE(reordering_seen_means_no_counting) /* step 4: then DupThresh SACKed segments say nothing */
{
    open_sack(d);
    app_send(d, 2 * d->smss);
    expect_equal(d, take_full(d, 1), 2);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 2));
    arrive(d, "A ack=%u", nth(d, 2));
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, nth(d, 2)), 10);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u sack=%u-%u", nth(d, 2), nth(d, 3), nth(d, 12));
    expect_nothing(d);
    expect_after(d, ms(RTT_MS / 4), "A seq=%u why=%u", nth(d, 2), GANDER_WHY_retransmit_rack);
}

static void five(struct gander_config *config)
{
    config->tcp_reordering = 5;
}

DIALOGUE(threshold_is_configurable) /* DupThresh */
{
    open_sack(d);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 5));
    expect_nothing(d);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 6));
    expect(d, "A seq=1");
}

/* 6.3: after a time-out, what left less than a round trip ago is not lost */
DIALOGUE(timeout_spares_the_recent)
{
    gander_time rto, sent;

    open_sack(d);
    app_option(d, NODELAY, 1);
    app_send(d, d->smss);
    expect(d, "A seq=1");
    sent = d->now;
    rto = dialogue_info(d).rto_ns;
    at(d, sent + rto - ms(5));
    app_send(d, d->smss);
    expect(d, "A seq=%u", nth(d, 1));
    expect_at(d, sent + rto, "A seq=1 why=%u", GANDER_WHY_retransmit_timeout);
    expect_equal(d, dialogue_info(d).lost_bytes, 0);
    arrive(d, "A ack=%u", nth(d, 2));
    expect_nothing(d);
}

static void no_probe(struct gander_config *config)
{
    config->tcp_tlp = false;
}

static const struct dialogue_test tests[] = {
    RUN(tail_is_probed_after_two_round_trips),
    RUN(lone_segment_waits_for_a_delayed_ack),
    RUN(probe_brings_the_loss_to_light),
    RUN(probe_prefers_new_data),
    RUN(one_probe_then_the_timeout),
    RUN(no_probe_without_sack),
    RUN(reordering_has_a_quarter_round_trip),
    RUN(reordering_within_it_costs_nothing),
    RUN(lost_retransmission_is_found),
    RUN(two_long_round_trips_are_enough),
    RUN(tail_with_a_fin_is_probed),
    RUN(probe_repaired_the_loss),
    RUN(dsack_says_the_probe_was_for_nothing),
    RUN(duplicate_ack_says_so_too),
    RUN(probe_of_new_data_repairs_nothing),
    RUN(no_probe_before_a_new_sample),
    RUN(probe_not_later_than_the_timeout),
    RUN(lost_retransmission_at_the_end_is_probed),
    RUN(window_grows_with_each_round_of_dsacks),
    RUN(once_a_round),
    RUN(window_persists_for_sixteen_recoveries),
    RUN(late_original_is_reordering),
    RUN(two_blocks_at_once_are_none),
    RUN(reordering_seen_means_no_counting),
    RUN_WITH(threshold_is_configurable, five),
    RUN_WITH(timeout_spares_the_recent, no_probe),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
