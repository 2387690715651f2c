/* SPDX-License-Identifier: MIT */
/* Both ends open at once: RFC 9293 3.5 Figure 7, MUST-10, MUST-11. */
#include "dialogue.h"

DIALOGUE(simultaneous_open) /* [RFC9293 MUST-10, 3.5 Figure 7] */
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1 len=0");
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    expect_no_event(d, GANDER_EVENT_CONNECTED);
    arrive(d, "SA seq=0 ack=1");
    allow(d, "A seq=1 ack=1 len=0"); /* SEG.SEQ is below RCV.NXT [3.10.7.4 first] */
    expect_state(d, GANDER_TCP_ESTABLISHED);
    expect_event(d, GANDER_EVENT_CONNECTED);
    app_send(d, 10);
    expect(d, "PA seq=1 ack=1 len=10");
}

DIALOGUE(simultaneous_open_ack_alone) /* [RFC9293 3.10.7.4 fifth SYN-RECEIVED] */
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=1");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_ESTABLISHED);
    expect_event(d, GANDER_EVENT_CONNECTED);
}

/* [RFC9293 3.10.7.4 second, MUST-11: it came from an active open] */
DIALOGUE(simultaneous_open_reset_is_refusal)
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "R seq=1");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, GANDER_ECONNREFUSED);
}

DIALOGUE(simultaneous_open_wrong_ack) /* [RFC9293 3.10.7.4 fifth SYN-RECEIVED] */
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=0");
    expect(d, "R seq=0 len=0");
    arrive(d, "A seq=1 ack=2");
    expect(d, "R seq=2 len=0");
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "A seq=1 ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(simultaneous_open_retransmits_syn_ack) /* [RFC6298 5.4] */
{
    app_connect(d);
    expect(d, "S seq=0");
    after(d, ms(100));
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    wait_for_segment(d, sec(3));
    expect(d, "SA seq=0 ack=1");
    expect_true(d, d->now >= sec(1));
}

static const struct dialogue_test tests[] = {
    RUN(simultaneous_open),
    RUN(simultaneous_open_ack_alone),
    RUN(simultaneous_open_reset_is_refusal),
    RUN(simultaneous_open_wrong_ack),
    RUN(simultaneous_open_retransmits_syn_ack),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
