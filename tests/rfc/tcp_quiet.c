/* SPDX-License-Identifier: MIT */
/*
 * What a connection keeps while nothing is under way: the memory for work goes back after one quiet RTO, never sooner than everything is
 * done, and what comes next finds the connection as it was. RFC 5681 4.1 for the window after a silence.
 */
#include "dialogue.h"

#include "core/stack.h"

static bool holds_working_memory(struct dialogue *d)
{
    return d->stack->tcp.busy.live > 0;
}

static void expect_rest(struct dialogue *d) /* after one more RTO at the latest */
{
    expect_silence_until(d, d->now + dialogue_info(d).rto_ns);
    expect_true(d, !holds_working_memory(d));
}

static void expect_no_rest(struct dialogue *d, gander_time until)
{
    while (d->now < until) {
        gander_time next = gander_deadline(d->stack) - d->config.start;

        at(d, next < until ? next : until);
        while (allow(d, "A") || allow(d, "FA"))
            ;
        expect_true(d, holds_working_memory(d));
    }
}

DIALOGUE(after_the_handshake)
{
    open_active(d);
    expect_rest(d);
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    expect_true(d, holds_working_memory(d));
    arrive(d, "A ack=11");
    expect_rest(d);
}

DIALOGUE(after_text_was_read)
{
    open_passive(d);
    arrive(d, "PA len=10");
    expect_after(d, ms(40), "A ack=11");
    expect_no_rest(d, sec(100)); /* unread */
    app_receive(d, 4);
    expect_no_rest(d, sec(200));
    app_receive(d, 6);
    expect_rest(d);
    arrive(d, "PA len=10");
    app_receive(d, 10); /* the ACK waits still */
    expect_after(d, ms(40), "A ack=21");
    expect_rest(d);
}

DIALOGUE(while_bytes_are_on_the_way)
{
    open_passive(d);
    after(d, ms(10));
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    expect_no_rest(d, sec(20));
    arrive(d, "A ack=6");
    expect_no_rest(d, sec(40));
    arrive(d, "A ack=11");
    expect_rest(d);
}

DIALOGUE(while_bytes_wait_for_a_window) /* one byte, or many */
{
    open_passive(d);
    arrive(d, "A ack=1 wnd=0");
    app_send(d, 1);
    expect_no_rest(d, sec(100));
    arrive(d, "A ack=2 wnd=100");
    while (allow(d, "A"))
        ;
    expect_rest(d);
}

DIALOGUE(while_something_lies_ahead_of_a_gap)
{
    open_passive(d);
    arrive(d, "A seq=2 len=1");
    expect(d, "A ack=1");
    expect_no_rest(d, sec(100));
    arrive(d, "A seq=1 len=1");
    expect(d, "A ack=3");
    app_receive(d, 2);
    expect_rest(d);
}

DIALOGUE(while_a_fin_lies_ahead) /* forgotten, it would be lost */
{
    open_passive(d);
    arrive(d, "FA seq=2");
    expect(d, "A ack=1");
    expect_no_rest(d, sec(100));
    arrive(d, "A seq=1 len=1");
    expect(d, "A ack=3");
    expect_state(d, GANDER_TCP_CLOSE_WAIT);
    app_receive(d, 1);
    expect_rest(d);
}

DIALOGUE(in_close_wait_too)
{
    reach(d, GANDER_TCP_CLOSE_WAIT);
    expect_silence_until(d, d->now + sec(4));
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    arrive(d, "A ack=11");
    expect_rest(d);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "FA seq=11 ack=2");
}

DIALOGUE(half_closed_and_quiet) /* FIN-WAIT-2 keeps what it needs for the peer's data */
{
    reach(d, GANDER_TCP_FIN_WAIT_2);
    expect_silence_until(d, sec(1000));
    arrive(d, "PA len=10");
    app_receive(d, 10);
    expect_after(d, ms(40), "A seq=2 ack=11");
    arrive(d, "FA");
    expect(d, "A seq=2 ack=12");
}

/* [RFC5681 4.1]: after more than an RTO of silence at most the restart window, min(IW, cwnd) */
DIALOGUE(window_after_a_silence)
{
    uint32_t initial, grown;

    open_passive(d);
    after(d, ms(10));
    initial = dialogue_info(d).cwnd_bytes;
    for (unsigned i = 0; i < 30; i++) {
        app_send(d, 20 * d->smss);
        while (allow(d, "A"))
            ;
        after(d, ms(10));
        arrive(d, "A");
        while (allow(d, "A"))
            ;
        arrive(d, "A");
    }
    grown = dialogue_info(d).cwnd_bytes;
    expect_true(d, grown > initial);
    after(d, dialogue_info(d).rto_ns / 2);
    expect_equal(d, dialogue_info(d).cwnd_bytes, grown); /* a pause that short changes nothing */
    app_send(d, 1);
    expect(d, "PA len=1");
    after(d, ms(10));
    arrive(d, "A");
    after(d, 2 * dialogue_info(d).rto_ns);
    app_send(d, 30 * d->smss);
    expect_equal(d, take_full(d, dialogue_info(d).snd_una - dialogue_info(d).iss) * d->smss,
                 initial / d->smss * d->smss);
    expect_true(d, dialogue_info(d).cwnd_bytes <= initial);
}

int main(int argc, char **argv)
{
    static const struct dialogue_test tests[] = {
        RUN(after_the_handshake),
        RUN(after_text_was_read),
        RUN(while_bytes_are_on_the_way),
        RUN(while_bytes_wait_for_a_window),
        RUN(while_something_lies_ahead_of_a_gap),
        RUN(while_a_fin_lies_ahead),
        RUN(in_close_wait_too),
        RUN(half_closed_and_quiet),
        RUN(window_after_a_silence),
    };

    return DIALOGUE_MAIN(tests);
}
