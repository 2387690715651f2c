/* SPDX-License-Identifier: MIT */
/*
 * Recovery with SACK where RACK does not decide: counting, for those who switch RACK off [RFC6675 4, 5], limited transmit [RFC3042 2], the
 * scoreboard across a time-out [RFC6675 5.1, RFC2018 8], two reductions for a retransmission that is lost [RFC5681 4.3]; and
 * early retransmit, without SACK [RFC5827 3.1].
 */
#include "dialogue.h"

enum { RTT_MS = 20 };

static unsigned nth(const struct dialogue *d, uint32_t n)
{
    return n * d->smss + 1;
}

static void open_and_send(struct dialogue *d, bool sack, unsigned segs)
{
    app_listen(d, 1);
    arrive(d, sack ? "S sackok" : "S");
    expect(d, "SA seq=0 ack=1");
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, segs * d->smss);
    expect_equal(d, take_full(d, 1), segs < 10 ? segs : 10);
    after(d, ms(RTT_MS));
}

/* --- counting [RFC6675 4] ----------------------------------------------------------------------- */

static void counting(struct gander_config *config)
{
    config->tcp_rack = false;
}

DIALOGUE(three_above_say_lost) /* IsLost(): DupThresh SACKed above; 5 (4.3): it goes at once */
{
    open_and_send(d, true, 10);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 3));
    expect_nothing(d);
    expect_silence_until(d, d->now + ms(RTT_MS)); /* no clock counts */
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 4));
    expect(d, "A seq=1 why=%u", GANDER_WHY_retransmit_sack);
    expect_nothing(d);
    arrive(d, "A ack=1 sack=%u-%u,%u-%u", nth(d, 6), nth(d, 8), nth(d, 1), nth(d, 4));
    expect_nothing(d); /* two above segment 5 */
    arrive(d, "A ack=1 sack=%u-%u,%u-%u", nth(d, 6), nth(d, 9), nth(d, 1), nth(d, 4));
    while (allow(d, "A why=%u", GANDER_WHY_retransmit_sack))
        ;
    expect_equal(d,
                 dialogue_info(d).lost_bytes +
                     d->smss * (uint32_t)(dialogue_stats(d).tcp_retransmitted_segments - 1),
                 2 * d->smss); /* 4 and 5 are lost, the last is not */
    arrive(d, "A ack=%u", nth(d, 10));
    expect_equal(d, dialogue_info(d).recovery, 0);
}

/* what RFC 6675 cannot see, and RACK can: tcp_rack.c */
DIALOGUE(lost_retransmission_waits_for_the_timer)
{
    open_and_send(d, true, 20);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 10));
    expect(d, "A seq=1");
    while (allow(d, "A"))
        ;
    after(d, ms(RTT_MS));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), (unsigned)d->f->ours);
    while (allow(d, "A"))
        expect_true(d, (uint32_t)d->seg.seq - d->f->iss > 1);
    wait_for_segment(d, d->now + sec(1));
    expect(d, "A seq=1 why=%u", GANDER_WHY_retransmit_timeout);
}

/* --- limited transmit [RFC3042 2] ------------------------------------------------------------------ */

DIALOGUE(new_data_for_new_sacks) /* two segments beyond cwnd; none for duplicates without news */
{
    open_and_send(d, true, 30);
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 2));
    expect(d, "A seq=%u len=%u", nth(d, 10), (unsigned)d->smss);
    for (int i = 0; i < 5; i++) {
        arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 2));
        expect_nothing(d);
    }
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 3));
    expect(d, "A seq=%u len=%u", nth(d, 11), (unsigned)d->smss);
    expect_nothing(d);
    expect_equal(d, dialogue_info(d).cwnd_bytes, 10 * d->smss); /* "MUST NOT be changed" */
}

/* --- across a time-out ---------------------------------------------------------------------------------- */

static void conventional(struct gander_config *config)
{
    config->tcp_congestion_control = "newreno";
    config->tcp_frto = false;
    config->tcp_tlp = false;
}

/* 0 and 5 are missing, and the retransmissions of both are lost. */
static void time_out_in_recovery(struct dialogue *d)
{
    open_and_send(d, true, 10);
    arrive(d, "A ack=1 sack=%u-%u,%u-%u", nth(d, 6), nth(d, 10), nth(d, 1), nth(d, 5));
    expect(d, "A seq=1");
    wait_for_segment(d, d->now + sec(1));
    while (allow(d, "A why=%u", GANDER_WHY_retransmit_rack))
        wait_for_segment(d, d->now + sec(1));
    expect(d, "A seq=1 why=%u", GANDER_WHY_retransmit_timeout);
    expect_nothing(d);
}

DIALOGUE(marks_survive_a_timeout) /* [RFC6675 5.1]: what the peer has does not go again */
{
    time_out_in_recovery(d);
    arrive(d, "A ack=%u sack=%u-%u", nth(d, 5), nth(d, 6), nth(d, 10));
    expect(d, "A seq=%u", nth(d, 5));
    expect_nothing(d);
    arrive(d, "A ack=%u", nth(d, 10));
    expect_silence_until(d, d->now + sec(10));
}

/* [RFC2018 8]: no honest receiver stops where it said that it has more */
DIALOGUE(reneging_shows_at_the_edge)
{
    time_out_in_recovery(d);
    arrive(d, "A ack=%u", nth(d, 1));            /* all that was SACKed is thrown away */
    expect_equal(d, take_full(d, nth(d, 1)), 2); /* slow start, in order, at once */
    for (unsigned i = 2; i <= 10; i++) {
        arrive(d, "A ack=%u", nth(d, i));
        while (allow(d, "A"))
            ;
    }
    expect_silence_until(d, d->now + sec(10));
}

/* [RFC5681 4.3, RFC8985 9.3]: "loss of a retransmission": cwnd and ssthresh MUST be lowered twice */
DIALOGUE(lost_again_after_a_timeout)
{
    uint32_t ssthresh;

    open_and_send(d, true, 10);
    wait_for_segment(d, d->now + sec(1));
    expect(d, "A seq=1 why=%u", GANDER_WHY_retransmit_timeout);
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u", nth(d, 1));
    expect_equal(d, take_full(d, nth(d, 1)), 2);
    ssthresh = dialogue_info(d).ssthresh_bytes;
    after(d, ms(RTT_MS));
    arrive(d, "A ack=%u sack=%u-%u", nth(d, 1), nth(d, 2), nth(d, 3));
    expect_equal(d, dialogue_stats(d).tcp_lost_retransmissions, 1);
    expect(d, "A seq=%u why=%u", nth(d, 1), GANDER_WHY_retransmit_again); /* the earliest first */
    while (allow(d, "A"))
        ;
    expect_true(d, dialogue_info(d).ssthresh_bytes <= ssthresh / 2 ||
                       dialogue_info(d).ssthresh_bytes == 2 * d->smss);
    expect_true(d, dialogue_info(d).ssthresh_bytes < ssthresh);
}

/* --- early retransmit [RFC5827 3.1] ----------------------------------------------------------------------- */

static void early(struct gander_config *config)
{
    config->tcp_early_retransmit = true;
}

DIALOGUE(few_segments_need_fewer_duplicates) /* ER_thresh = oseg - 1 */
{
    open_and_send(d, false, 3);
    arrive(d, "A ack=1");
    expect_nothing(d);
    arrive(d, "A ack=1");
    expect(d, "A seq=1 why=%u", GANDER_WHY_retransmit_fast);
}

DIALOGUE(four_segments_need_three) /* (2.a): fewer than four */
{
    open_and_send(d, false, 4);
    arrive(d, "A ack=1");
    arrive(d, "A ack=1");
    expect_nothing(d);
    arrive(d, "A ack=1");
    expect(d, "A seq=1 why=%u", GANDER_WHY_retransmit_fast);
}

DIALOGUE(not_early_by_default)
{
    open_and_send(d, false, 3);
    arrive(d, "A ack=1");
    arrive(d, "A ack=1");
    expect_nothing(d);
}

static void two(struct gander_config *config)
{
    config->tcp_reordering = 2;
}

DIALOGUE(threshold_without_sack) /* DupThresh of the configuration */
{
    open_and_send(d, false, 10);
    arrive(d, "A ack=1");
    expect_nothing(d);
    arrive(d, "A ack=1");
    expect(d, "A seq=1 why=%u", GANDER_WHY_retransmit_fast);
}

static const struct dialogue_test tests[] = {
    RUN_WITH(three_above_say_lost, counting),
    RUN_WITH(lost_retransmission_waits_for_the_timer, counting),
    RUN(new_data_for_new_sacks),
    RUN_WITH(marks_survive_a_timeout, conventional),
    RUN_WITH(reneging_shows_at_the_edge, conventional),
    RUN_WITH(lost_again_after_a_timeout, conventional),
    RUN_WITH(few_segments_need_fewer_duplicates, early),
    RUN_WITH(four_segments_need_three, early),
    RUN(not_early_by_default),
    RUN_WITH(threshold_without_sack, two),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
