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

DIALOGUE(lone_segment_waits_for_a_delayed_ack) /* 7.2: FlightSize of one segment: + WCDelAckT */
{
    open_sack(d);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    expect_after(d, ms(2 * RTT_MS + 40), "PA seq=1 len=100");
    arrive(d, "A ack=101");
    expect_nothing(d);
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

static const struct dialogue_test tests[] = {
    RUN(tail_is_probed_after_two_round_trips), RUN(lone_segment_waits_for_a_delayed_ack),
    RUN(probe_brings_the_loss_to_light),       RUN(probe_prefers_new_data),
    RUN(one_probe_then_the_timeout),           RUN(no_probe_without_sack),
    RUN(reordering_has_a_quarter_round_trip),  RUN(reordering_within_it_costs_nothing),
    RUN(lost_retransmission_is_found),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
