/* SPDX-License-Identifier: MIT */
/*
 * When a connection is given up, by which of its timers [RFC9293 3.8.3, 3.8.4, 3.8.6.1, 3.10.8]: the user timeout with a closed window,
 * probes that nobody answers, keepalive beside other work, orphans.
 */
#include "dialogue.h"

/* What leaves meanwhile does not matter; returns when the connection was gone, `limit` if it was not. */
static gander_time run_until_gone(struct dialogue *d, gander_time limit)
{
    while (dialogue_stats(d).tcp_connections && d->now < limit) {
        gander_time next = gander_deadline(d->stack) - d->config.start;

        at(d, next < limit ? next : limit);
        while (allow(d, "A") || allow(d, "FA") || allow(d, "RA"))
            ;
    }
    return d->now;
}

/* The same, with a peer that answers whatever comes but takes nothing. */
static gander_time answer_until_gone(struct dialogue *d, const char *answer, gander_time limit)
{
    while (dialogue_stats(d).tcp_connections && d->now < limit) {
        gander_time next = gander_deadline(d->stack) - d->config.start;

        at(d, next < limit ? next : limit);
        if (allow(d, "RA"))
            continue;
        while (allow(d, "A") || allow(d, "FA"))
            arrive(d, "%s", answer);
    }
    return d->now;
}

static void close_window(struct dialogue *d)
{
    open_passive(d);
    after(d, ms(20));
    d->f->wnd = 0;
    arrive(d, "A");
}

/* [RFC9293 3.10.8, 3.8.3 (d)]: data that wait for a window are "unacknowledged" for the user too, though each probe is answered */
DIALOGUE(user_timeout_with_a_closed_window)
{
    gander_time begin;

    close_window(d);
    app_option(d, USER_TIMEOUT_NS, sec(7));
    begin = d->now;
    app_send(d, 10);
    expect_nothing(d);
    expect_near(d, answer_until_gone(d, "A ack=1", sec(1000)), begin + sec(7), ms(1));
    expect_closed(d, GANDER_ETIMEDOUT);
}

DIALOGUE(
    user_timeout_when_the_window_closes) /* from the oldest byte on, not from the closing of the window on */
{
    gander_time begin;

    open_passive(d);
    after(d, ms(20));
    app_option(d, USER_TIMEOUT_NS, sec(9));
    begin = d->now;
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    after(d, ms(100));
    d->f->wnd = 0;
    arrive(d, "A ack=1");
    expect_near(d, answer_until_gone(d, "A ack=1", sec(1000)), begin + sec(9), ms(1));
    expect_closed(d, GANDER_ETIMEDOUT);
}

DIALOGUE(
    user_timeout_is_longer_than_r2) /* MUST-21 (d): probes, too, go on for as long as the user wants */
{
    gander_time begin;

    close_window(d);
    app_option(d, USER_TIMEOUT_NS, sec(7200));
    begin = d->now;
    app_send(d, 10);
    expect_near(d, run_until_gone(d, sec(100000)), begin + sec(7200), ms(1));
    expect_closed(d, GANDER_ETIMEDOUT);
}

DIALOGUE(
    no_user_timeout_without_bytes) /* all is acknowledged: it stops; bytes again: it begins anew */
{
    gander_time begin;

    open_passive(d);
    after(d, ms(20));
    app_option(d, USER_TIMEOUT_NS, sec(9));
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    arrive(d, "A ack=11");
    expect_silence_until(d, sec(500));
    begin = d->now;
    app_send(d, 10);
    expect(d, "PA seq=11 len=10");
    expect_near(d, run_until_gone(d, sec(1000)), begin + sec(9), ms(1));
}

/* [RFC9293 3.8.6.1]: a probe that is answered counts anew, so R2 is never reached */
DIALOGUE(answered_probes_go_on)
{
    close_window(d);
    app_send(d, 10);
    expect_equal(d, answer_until_gone(d, "A ack=1", sec(20000)), sec(20000));
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

/* [RFC9293 3.8.3 SHLD-10, SHLD-11]: at R1 the user is told, at R2 it ends: 15 time-outs, the last waits as all of them */
DIALOGUE(retransmissions_end_at_r2)
{
    gander_time begin, sum = 0, wait;

    open_passive(d);
    after(d, ms(100));
    begin = d->now;
    wait = dialogue_info(d).rto_ns;
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    forget_events(d);
    for (unsigned i = 0; i < 15; i++) {
        sum += wait;
        if (i == 2)
            expect_no_event(d, GANDER_EVENT_ERROR);
        expect_at(d, begin + sum, "PA seq=1 len=10");
        if (i == 2)
            expect_event(d, GANDER_EVENT_ERROR);
        wait = wait * 2 > sec(60) ? sec(60) : wait * 2;
    }
    expect_near(d, run_until_gone(d, sec(5000)), begin + sum + wait, ms(1));
    expect_closed(d, GANDER_ETIMEDOUT);
}

DIALOGUE(orphans_are_given_up_sooner) /* nobody waits for the outcome: eight */
{
    gander_time begin, sum = 0, wait;

    open_passive(d);
    after(d, ms(100));
    wait = dialogue_info(d).rto_ns;
    begin = d->now;
    app_close(d);
    expect(d, "FA seq=1 ack=1");
    for (unsigned i = 0; i < 8; i++) {
        sum += wait;
        expect_at(d, begin + sum, "FA seq=1 ack=1");
        wait = wait * 2 > sec(60) ? sec(60) : wait * 2;
    }
    expect_near(d, run_until_gone(d, sec(5000)), begin + sum + wait, ms(1));
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
}

/* [RFC9293 3.8.4]: with bytes in flight retransmission tells as much; when they are acknowledged, the silence counts from there */
DIALOGUE(keepalive_waits_for_retransmission)
{
    open_passive(d);
    app_option(d, KEEPALIVE, 1);
    app_option(d, KEEPALIVE_IDLE_NS, sec(5));
    app_option(d, KEEPALIVE_INTERVAL_NS, sec(2));
    after(d, ms(20));
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    while (d->now < sec(20)) {
        gander_time next = gander_deadline(d->stack) - d->config.start;

        at(d, next < sec(20) ? next : sec(20));
        while (allow(d, "PA seq=1 len=10"))
            ;
        expect_nothing(d); /* no probe [SND.NXT-1] */
    }
    arrive(d, "A ack=11");
    expect_silence_until(d, sec(25) - 1);
    expect_at(d, sec(25), "A seq=10 ack=1 len=0");
    expect_at(d, sec(27), "A seq=10 ack=1 len=0");
    after(d, ms(10));
    arrive(d, "A ack=11");
    expect_at(d, sec(32) + ms(10), "A seq=10 ack=1 len=0");
}

int main(int argc, char **argv)
{
    static const struct dialogue_test tests[] = {
        RUN(user_timeout_with_a_closed_window),
        RUN(user_timeout_when_the_window_closes),
        RUN(user_timeout_is_longer_than_r2),
        RUN(no_user_timeout_without_bytes),
        RUN(answered_probes_go_on),
        RUN(retransmissions_end_at_r2),
        RUN(orphans_are_given_up_sooner),
        RUN(keepalive_waits_for_retransmission),
    };

    return DIALOGUE_MAIN(tests);
}
