/* SPDX-License-Identifier: MIT */
/*
 * Delivery-rate samples [draft-ietf-ccwg-bbr, "Delivery Rate Samples"]: what was delivered since the newest acknowledged segment left,
 * over the longer of the times in which it was sent and acknowledged; and which samples an idle application held down.
 */
#include "dialogue.h"

static unsigned nth(const struct dialogue *d, uint32_t n)
{
    return n * d->smss + 1;
}

static void begin(struct dialogue *d)
{
    open_passive(d);
    app_send(d, 60 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
}

/* ten segments in 20 ms to the first ACK and 1 ms for each other */
DIALOGUE(rate_of_a_flight)
{
    begin(d);
    after(d, ms(20));
    for (unsigned i = 1; i <= 10; i++) {
        arrive(d, "A ack=%u", nth(d, i));
        while (allow(d, "A len=%u", (unsigned)d->smss))
            ;
        expect_near(d, dialogue_info(d).delivery_rate_bytes,
                    (int64_t)i * d->smss * 1000 / (19 + (int64_t)i), 2);
        after(d, ms(1));
    }
}

/* "ACK Rate": the time counts from the last ACK before the segment left, so bunched ACKs do not show a rate that the path has not */
DIALOGUE(bunched_acks_show_no_higher_rate)
{
    unsigned sent = 10;

    begin(d);
    after(d, ms(20));
    arrive(d, "A ack=%u", nth(d, 10));
    sent += take_full(d, nth(d, sent));
    expect_near(d, dialogue_info(d).delivery_rate_bytes, 10 * (int64_t)d->smss * 50, 2);
    after(d, ms(40));
    arrive(d, "A ack=%u", nth(d, sent));
    while (allow(d, "A len=%u", (unsigned)d->smss))
        ;
    expect_near(d, dialogue_info(d).delivery_rate_bytes, (sent - 10) * (int64_t)d->smss * 25, 2);
}

DIALOGUE(selective_acknowledgements_count) /* each segment once */
{
    app_listen(d, 1);
    arrive(d, "S sackok");
    expect(d, "SA seq=0 ack=1");
    after(d, ms(20));
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(20));
    arrive(d, "A ack=1 sack=%u-%u", nth(d, 1), nth(d, 3));
    while (allow(d, "A len=%u", (unsigned)d->smss))
        ;
    expect_near(d, dialogue_info(d).delivery_rate_bytes, 2 * (int64_t)d->smss * 50, 2);
    arrive(d, "A ack=%u", nth(d, 3));
    expect_near(d, dialogue_info(d).delivery_rate_bytes, 3 * (int64_t)d->smss * 50, 2);
}

/* "Tracking application-limited phases": nothing more to send while the window had room */
DIALOGUE(idle_application_marks_samples)
{
    unsigned sent = 10, acked;

    begin(d);
    after(d, ms(20));
    arrive(d, "A ack=%u", nth(d, 10));
    expect_true(
        d, dialogue_info(d).delivery_rate_app_limited); /* the first: there was nothing before */
    acked = sent;
    sent += take_full(d, nth(d, sent));
    after(d, ms(20));
    arrive(d, "A ack=%u", nth(d, acked + 2));
    expect_true(d, !dialogue_info(d).delivery_rate_app_limited);
    while (sent < 60) {
        while (allow(d, "A len=%u", (unsigned)d->smss))
            ;
        sent = (d->f->ours - 1) / d->smss;
        after(d, ms(20));
        arrive(d, "A ack=%u", nth(d, sent));
    }
    app_send(d, 2 * d->smss); /* after a pause: these two cannot show what the path has */
    expect_equal(d, take_full(d, nth(d, 60)), 2);
    after(d, ms(20));
    arrive(d, "A ack=%u", nth(d, 62));
    expect_true(d, dialogue_info(d).delivery_rate_app_limited);
}

static const struct dialogue_test tests[] = {
    RUN(rate_of_a_flight),
    RUN(bunched_acks_show_no_higher_rate),
    RUN(selective_acknowledgements_count),
    RUN(idle_application_marks_samples),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
