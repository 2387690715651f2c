/* SPDX-License-Identifier: MIT */
/*
 * Reductions of the window that prove unnecessary: found by the Eifel algorithm in its safe variant [RFC3522 3.2, 3.4] or by D-SACKs
 * [RFC2883 5], and undone as RFC 4015 3.1 says. F-RTO finds them too: tcp_frto.c.
 */
#include "dialogue.h"

enum { RTT_MS = 20 };

static unsigned nth(const struct dialogue *d, uint32_t n)
{
    return n * d->smss + 1;
}

static void open_sack(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "S sackok");
    expect(d, "SA seq=0 ack=1 sackok");
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1");
    app_accept(d);
    after(d, ms(5));
}

/* Segments first … first + 9 are out, `first` was resent because the three behind it came before it. Returns what its first
 * transmission carried as timestamp. */
static uint32_t recover_from(struct dialogue *d, unsigned first)
{
    uint32_t original;

    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, nth(d, first)), 10);
    original = d->f->tsval;
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u sack=%u-%u", nth(d, first), nth(d, first + 1), nth(d, first + 4));
    expect(d, "A seq=%u len=%u", nth(d, first), (unsigned)d->smss);
    while (allow(d, "A"))
        ;
    expect_equal(d, dialogue_info(d).recovery, 1);
    return original;
}

/* The same with two segments, for the window stays small: from `first` on. */
static uint32_t recover_two(struct dialogue *d, unsigned first)
{
    uint32_t original;

    app_send(d, 2 * d->smss);
    expect_equal(d, take_full(d, nth(d, first)), 2);
    original = d->f->tsval;
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u sack=%u-%u", nth(d, first), nth(d, first + 1), nth(d, first + 2));
    if (!d->first)
        wait_for_segment(d, d->now + ms(2 * RTT_MS));
    expect(d, "A seq=%u len=%u", nth(d, first), (unsigned)d->smss);
    expect_equal(d, dialogue_info(d).recovery, 1);
    return original;
}

/* --- D-SACK [RFC2883 5] ---------------------------------------------------------------------------- */

DIALOGUE(all_retransmissions_were_duplicates)
{
    open_sack(d);
    recover_from(d, 0);
    arrive(d, "A ack=%u", nth(d, 10)); /* the late one closes the gap */
    expect_equal(d, dialogue_info(d).ssthresh_bytes, 5 * d->smss);
    arrive(d, "A ack=%u sack=1-%u", nth(d, 10), nth(d, 1));
    expect_equal(d, dialogue_stats(d).tcp_undone_recoveries, 1);
    expect_equal(d, dialogue_info(d).ssthresh_bytes, UINT32_MAX);
    expect_true(d, dialogue_info(d).reordering_seen);
}

/* what was marked lost and has not gone again stays where it is [RFC4015 3.1 (8)] */
DIALOGUE(during_recovery_too)
{
    open_sack(d);
    recover_from(d, 0);
    arrive(d, "A ack=%u", nth(d, 5));
    arrive(d, "A ack=%u sack=1-%u", nth(d, 5), nth(d, 1));
    expect_equal(d, dialogue_stats(d).tcp_undone_recoveries, 1);
    expect_equal(d, dialogue_info(d).recovery, 0);
    expect_equal(d, dialogue_info(d).lost_bytes, 0);
    expect_equal(d, dialogue_stats(d).tcp_retransmitted_segments, 1);
    arrive(d, "A ack=%u", nth(d, 10));
    expect_nothing(d);
}

DIALOGUE(one_of_two_is_not_enough)
{
    open_sack(d);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 2), nth(d, 5));
    expect(d, "A seq=1");
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 2), nth(d, 9));
    expect(d, "A seq=%u", nth(d, 1));
    while (allow(d, "A"))
        ;
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u sack=1-%u", nth(d, 10), nth(d, 1));
    expect_equal(d, dialogue_stats(d).tcp_spurious_retransmissions, 1);
    expect_equal(d, dialogue_stats(d).tcp_undone_recoveries, 0);
    expect_equal(d, dialogue_info(d).ssthresh_bytes, 5 * d->smss);
}

DIALOGUE(not_when_the_path_marks_congestion) /* [RFC4015 3.4]: ECN-Echo: MUST refrain */
{
    open_sack(d);
    recover_from(d, 0);
    arrive(d, "A ack=%u", nth(d, 10));
    arrive(d, "AE ack=%u sack=1-%u", nth(d, 10), nth(d, 1));
    expect_equal(d, dialogue_info(d).ssthresh_bytes, 5 * d->smss);
}

/* The receiver's word counts four times; then two reductions stay for each that does not. */
DIALOGUE(belief_has_a_limit)
{
    unsigned undone = 0, rounds = 20;

    open_sack(d);
    for (unsigned i = 0; i < rounds; i++) {
        recover_two(d, 2 * i);
        arrive(d, "A ack=%u", nth(d, 2 * i + 2));
        after(d, ms(RTT_MS));
        arrive(d, "A ack=%u sack=%u-%u", nth(d, 2 * i + 2), nth(d, 2 * i), nth(d, 2 * i + 1));
        undone = (unsigned)dialogue_stats(d).tcp_undone_recoveries;
        expect_true(d, undone <= 4 + i / 3);
        after(d, ms(RTT_MS));
    }
    expect_true(d, undone >= 4 && undone < rounds / 2);
}

/* --- Eifel [RFC3522 3.2] ---------------------------------------------------------------------------- */

/* (4'), (6): not (DONE), for other data are outstanding (5) */
DIALOGUE(echo_of_the_first_transmission)
{
    uint32_t original;

    open_sack(d);
    original = recover_from(d, 0);
    d->f->tsval = original;
    arrive(d, "A ack=%u", nth(d, 4));
    expect_equal(d, dialogue_stats(d).tcp_undone_recoveries, d->ts);
    expect_equal(d, dialogue_info(d).recovery, !d->ts);
    if (!d->ts)
        return;
    expect_true(d, dialogue_info(d).reordering_seen);
    expect_equal(d, dialogue_info(d).ssthresh_bytes, UINT32_MAX);
    /* [RFC4015 3.1 (9)]: FlightSize + min(bytes_acked, IW) */
    expect_equal(d, dialogue_info(d).cwnd_bytes, 10 * d->smss);
    expect_nothing(d);
}

DIALOGUE(other_echoes_say_nothing) /* (4'): not equal, however old */
{
    uint32_t original;

    open_sack(d);
    original = recover_from(d, 0);
    d->f->tsval = original - 1;
    arrive(d, "A ack=%u", nth(d, 4));
    expect_equal(d, dialogue_stats(d).tcp_undone_recoveries, 0);
    d->f->tsval = original; /* (3): the first acceptable ACK alone counts */
    arrive(d, "A ack=%u", nth(d, 5));
    expect_equal(d, dialogue_stats(d).tcp_undone_recoveries, 0);
}

DIALOGUE(all_acknowledged_at_once) /* (5): all ACKs may have been lost */
{
    uint32_t original;

    open_sack(d);
    original = recover_from(d, 0);
    d->f->tsval = original;
    arrive(d, "A ack=%u", nth(d, 10));
    expect_equal(d, dialogue_stats(d).tcp_undone_recoveries, 0);
}

/* (5): "previously received an ACK with a DSACK option" */
DIALOGUE(all_acknowledged_by_who_knows_dsack)
{
    uint32_t original;

    open_sack(d);
    recover_from(d, 0);
    arrive(d, "A ack=%u", nth(d, 10));
    arrive(d, "A ack=%u sack=1-%u", nth(d, 10), nth(d, 1));
    expect_equal(d, dialogue_stats(d).tcp_undone_recoveries, 1);
    original = recover_two(d, 10);
    d->f->tsval = original;
    arrive(d, "A ack=%u", nth(d, 12));
    expect_equal(d, dialogue_stats(d).tcp_undone_recoveries, 1 + d->ts);
}

/* --- time-outs [RFC4015 3.1] ------------------------------------------------------------------------- */

static void no_probe(struct gander_config *config)
{
    config->tcp_tlp = false;
    config->tcp_frto = false;
    config->tcp_congestion_control = "newreno";
}

/* (8): new data go on; (9); (11): the timer is more careful than before */
DIALOGUE(spurious_timeout)
{
    uint32_t original;

    open_sack(d);
    app_send(d, 60 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    original = d->f->tsval;
    wait_for_segment(d, d->now + sec(1));
    expect(d, "A seq=1 why=%u", GANDER_WHY_retransmit_timeout);
    after(d, ms(50));
    d->f->tsval = original;
    arrive(d, "A ack=%u", nth(d, 2));
    expect_equal(d, dialogue_stats(d).tcp_undone_timeouts, d->ts);
    if (!d->ts) {
        expect_equal(d, take_full(d, nth(d, 2)), 2); /* slow start, the old ones */
        return;
    }
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    expect_nothing(d);
    expect_equal(d, dialogue_info(d).ssthresh_bytes, UINT32_MAX);
    expect_equal(d, dialogue_info(d).cwnd_bytes, 10 * d->smss);
    after(d, ms(300));
    arrive(d, "A ack=%u", nth(d, 11)); /* the first sample of new data: 300 ms */
    while (allow(d, "A"))
        ;
    expect_equal(d, dialogue_info(d).srtt_ns, ms(300));
    expect_equal(d, dialogue_info(d).rttvar_ns, ms(150));
    expect_equal(d, dialogue_info(d).rto_ns, ms(900));
}

DIALOGUE(late_dsack_undoes_a_timeout) /* LATE_SPUR_TO: only (9) */
{
    open_sack(d);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    wait_for_segment(d, d->now + sec(1));
    expect(d, "A seq=1");
    arrive(d, "A ack=%u", nth(d, 10));
    expect_equal(d, dialogue_info(d).ssthresh_bytes, 5 * d->smss);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u sack=1-%u", nth(d, 10), nth(d, 1));
    expect_equal(d, dialogue_stats(d).tcp_undone_timeouts, 1);
    expect_equal(d, dialogue_info(d).ssthresh_bytes, UINT32_MAX);
    expect_true(d, !dialogue_info(d).reordering_seen);
}

DIALOGUE(timeout_in_recovery_is_never_undone) /* [RFC5682 6] */
{
    open_sack(d);
    recover_from(d, 0);
    wait_for_segment(d, d->now + sec(2));
    expect(d, "A seq=1 why=%u", GANDER_WHY_retransmit_timeout);
    while (allow(d, "A"))
        ;
    arrive(d, "A ack=%u", nth(d, 10));
    for (int i = 0; i < 2; i++)
        arrive(d, "A ack=%u sack=1-%u", nth(d, 10), nth(d, 1));
    expect_equal(d, dialogue_stats(d).tcp_undone_recoveries, 0);
    expect_equal(d, dialogue_stats(d).tcp_undone_timeouts, 0);
}

static const struct dialogue_test tests[] = {
    RUN_WITH(all_retransmissions_were_duplicates, no_probe),
    RUN_WITH(during_recovery_too, no_probe),
    RUN_WITH(one_of_two_is_not_enough, no_probe),
    RUN_WITH(not_when_the_path_marks_congestion, no_probe),
    RUN_WITH(belief_has_a_limit, no_probe),
    RUN_WITH(echo_of_the_first_transmission, no_probe),
    RUN_WITH(other_echoes_say_nothing, no_probe),
    RUN_WITH(all_acknowledged_at_once, no_probe),
    RUN_WITH(all_acknowledged_by_who_knows_dsack, no_probe),
    RUN_WITH(spurious_timeout, no_probe),
    RUN_WITH(late_dsack_undoes_a_timeout, no_probe),
    RUN_WITH(timeout_in_recovery_is_never_undone, no_probe),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
