/* SPDX-License-Identifier: MIT */
/* Urgent data: RFC 9293 3.8.5, RFC 6093 (the pointer's meaning; the bytes stay in the stream). */
#include "dialogue.h"

static void expect_urgent(struct dialogue *d, uint32_t offset)
{
    struct gander_tcp_info info = dialogue_info(d);

    expect_true(d, info.urgent);
    expect_equal(d, info.urgent_offset, offset);
}

static void acknowledge(struct dialogue *d)
{
    if (!allow(d, "A seq=1 len=0")) {
        after(d, ms(40));
        allow(d, "A seq=1 len=0");
    }
}

/* --- sending ----------------------------------------------------------------------------------------- */

DIALOGUE(pointer_is_behind_the_last_urgent_byte) /* [RFC9293 MUST-30, MUST-62; RFC6093 4] */
{
    open_passive(d);
    app_send_flags(d, 10, GANDER_SEND_URGENT);
    expect(d, "AU seq=1 len=10 up=10");
    arrive(d, "A ack=11");
    app_send(d, 5);
    expect(d, "A seq=11 len=5"); /* no more: flags are compared */
}

DIALOGUE(urgent_mode_lasts_over_several_segments) /* [RFC9293 MUST-31]: any length */
{
    open_passive(d);
    app_send_flags(d, 3 * d->smss + 10, GANDER_SEND_URGENT);
    expect(d, "AU seq=1 len=%u up=%u", (unsigned)d->smss, (unsigned)(3 * d->smss + 10));
    expect(d, "AU len=%u up=%u", (unsigned)d->smss, (unsigned)(2 * d->smss + 10));
    expect(d, "AU len=%u up=%u", (unsigned)d->smss, (unsigned)(d->smss + 10));
    expect(d, "AU len=10 up=10");
}

DIALOGUE(urgent_retransmission) /* the mark is still there */
{
    open_passive(d);
    app_send_flags(d, 10, GANDER_SEND_URGENT);
    expect(d, "AU seq=1 len=10 up=10");
    wait_for_segment(d, sec(3));
    expect(d, "AU seq=1 len=10 up=10");
}

DIALOGUE(urgent_is_told_although_the_window_is_closed) /* [RFC9293 MUST-66]: the probe carries it */
{
    open_passive(d);
    arrive(d, "A wnd=0");
    app_send_flags(d, 10, GANDER_SEND_URGENT);
    if (!d->first)
        wait_for_segment(d, sec(2));
    expect(d, "AU seq=1 up=10");
}

/* --- receiving --------------------------------------------------------------------------------------------- */

DIALOGUE(application_is_told) /* [RFC9293 MUST-32, MUST-33; RFC6093 6: in line] */
{
    open_passive(d);
    arrive(d, "PAU len=20 up=20");
    expect_event(d, GANDER_EVENT_URGENT | GANDER_EVENT_READABLE);
    expect_urgent(d, 20);
    acknowledge(d);
    app_receive(d, 10);
    expect_urgent(d, 10);
    app_receive(d, 10);
    expect_true(d, !dialogue_info(d).urgent);
}

DIALOGUE(told_before_the_bytes_arrive) /* "asynchronously": the pointer may lie ahead of RCV.NXT */
{
    open_passive(d);
    arrive(d, "AU seq=1 len=0 up=500");
    allow(d, "A seq=1");
    expect_event(d, GANDER_EVENT_URGENT);
    expect_true(d, dialogue_info(d).urgent);
    app_receive_gives(d, GANDER_EAGAIN);
    arrive(d, "PA seq=1 len=499");
    app_receive(d, 499);
    expect_true(d, dialogue_info(d).urgent);
    acknowledge(d);
    arrive(d, "PA seq=500 len=10");
    app_receive(d, 10);
    expect_true(d, !dialogue_info(d).urgent);
    acknowledge(d);
}

DIALOGUE(told_again_when_the_pointer_advances) /* [RFC9293 MUST-32] */
{
    open_passive(d);
    arrive(d, "PAU seq=1 len=10 up=10");
    expect_event(d, GANDER_EVENT_URGENT);
    acknowledge(d);
    arrive(d, "PAU seq=11 len=10 up=10");
    expect_event(d, GANDER_EVENT_URGENT);
    expect_urgent(d, 20);
    acknowledge(d);
    app_receive(d, 20);
}

DIALOGUE(not_told_twice_for_the_same) /* [RFC9293 3.10.7.4 sixth]: "do not signal the user again" */
{
    open_passive(d);
    arrive(d, "AU seq=1 len=10 up=30");
    expect_event(d, GANDER_EVENT_URGENT);
    acknowledge(d);
    arrive(d, "AU seq=11 len=10 up=20");
    expect_no_event(d, GANDER_EVENT_URGENT);
    acknowledge(d);
    arrive(d, "AU seq=21 len=10 up=5"); /* behind the one known: it does not recede */
    expect_no_event(d, GANDER_EVENT_URGENT);
    expect_urgent(d, 30);
    acknowledge(d);
    app_receive(d, 30);
}

/* [RFC9293 3.8.5]: "should be robust to invalid urgent pointer values" */
DIALOGUE(strange_pointers)
{
    open_passive(d);
    arrive(d, "PAU seq=1 len=10 up=0"); /* points before the segment's first byte */
    acknowledge(d);
    app_receive(d, 10);
    expect_true(d, !dialogue_info(d).urgent);
    arrive(d, "PAU seq=11 len=10 up=65535");
    acknowledge(d);
    app_receive(d, 10);
    arrive(d, "PA seq=21 len=10"); /* the flag is gone; the stream goes on */
    acknowledge(d);
    app_receive(d, 10);
    arrive(d, "PA seq=31 len=10 up=5"); /* a pointer without URG means nothing */
    acknowledge(d);
    app_receive(d, 10);
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(urgent_with_fin)
{
    open_passive(d);
    arrive(d, "FAU seq=1 len=10 up=11"); /* counts the FIN: beyond the last byte */
    expect(d, "A ack=12");
    app_receive(d, 10);
    app_receive_gives(d, 0);
}

static const struct dialogue_test tests[] = {
    RUN(pointer_is_behind_the_last_urgent_byte),
    RUN(urgent_mode_lasts_over_several_segments),
    RUN(urgent_retransmission),
    RUN(urgent_is_told_although_the_window_is_closed),
    RUN(application_is_told),
    RUN(told_before_the_bytes_arrive),
    RUN(told_again_when_the_pointer_advances),
    RUN(not_told_twice_for_the_same),
    RUN(strange_pointers),
    RUN(urgent_with_fin),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
