/* SPDX-License-Identifier: MIT */
/*
 * TIME-WAIT: 2MSL (RFC 9293 3.6.1, 3.10.7.4), RFC 1337 (RST in TIME-WAIT), RFC 6191 (a new SYN in TIME-WAIT), and the bound of
 * its table.
 */
#include "dialogue.h"

enum { MSL_S = 30 };

DIALOGUE(time_wait_without_owner) /* the same after gander_close() */
{
    open_passive(d);
    app_close(d);
    expect(d, "FA seq=1 ack=1");
    arrive(d, "FA seq=1 ack=2");
    expect(d, "A seq=2 ack=2");
    expect_equal(d, dialogue_stats(d).tcp_time_wait, 1);
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
    expect_silence_until(d, sec(2 * MSL_S) - 1);
    expect_equal(d, dialogue_stats(d).tcp_time_wait, 1);
    expect_silence_until(d, sec(2 * MSL_S));
    expect_equal(d, dialogue_stats(d).tcp_time_wait, 0);
    expect_state(d, GANDER_TCP_CLOSED);
}

DIALOGUE(time_wait_fin_restarts_2msl) /* [RFC9293 3.10.7.4 eighth TIME-WAIT] */
{
    gander_time entered;

    reach(d, GANDER_TCP_TIME_WAIT);
    after(d, sec(20));
    arrive(d, "FA seq=1 ack=2");
    expect(d, "A seq=2 ack=2 len=0");
    entered = d->now;
    expect_silence_until(d, entered + sec(2 * MSL_S) - 1);
    expect_state(d, GANDER_TCP_TIME_WAIT);
    expect_silence_until(d, entered + sec(2 * MSL_S));
    expect_state(d, GANDER_TCP_CLOSED);
}

DIALOGUE(time_wait_other_fin_restarts_nothing) /* [RFC9293 3.10.7.4 first]: it is unacceptable */
{
    open_passive(d);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "FA seq=1 ack=1");
    arrive(d, "FA seq=1 ack=2");
    expect(d, "A seq=2 ack=2");
    after(d, sec(20));
    arrive(d, "FA seq=500000 ack=2");
    expect(d, "A seq=2 ack=2");
    expect_silence_until(d, sec(2 * MSL_S));
    expect_state(d, GANDER_TCP_CLOSED);
}

DIALOGUE(time_wait_ignores_resets) /* [RFC1337 3 (F1)] */
{
    reach(d, GANDER_TCP_TIME_WAIT);
    arrive(d, "R seq=2");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_TIME_WAIT);
    arrive(d, "RA seq=2 ack=2");
    expect_nothing(d);
    arrive(d, "R seq=3");
    allow(d, "A seq=2 ack=2");
    expect_state(d, GANDER_TCP_TIME_WAIT);
}

DIALOGUE(time_wait_answers_old_segments) /* [RFC9293 3.10.7.4 first] */
{
    reach(d, GANDER_TCP_TIME_WAIT);
    arrive(d, "PA seq=-50 ack=2 len=10");
    expect(d, "A seq=2 ack=2 len=0");
    expect_state(d, GANDER_TCP_TIME_WAIT);
    after(d, ms(100));
    arrive(d, "A seq=2 ack=2"); /* nothing is wrong with it */
    expect_nothing(d);
}

/* RFC 6191 2. In TIME-WAIT after reach(): the peer's last sequence number is 1, its FIN's. */

DIALOGUE(time_wait_reuse_by_sequence_or_timestamp) /* [RFC6191 2; RFC9293 MAY-2, SHLD-4] */
{
    uint32_t last_of_ours;

    reach(d, GANDER_TCP_TIME_WAIT);
    last_of_ours = d->f->iss + d->f->ours;
    app_close(d);
    d->s = 0;
    after(d, sec(2));
    arrive(d, "S seq=1000");
    expect(d, "SA ack=1001");
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    /* (1) of RFC 9293 3.6.1: our new ISN is larger than the last sequence number that we used */
    expect_true(d, (int32_t)(d->f->iss - last_of_ours) >= 0);
    arrive(d, "A seq=1001 ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    app_accept(d);
    expect_equal(d, dialogue_stats(d).tcp_time_wait, 0);
}

/* [RFC6191 2]: the sequence number may be lower then */
/* [RFC9293 3.6.1 MAY-2 (1)]: our new ISN lies beyond the old numbers, also when the clock has not caught up with them */
DIALOGUE(time_wait_reuse_after_much_data)
{
    uint32_t last_of_ours;

    open_passive(d);
    app_send(d, 40 * d->smss);
    while (d->f->ours < 40 * d->smss + 1) {
        while (allow(d, "A ack=1"))
            ;
        arrive(d, "A");
    }
    while (allow(d, "A ack=1"))
        ;
    arrive(d, "A");
    app_close(d);
    d->s = 0;
    expect(d, "FA ack=1");
    arrive(d, "FA");
    expect(d, "A ack=2");
    last_of_ours = d->f->iss + d->f->ours;
    after(d, ms(2)); /* 500 numbers by the clock, 40,000 were used */
    arrive(d, "S seq=1000");
    expect(d, "SA ack=1001");
    expect_true(d, (int32_t)(d->f->iss - last_of_ours) >= 0);
}

DIALOGUE(time_wait_newer_timestamp_is_enough)
{
    reach(d, GANDER_TCP_TIME_WAIT);
    after(d, sec(2));
    arrive(d, "S seq=-100000");
    if (d->ts) {
        expect(d, "SA ack=-99999");
    } else { /* no timestamps, sequence number not greater: drop */
        allow(d, "A seq=2 ack=2");
        expect_state(d, GANDER_TCP_TIME_WAIT);
    }
}

DIALOGUE(time_wait_old_timestamp_is_refused) /* [RFC6191 2 "Otherwise, silently drop"] */
{
    if (!d->ts)
        return;
    reach(d, GANDER_TCP_TIME_WAIT);
    after(d, sec(2));
    arrive(d, "S seq=1000 ts=100,0"); /* older than what was seen: 5,000 and more */
    allow(d, "A seq=2 ack=2");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_TIME_WAIT);
}

DIALOGUE(time_wait_timestamps_gone) /* [RFC6191 2 third case]: decided by the sequence number */
{
    reach(d, GANDER_TCP_TIME_WAIT);
    after(d, sec(2));
    arrive(d, "S seq=1 nots"); /* equal to the FIN's: not greater */
    allow(d, "A seq=2 ack=2");
    expect_state(d, GANDER_TCP_TIME_WAIT);
    arrive(d, "S seq=2 nots");
    expect(d, "SA ack=3 nots");
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 1);
}

/* [RFC6191 2 fourth case]: the old one had none, the new one has */
DIALOGUE(time_wait_timestamps_new)
{
    if (d->ts)
        return;
    reach(d, GANDER_TCP_TIME_WAIT);
    after(d, sec(2));
    arrive(d, "S seq=-5000 ts=1,0");
    expect(d, "SA ack=-4999");
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 1);
}

static void short_msl(struct gander_config *config)
{
    config->tcp_msl_ns = ms(500);
}

DIALOGUE(msl_is_configurable)
{
    open_passive(d);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "FA seq=1 ack=1");
    arrive(d, "FA seq=1 ack=2");
    expect(d, "A seq=2 ack=2");
    expect_silence_until(d, ms(1000) - 1);
    expect_state(d, GANDER_TCP_TIME_WAIT);
    expect_silence_until(d, ms(1000));
    expect_state(d, GANDER_TCP_CLOSED);
}

/* --- the table --------------------------------------------------------------------------------------- */

/* Opens and closes flow `number` actively; its TIME-WAIT begins now. */
static void enter(struct dialogue *d, unsigned number)
{
    dialogue_flow(d, number);
    if (!d->listener)
        app_listen(d, 8);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A ack=1");
    app_accept(d);
    app_close(d);
    d->s = 0;
    expect(d, "FA seq=1 ack=1");
    arrive(d, "FA seq=1 ack=2");
    expect(d, "A seq=2 ack=2");
}

DIALOGUE(time_waits_end_one_by_one) /* each 2MSL after its own last FIN */
{
    for (unsigned i = 0; i < 4; i++) {
        enter(d, i);
        after(d, sec(1));
    }
    dialogue_flow(d, 1);
    arrive(d, "FA seq=1 ack=2"); /* at 4 s: this one begins anew */
    expect(d, "A seq=2 ack=2");
    for (unsigned left = 4; left > 0; left--) {
        static const int ends[] = {60, 62, 63, 64};

        expect_silence_until(d, sec(ends[4 - left]) - 1);
        expect_equal(d, dialogue_stats(d).tcp_time_wait, left);
        expect_silence_until(d, sec(ends[4 - left]));
        expect_equal(d, dialogue_stats(d).tcp_time_wait, left - 1);
    }
    expect_equal(d, dialogue_stats(d).tcp_time_wait_early, 0);
}

static void room_for_two(struct gander_config *config)
{
    config->tcp_time_wait_max = 2;
}

DIALOGUE(full_table_lets_the_oldest_go) /* bounded, counted */
{
    for (unsigned i = 0; i < 5; i++) {
        enter(d, i);
        after(d, ms(1));
    }
    expect_equal(d, dialogue_stats(d).tcp_time_wait, 2);
    expect_equal(d, dialogue_stats(d).tcp_time_wait_early, 3);
    dialogue_flow(d, 4);
    arrive(d, "FA seq=1 ack=2");
    expect(d, "A seq=2 ack=2");
    dialogue_flow(d, 0);
    arrive(d, "FA seq=1 ack=2"); /* forgotten */
    expect(d, "R seq=2");
}

static void no_room(struct gander_config *config)
{
    config->tcp_time_wait_max = 0;
}

DIALOGUE(no_table_at_all) /* the last ACK leaves all the same */
{
    enter(d, 0);
    expect_equal(d, dialogue_stats(d).tcp_time_wait, 0);
    expect_state(d, GANDER_TCP_CLOSED);
}

DIALOGUE(two_ends_in_time_wait_do_not_storm) /* answers to nonsense have a rate */
{
    unsigned answers = 0;

    enter(d, 0);
    for (int i = 0; i < 200; i++) {
        arrive(d, "A seq=%d ack=2", 5000 + i);
        answers += allow(d, "A seq=2 ack=2");
        after(d, ms(1));
        answers += allow(d, "A seq=2 ack=2");
    }
    expect_true(d, answers <= 3);
}

static const struct dialogue_test tests[] = {
    RUN(time_wait_without_owner),
    RUN(time_wait_fin_restarts_2msl),
    RUN(time_wait_other_fin_restarts_nothing),
    RUN(time_wait_ignores_resets),
    RUN(time_wait_answers_old_segments),
    RUN(time_wait_reuse_by_sequence_or_timestamp),
    RUN(time_wait_reuse_after_much_data),
    RUN(time_wait_newer_timestamp_is_enough),
    RUN(time_wait_old_timestamp_is_refused),
    RUN(time_wait_timestamps_gone),
    RUN(time_wait_timestamps_new),
    RUN_WITH(msl_is_configurable, short_msl),
    RUN(time_waits_end_one_by_one),
    RUN_WITH(full_table_lets_the_oldest_go, room_for_two),
    RUN_WITH(no_table_at_all, no_room),
    RUN(two_ends_in_time_wait_do_not_storm),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
