/* SPDX-License-Identifier: MIT */
/* Keepalive: RFC 9293 3.8.4. */
#include "dialogue.h"

static void open_idle(struct dialogue *d)
{
    open_passive(d);
    app_option(d, KEEPALIVE, 1);
}

DIALOGUE(off_by_default) /* [RFC9293 MUST-25] */
{
    open_passive(d);
    expect_silence_until(d, sec(4 * 7200));
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

/* [RFC9293 MUST-28, SHLD-12: without data, SEG.SEQ = SND.NXT-1] */
DIALOGUE(first_probe_after_two_hours)
{
    open_idle(d);
    expect_at(d, sec(7200), "A seq=0 ack=1 len=0");
    arrive(d, "A seq=1 ack=1");
    expect_nothing(d);
    expect_at(d, sec(2 * 7200), "A seq=0 ack=1 len=0");
}

DIALOGUE(one_lost_probe_is_no_death) /* [RFC9293 MUST-29] */
{
    open_idle(d);
    for (int i = 0; i < 8; i++)
        expect_at(d, sec(7200 + 75 * i), "A seq=0 ack=1 len=0");
    arrive(d, "A seq=1 ack=1");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_ESTABLISHED);
    expect_silence_until(d, sec(7200 + 75 * 7 + 7200) - 1);
    expect_at(d, sec(7200 + 75 * 7 + 7200), "A seq=0 ack=1 len=0");
}

DIALOGUE(all_probes_lost) /* tcp_keepalive_probes (9) */
{
    open_idle(d);
    for (int i = 0; i < 9; i++)
        expect_at(d, sec(7200 + 75 * i), "A seq=0 ack=1 len=0");
    expect_no_event(d, GANDER_EVENT_CLOSED);
    at(d, sec(7200 + 75 * 9));
    if (!allow(d, "RA seq=1"))
        allow(d, "R seq=1");
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, GANDER_ETIMEDOUT);
}

DIALOGUE(peer_that_has_forgotten_resets)
{
    open_idle(d);
    expect_at(d, sec(7200), "A seq=0 ack=1 len=0");
    arrive(d, "R seq=1");
    expect_closed(d, GANDER_ECONNRESET);
}

/* [RFC9293 MUST-26]: data or acknowledgements within the interval */
DIALOGUE(anything_heard_begins_it_anew)
{
    open_idle(d);
    at(d, sec(7000));
    arrive(d, "PA len=10");
    app_receive(d, 10);
    expect_after(d, ms(40), "A ack=11");
    expect_silence_until(d, sec(7000 + 7200) - 1);
    expect_at(d, sec(7000 + 7200), "A seq=0 ack=11 len=0");
}

DIALOGUE(not_while_data_are_outstanding) /* [RFC9293 MUST-26] */
{
    open_idle(d);
    app_option(d, KEEPALIVE_IDLE_NS, sec(2));
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    for (int i = 0; i < 7; i++) { /* only retransmissions */
        wait_for_segment(d, d->now + sec(20));
        expect(d, "PA seq=1 len=10");
    }
    expect_true(d, d->now > sec(10));
    arrive(d, "A ack=11");
    expect_after(d, sec(2), "A seq=10 ack=1 len=0");
}

DIALOGUE(configurable_for_each_connection) /* [RFC9293 MUST-24, MUST-27] */
{
    gander_time t;

    open_idle(d);
    app_option(d, KEEPALIVE_IDLE_NS, sec(10));
    app_option(d, KEEPALIVE_INTERVAL_NS, sec(3));
    app_option(d, KEEPALIVE_PROBES, 2);
    expect_at(d, sec(10), "A seq=0 len=0");
    arrive(d, "A seq=1");
    app_option(d, KEEPALIVE, 0);
    expect_silence_until(d, sec(100));
    app_option(d, KEEPALIVE, 1);
    t = wait_for_segment(d, sec(111)); /* silent for longer than 10 s by now: at once, or in 10 s */
    expect(d, "A seq=0 len=0");
    expect_at(d, t + sec(3), "A seq=0 len=0");
    at(d, t + sec(6));
    if (!allow(d, "RA seq=1"))
        allow(d, "R seq=1");
    expect_closed(d, GANDER_ETIMEDOUT);
}

/* SEG.SEQ = RCV.NXT-1, with and without a garbage octet [RFC9293 3.8.4] */
DIALOGUE(probes_of_a_peer_are_answered)
{
    open_passive(d);
    arrive(d, "A seq=0 ack=1 len=0");
    expect(d, "A seq=1 ack=1 len=0");
    after(d, sec(1));
    arrive(d, "A seq=0 ack=1 len=1 fill=255");
    expect(d, "A seq=1 ack=1 len=0");
    app_receive_gives(d, GANDER_EAGAIN);
}

DIALOGUE(inherited_from_the_listener)
{
    app_listen(d, 1);
    expect_equal(d, gander_set_option(d->stack, d->listener, GANDER_OPTION_KEEPALIVE, 1), 0);
    expect_equal(
        d, gander_set_option(d->stack, d->listener, GANDER_OPTION_KEEPALIVE_IDLE_NS, sec(5)), 0);
    arrive(d, "S");
    expect(d, "SA seq=0");
    arrive(d, "A ack=1");
    app_accept(d);
    expect_at(d, sec(5), "A seq=0 ack=1 len=0");
}

static const struct dialogue_test tests[] = {
    RUN(off_by_default),
    RUN(first_probe_after_two_hours),
    RUN(one_lost_probe_is_no_death),
    RUN(all_probes_lost),
    RUN(peer_that_has_forgotten_resets),
    RUN(anything_heard_begins_it_anew),
    RUN(not_while_data_are_outstanding),
    RUN(configurable_for_each_connection),
    RUN(probes_of_a_peer_are_answered),
    RUN(inherited_from_the_listener),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
