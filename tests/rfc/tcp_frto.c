/* SPDX-License-Identifier: MIT */
/*
 * F-RTO [RFC5682]: each branch of the basic algorithm (2.1) and of the one with SACK (3.1). The peer echoes the newest timestamp, so that the
 * Eifel algorithm has nothing to say.
 */
#include "dialogue.h"

enum { RTT_MS = 20 };

static unsigned nth(const struct dialogue *d, uint32_t n)
{
    return n * d->smss + 1;
}

/* Ten segments are out when the timer runs out (no probe); the first has gone again. */
static void time_out(struct dialogue *d, bool sack)
{
    app_listen(d, 1);
    arrive(d, sack ? "S sackok" : "S");
    expect(d, "SA seq=0 ack=1");
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, 60 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    wait_for_segment(d, d->now + sec(1));
    expect(d, "A seq=1 len=%u why=%u", (unsigned)d->smss, GANDER_WHY_retransmit_timeout);
    expect_nothing(d);
    after(d, ms(RTT_MS));
}

static void is_spurious(struct dialogue *d, bool yes)
{
    expect_equal(d, dialogue_stats(d).tcp_spurious_timeouts, yes);
    expect_equal(d, dialogue_stats(d).tcp_undone_timeouts, yes);
    if (yes)
        expect_equal(d, dialogue_info(d).recovery, 0);
}

/* --- basic [RFC5682 2.1] ----------------------------------------------------------------------- */

DIALOGUE(spurious_timeout) /* (2b), then (3b): new data twice, and nothing else ever goes again */
{
    time_out(d, false);
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    expect_nothing(d);
    arrive(d, "A ack=%u", nth(d, 2));
    is_spurious(d, true);
    expect_equal(d, dialogue_info(d).ssthresh_bytes, UINT32_MAX); /* [RFC4015 3.1 (9)] as it was */
    expect_equal(d, dialogue_info(d).cwnd_bytes, 10 * d->smss);   /* no more than before */
    expect_nothing(d);
    for (unsigned i = 3; i <= 12; i++) { /* and slow start goes on from there */
        arrive(d, "A ack=%u", nth(d, i));
        expect_equal(d, take_full(d, nth(d, 12 + 2 * (i - 3))), 2);
    }
    expect_equal(d, dialogue_stats(d).tcp_retransmitted_segments, 1);
}

DIALOGUE(duplicate_first) /* (2a): slow start, the old ones go */
{
    time_out(d, false);
    arrive(d, "A ack=1");
    expect_nothing(d);
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 1)), 2);
    expect_nothing(d);
    is_spurious(d, false);
}

DIALOGUE(all_at_once) /* (2a): the ACK covers recover: the first alone was lost */
{
    time_out(d, false);
    arrive(d, "A ack=%u", nth(d, 10));
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    is_spurious(d, false);
    expect_true(d, dialogue_info(d).cwnd_bytes <= 2 * DIALOGUE_MSS);
    expect_equal(d, dialogue_info(d).ssthresh_bytes, 5 * d->smss);
}

/* (2a): "does not acknowledge all of the data that was retransmitted" */
DIALOGUE(not_even_what_was_resent)
{
    time_out(d, false);
    arrive(d, "A ack=%u", 1 + d->smss / 2);
    while (allow(d, "A"))
        expect_true(d, (uint32_t)d->seg.seq - d->f->iss < nth(d, 10));
    arrive(d, "A ack=%u", nth(d, 1));
    while (allow(d, "A"))
        expect_true(d, (uint32_t)d->seg.seq - d->f->iss < nth(d, 10));
    is_spurious(d, false);
}

DIALOGUE(duplicate_second) /* (3a): cwnd of three segments at most, the old ones go */
{
    time_out(d, false);
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    arrive(d, "A ack=%u", nth(d, 1));
    is_spurious(d, false);
    expect_equal(d, dialogue_info(d).cwnd_bytes, 3 * d->smss);
    expect_equal(d, take_full(d, nth(d, 1)), 2); /* one of the new ones has left the network */
    expect_nothing(d);
}

DIALOGUE(no_new_data) /* (2b): slow start with the old ones */
{
    app_listen(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0");
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    wait_for_segment(d, d->now + sec(1));
    expect(d, "A seq=1");
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 1)), 2);
    is_spurious(d, false);
}

DIALOGUE(window_is_full) /* (2b): the receiver's window, too */
{
    time_out(d, false);
    arrive(d, "A ack=%u wnd=%u", nth(d, 1), 9 * d->smss);
    expect_equal(d, take_full(d, nth(d, 1)), 2);
    is_spurious(d, false);
}

DIALOGUE(again_for_the_same_segment) /* (1): restarts; the second one may be spurious as well */
{
    time_out(d, false);
    wait_for_segment(d, d->now + sec(2));
    expect(d, "A seq=1");
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    arrive(d, "A ack=%u", nth(d, 2));
    is_spurious(d, true);
}

DIALOGUE(not_in_a_recovery_under_way) /* (1): recover is beyond SND.UNA */
{
    time_out(d, false);
    arrive(d, "A ack=1");
    arrive(d, "A ack=%u", nth(d, 1)); /* conventional */
    expect_equal(d, take_full(d, nth(d, 1)), 2);
    wait_for_segment(d, d->now + sec(3));
    expect(d, "A seq=%u why=%u", nth(d, 1), GANDER_WHY_retransmit_timeout);
    arrive(d, "A ack=%u", nth(d, 2));
    while (allow(d, "A"))
        expect_true(d, (uint32_t)d->seg.seq - d->f->iss < nth(d, 10));
    is_spurious(d, false);
}

/* --- with SACK [RFC5682 3.1] ------------------------------------------------------------------------ */

DIALOGUE(sack_spurious_in_order) /* (2b), (3b) by SND.UNA */
{
    time_out(d, true);
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    arrive(d, "A ack=%u", nth(d, 3));
    expect_equal(d, take_full(d, nth(d, 12)), 1); /* nine in flight, and ten before */
    is_spurious(d, true);
}

DIALOGUE(sack_spurious_by_a_block) /* (3b): one is missing, but what is SACKed was sent once */
{
    time_out(d, true);
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    arrive(d, "A ack=%u sack=%u-%u", nth(d, 1), nth(d, 2), nth(d, 3));
    is_spurious(d, true);
    while (allow(d, "A"))
        ;
}

DIALOGUE(sack_duplicates_do_not_end_step_2) /* "Stay in step 2" */
{
    time_out(d, true);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 3), nth(d, 4));
    while (allow(d, "A"))
        expect_true(d, (uint32_t)d->seg.seq - d->f->iss < nth(d, 10));
    arrive(d, "A ack=%u sack=%u-%u", nth(d, 1), nth(d, 3), nth(d, 4));
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    arrive(d, "A ack=%u", nth(d, 4));
    is_spurious(d, true);
    while (allow(d, "A"))
        ;
}

DIALOGUE(sack_of_new_data) /* (3a): it covers more than RecoveryPoint */
{
    time_out(d, true);
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    arrive(d, "A ack=%u sack=%u-%u", nth(d, 1), nth(d, 10), nth(d, 11));
    is_spurious(d, false);
    expect_true(d, take_full(d, nth(d, 1)) >= 1);
    while (allow(d, "A"))
        ;
}

DIALOGUE(sack_says_nothing_new) /* (3a): a duplicate ACK, no block below RecoveryPoint */
{
    time_out(d, true);
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 10)), 2);
    arrive(d, "A ack=%u", nth(d, 1));
    is_spurious(d, false);
    expect_true(d, take_full(d, nth(d, 1)) >= 1);
}

static void plain(struct gander_config *config)
{
    config->tcp_congestion_control = "newreno";
    config->tcp_tlp = false;
}

static void off(struct gander_config *config)
{
    plain(config);
    config->tcp_frto = false;
}

DIALOGUE(can_be_switched_off)
{
    time_out(d, true);
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 1)), 2);
}

static const struct dialogue_test tests[] = {
    RUN_WITH(spurious_timeout, plain),
    RUN_WITH(duplicate_first, plain),
    RUN_WITH(all_at_once, plain),
    RUN_WITH(not_even_what_was_resent, plain),
    RUN_WITH(duplicate_second, plain),
    RUN_WITH(no_new_data, plain),
    RUN_WITH(window_is_full, plain),
    RUN_WITH(again_for_the_same_segment, plain),
    RUN_WITH(not_in_a_recovery_under_way, plain),
    RUN_WITH(sack_spurious_in_order, plain),
    RUN_WITH(sack_spurious_by_a_block, plain),
    RUN_WITH(sack_duplicates_do_not_end_step_2, plain),
    RUN_WITH(sack_of_new_data, plain),
    RUN_WITH(sack_says_nothing_new, plain),
    RUN_WITH(can_be_switched_off, off),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
