/* SPDX-License-Identifier: MIT */
/*
 * Pacing [draft-ietf-ccwg-bbr, "Pacing Rate", "Send Quantum"]: what the windows let go leaves in quanta, to the nanosecond; an
 * application's limit; what is not paced; and what every switch of algorithm or option does on the way.
 */
#include <string.h>

#include "dialogue.h"

static unsigned nth(const struct dialogue *d, uint32_t n)
{
    return n * d->smss + 1;
}

static void open_with_rtt(struct dialogue *d, gander_time rtt)
{
    app_listen(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    after(d, rtt);
    arrive(d, "A ack=1");
    app_accept(d);
}

/* Full segments that leave at this time. */
static unsigned burst(struct dialogue *d, unsigned sent)
{
    return take_full(d, nth(d, sent));
}

DIALOGUE(not_paced_by_default)
{
    open_with_rtt(d, ms(100));
    app_send(d, 20 * d->smss);
    expect_equal(d, burst(d, 0), 10);
    expect_nothing(d);
}

/* 100,000 bytes a second: a quantum of two segments, the least, each time when two have had their time */
DIALOGUE(limit_of_the_application_is_kept)
{
    unsigned sent = 0;
    gander_time begin;

    open_with_rtt(d, ms(100));
    app_option(d, MAX_PACING_RATE, 100000);
    app_send(d, 10 * d->smss);
    begin = d->now;
    sent += burst(d, sent);
    expect_equal(d, sent, 2);
    while (sent < 10) {
        unsigned n;

        wait_for_segment(d, d->now + sec(1));
        n = burst(d, sent);
        expect_true(d, n >= 1 && n <= 3);
        sent += n;
        /* never more than the rate, and a quantum and a half */
        expect_true(d,
                    (int64_t)sent * d->smss <= (d->now - begin) / 10000 + 7 * (int64_t)d->smss / 2);
    }
    expect_near(d, d->now - begin, (gander_time)8 * d->smss * 10000, ms(12));
}

/* twice cwnd a round trip in slow start: a first window takes half a round trip */
DIALOGUE(window_spreads_over_the_round_trip)
{
    unsigned sent = 0;
    gander_time begin;

    open_with_rtt(d, ms(100));
    app_send(d, 20 * d->smss);
    begin = d->now;
    while (sent < 10) {
        unsigned n = burst(d, sent);

        expect_true(d, n <= 3);
        sent += n;
        if (sent < 10)
            wait_for_segment(d, begin + ms(60));
    }
    expect_near(d, d->now - begin, ms(38), ms(8));
    expect_nothing(d);
}

DIALOGUE(a_pause_earns_no_burst)
{
    unsigned sent = 0;

    open_with_rtt(d, ms(100));
    app_option(d, MAX_PACING_RATE, 100000);
    app_send(d, 2 * d->smss);
    sent += burst(d, sent);
    after(d, ms(100));
    arrive(d, "A ack=%u", nth(d, sent));
    expect_nothing(d);
    after(d, ms(50));
    app_send(d, 6 * d->smss);
    expect_equal(d, burst(d, sent), 2);
    expect_nothing(d);
}

/* the limit gone, what waits leaves at once */
DIALOGUE(option_takes_effect_on_the_way)
{
    unsigned sent = 0;

    open_with_rtt(d, ms(100));
    app_option(d, MAX_PACING_RATE, 20000);
    app_send(d, 10 * d->smss);
    sent += burst(d, sent);
    expect_equal(d, sent, 2);
    app_option(d, MAX_PACING_RATE, 0);
    arrive(d, "A ack=%u", nth(d, 1));
    sent += burst(d, sent);
    expect_equal(d, sent, 10);
}

DIALOGUE(
    bbr_always_paces) /* 2.77 × the initial window in the first round trip, until there is a sample */
{
    unsigned sent = 0;
    gander_time begin;

    open_with_rtt(d, ms(100));
    app_send(d, 30 * d->smss);
    begin = d->now;
    while (sent < 10) {
        unsigned n = burst(d, sent);

        expect_true(d, n <= 3);
        sent += n;
        if (sent < 10)
            wait_for_segment(d, begin + ms(50));
    }
    expect_near(d, d->now - begin, ms(100) * 100 / 277 * 8 / 10, ms(7));
}

DIALOGUE(
    another_algorithm_on_the_way) /* goes on from the window there is; BBR's pacing ends with it */
{
    uint32_t cwnd;

    open_with_rtt(d, ms(100));
    app_send(d, 2 * d->smss);
    expect_equal(d, burst(d, 0), 2);
    after(d, ms(100));
    arrive(d, "A ack=%u", nth(d, 2));
    cwnd = dialogue_info(d).cwnd_bytes;
    expect_equal(d, gander_set_congestion_control(d->stack, d->s, "cubic"), 0);
    expect_equal(d, dialogue_info(d).cwnd_bytes, cwnd);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, nth(d, 2)), 10);
    expect_equal(d, gander_set_congestion_control(d->stack, d->s, "bbr"), 0);
    after(d, ms(100));
    arrive(d, "A ack=%u", nth(d, 12));
    expect_true(d, strcmp(dialogue_info(d).congestion_control, "bbr") == 0);
    expect_true(d, dialogue_info(d).cwnd_bytes >= cwnd);
}

/* what BBR knows outlives the working memory: no restart window after silence [draft, "Restarting From Idle"] */
DIALOGUE(bbr_goes_on_after_silence)
{
    uint32_t cwnd;
    unsigned sent = 0;

    open_with_rtt(d, ms(100));
    app_send(d, 10 * d->smss);
    while (sent < 10) {
        sent += burst(d, sent);
        if (sent < 10)
            wait_for_segment(d, d->now + ms(50));
    }
    after(d, ms(100));
    arrive(d, "A ack=%u", nth(d, 10));
    cwnd = dialogue_info(d).cwnd_bytes;
    expect_true(d, cwnd > 10 * d->smss);
    after(d, sec(3));
    app_send(d, 2 * d->smss);
    expect_equal(d, burst(d, 10), 2);
    expect_equal(d, dialogue_info(d).cwnd_bytes, cwnd);
}

static void paced(struct gander_config *config)
{
    config->tcp_pacing = true;
}

static void bbr(struct gander_config *config)
{
    config->tcp_congestion_control = "bbr";
}

static const struct dialogue_test tests[] = {
    RUN(not_paced_by_default),
    RUN(limit_of_the_application_is_kept),
    RUN_WITH(window_spreads_over_the_round_trip, paced),
    RUN(a_pause_earns_no_burst),
    RUN(option_takes_effect_on_the_way),
    RUN_WITH(bbr_always_paces, bbr),
    RUN_WITH(another_algorithm_on_the_way, bbr),
    RUN_WITH(bbr_goes_on_after_silence, bbr),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
