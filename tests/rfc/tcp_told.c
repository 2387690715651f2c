/* SPDX-License-Identifier: MIT */
/*
 * What the application is told, and how often [RFC9293 3.9.1, 3.10]: what came before it accepted, the end of a connection, and the
 * counters.
 */
#include "dialogue.h"

/* --- before gander_accept() ------------------------------------------------------------------------- */

static void accept_after(struct dialogue *d, const char *arrives, uint32_t told)
{
    const uint32_t all = GANDER_EVENT_READABLE | GANDER_EVENT_PEER_CLOSED | GANDER_EVENT_URGENT;

    arrive(d, "S seq=0");
    expect(d, "SA ack=1");
    arrive(d, "A seq=1");
    if (arrives) {
        arrive(d, "%s", arrives);
        if (!allow(d, "A"))
            expect_after(d, ms(40), "A");
    }
    d->s = 0;
    app_accept(d);
    if (told)
        expect_event(d, told);
    if (all & ~told)
        expect_no_event(d, all & ~told);
    app_abort(d);
    while (allow(d, "RA"))
        ;
}

DIALOGUE(what_came_before_is_told)
{
    app_listen(d, 8);
    accept_after(d, NULL, 0);
    dialogue_flow(d, 1);
    accept_after(d, "PA len=5", GANDER_EVENT_READABLE);
    dialogue_flow(d, 2);
    accept_after(d, "PAU len=5 up=5", GANDER_EVENT_READABLE | GANDER_EVENT_URGENT);
    dialogue_flow(d, 3);
    accept_after(d, "FA", GANDER_EVENT_READABLE | GANDER_EVENT_PEER_CLOSED);
    dialogue_flow(d, 4);
    accept_after(d, "FPA len=7", GANDER_EVENT_READABLE | GANDER_EVENT_PEER_CLOSED);
}

DIALOGUE(accepted_in_the_order_of_arrival)
{
    app_listen(d, 8);
    for (unsigned i = 0; i < 4; i++) {
        dialogue_flow(d, i);
        arrive(d, "S seq=0");
        expect(d, "SA ack=1");
        arrive(d, "A seq=1");
    }
    dialogue_flow(d, 1);
    arrive(d, "R seq=1"); /* this one is over: the listener gives out the next */
    for (unsigned i = 0; i < 4; i++) {
        struct gander_address peer = {0};

        if (i == 1)
            continue;
        expect_equal(d, gander_accept(d->stack, d->listener, &d->s, &peer), 0);
        expect_equal(d, peer.port, DIALOGUE_PEER_PORT + i);
    }
    expect_equal(d, gander_accept(d->stack, d->listener, &d->s, NULL), GANDER_EAGAIN);
    dialogue_flow(d, 1);
    arrive(d, "S seq=0"); /* and there is room again */
    expect(d, "SA ack=1");
}

static const int mine = 5; /* anything with an address */

DIALOGUE(context_is_the_listeners) /* gander_set_context(): until the application sets another */
{
    struct gander_event events[8];
    size_t n;

    app_listen(d, 1);
    expect_equal(d, gander_set_context(d->stack, d->listener, (void *)(uintptr_t)&mine), 0);
    arrive(d, "S seq=0");
    expect(d, "SA ack=1");
    arrive(d, "A seq=1");
    app_accept(d);
    forget_events(d);
    arrive(d, "PA len=1");
    n = gander_events(d->stack, events, 8);
    expect_equal(d, n, 1);
    expect_true(d, events[0].socket == d->s && events[0].context == &mine);
    expect_after(d, ms(40), "A ack=2");
}

/* --- the end, once ------------------------------------------------------------------------------------ */

static int64_t try_send(struct dialogue *d)
{
    return gander_send(d->stack, d->s, "x", 1, 0);
}

DIALOGUE(
    error_is_told_once_to_who_reads) /* [RFC9293 3.10.7.4 second]; then the end, as of a file */
{
    open_passive(d);
    arrive(d, "R seq=1");
    expect_event(d, GANDER_EVENT_CLOSED | GANDER_EVENT_READABLE);
    app_receive_gives(d, GANDER_ECONNRESET);
    app_receive_gives(d, 0);
    expect_equal(d, try_send(d), GANDER_EPIPE);
}

DIALOGUE(error_is_told_once_to_who_writes)
{
    open_passive(d);
    arrive(d, "R seq=1");
    expect_equal(d, try_send(d), GANDER_ECONNRESET);
    expect_equal(d, try_send(d), GANDER_EPIPE);
    app_receive_gives(d, 0);
}

DIALOGUE(closed_is_told_once) /* TIME-WAIT told it; its end, or a reset in it, does not again */
{
    reach(d, GANDER_TCP_LAST_ACK);
    arrive(d, "A seq=2 ack=2");
    expect_event(d, GANDER_EVENT_CLOSED);
    forget_events(d);
    after(d, sec(300));
    expect_no_event(d, GANDER_EVENT_CLOSED);
}

DIALOGUE(time_wait_is_the_end_for_its_owner)
{
    reach(d, GANDER_TCP_FIN_WAIT_2);
    arrive(d, "PFA len=3");
    expect(d, "A ack=5");
    expect_event(d, GANDER_EVENT_CLOSED | GANDER_EVENT_READABLE | GANDER_EVENT_PEER_CLOSED);
    app_receive(d, 3); /* what it had not read is still there */
    app_receive_gives(d, 0);
    after(d, sec(300));
    expect_no_event(d, GANDER_EVENT_CLOSED);
}

/* --- counters ------------------------------------------------------------------------------------------- */

DIALOGUE(bytes_are_counted)
{
    open_passive(d);
    after(d, ms(10));
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    arrive(d, "PA ack=41 len=30");
    expect_equal(d, dialogue_info(d).bytes_acked, 40);
    expect_equal(d, dialogue_info(d).bytes_received, 30);
    arrive(d, "A ack=101 seq=41 len=10"); /* ahead of a gap of ten */
    expect(d, "A ack=31");
    expect_equal(d, dialogue_info(d).bytes_received, 30);
    expect_equal(d, dialogue_info(d).reorder_queue_bytes, 10);
    arrive(d, "A len=10");
    expect(d, "A ack=51");
    expect_equal(d, dialogue_info(d).bytes_received, 50);
    expect_equal(d, dialogue_info(d).bytes_acked, 100);
    app_receive(d, 50);
}

DIALOGUE(answers_of_time_wait_have_a_rate)
{
    reach(d, GANDER_TCP_TIME_WAIT);
    after(d, sec(1));
    arrive(d, "A seq=500 len=1");
    expect(d, "A seq=2 ack=2");
    arrive(d, "A seq=500 len=1");
    expect_equal(d, dialogue_stats(d).drops[GANDER_DROP_tcp_challenge_rate], 1);
    after(d, sec(1));
    arrive(d, "A seq=500 len=1");
    expect(d, "A seq=2 ack=2");
    expect_equal(d, dialogue_stats(d).drops[GANDER_DROP_tcp_challenge_rate], 1);
}

int main(int argc, char **argv)
{
    static const struct dialogue_test tests[] = {
        RUN(what_came_before_is_told),           RUN(accepted_in_the_order_of_arrival),
        RUN(context_is_the_listeners),           RUN(error_is_told_once_to_who_reads),
        RUN(error_is_told_once_to_who_writes),   RUN(closed_is_told_once),
        RUN(time_wait_is_the_end_for_its_owner), RUN(bytes_are_counted),
        RUN(answers_of_time_wait_have_a_rate),
    };

    return DIALOGUE_MAIN(tests);
}
