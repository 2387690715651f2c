/* SPDX-License-Identifier: MIT */
/*
 * What comes back with a SYN cookie (docs/security.md A3; RFC 4987 3.6): text and FIN of the first segment, each segment size and window scale, SACK;
 * for how long; and what a second SYN gets. The rest is in rfc/tcp_syn_cookies.c, the counts in flood.c.
 */
#include "rfc/dialogue.h"

/* One SYN that nobody follows up takes the backlog; the next flow is the current one. */
static void overflow(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    dialogue_flow(d, 1);
}

DIALOGUE(text_and_fin_with_the_cookie)
{
    overflow(d);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "FPA seq=1 ack=1 len=50");
    expect(d, "A seq=1 ack=52");
    app_accept(d);
    app_receive(d, 50);
    app_receive_gives(d, 0);
    expect_state(d, GANDER_TCP_CLOSE_WAIT);
    app_send(d, 10);
    expect(d, "PA seq=1 ack=52 len=10");
    app_close(d);
    expect(d, "FA seq=11 ack=52");
    arrive(d, "A seq=52 ack=12");
    expect_state(d, GANDER_TCP_CLOSED);
}

DIALOGUE(fin_alone_with_the_cookie)
{
    overflow(d);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "FA seq=1 ack=1");
    expect(d, "A seq=1 ack=2");
    app_accept(d);
    app_receive_gives(d, 0);
    app_close(d);
    expect(d, "FA seq=1 ack=2");
    arrive(d, "A seq=2 ack=2");
    expect_state(d, GANDER_TCP_CLOSED);
}

/* A reset to the exact cookie: no record, no connection, no answer. */
DIALOGUE(reset_with_the_cookie)
{
    overflow(d);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "RA seq=1 ack=1");
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_syn_cookies_accepted, 0);
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
}

DIALOGUE(every_scale_comes_back)
{
    overflow(d);
    for (unsigned scale = 0; scale < 15; scale++) { /* 15: none */
        dialogue_flow(d, 1 + scale);
        if (scale < 14)
            arrive(d, "S seq=0 ws=%u", scale + 1);
        else
            arrive(d, "S seq=0");
        expect(d, "SA seq=0 ack=1");
        after(d, ms(7)); /* the clock that hides the bits goes on */
        arrive(d, "A seq=1 ack=1 wnd=100");
        app_accept(d);
        expect_equal(d, dialogue_info(d).window_scaling, d->ts && scale < 14);
        if (d->ts && scale < 14)
            expect_equal(d, dialogue_info(d).snd_wscale, scale + 1);
        arrive(d, "A seq=1 ack=1 wnd=101");
        expect_equal(d, dialogue_info(d).snd_wnd, d->ts && scale < 14 ? 101u << (scale + 1) : 101u);
        app_abort(d);
        expect(d, "RA");
    }
}

DIALOGUE(every_size_comes_back)
{
    static const unsigned sizes[] = {1, 64, 65, 255, 300, 536, 1000, 1220, 1400, 1440, 1460, 9000};

    overflow(d);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint32_t segment, offered = sizes[i] < 64 ? 64 : sizes[i];

        dialogue_flow(d, 1 + i);
        arrive(d, "S seq=0 mss=%u", sizes[i]);
        expect(d, "SA seq=0 ack=1");
        arrive(d, "A seq=1 ack=1");
        app_accept(d);
        segment = dialogue_info(d).mss_send_bytes + (d->ts ? 12 : 0);
        expect_true(d, segment <= offered); /* never more than the peer can take */
        expect_true(d, segment >= offered / 4 || segment >= 1440); /* and not much less */
        app_abort(d);
        expect(d, "RA");
    }
}

DIALOGUE(believed_for_one_period_and_the_next)
{
    static const unsigned ages_s[] = {0, 30, 63};

    overflow(d);
    for (unsigned i = 0; i < 3; i++) {
        dialogue_flow(d, 1 + i);
        arrive(d, "S seq=0");
        expect(d, "SA seq=0 ack=1");
    }
    dialogue_flow(d, 0);
    arrive(d, "R seq=1"); /* no more overflow */
    for (unsigned i = 0; i < 3; i++) {
        at(d, sec(ages_s[i]));
        dialogue_flow(d, 1 + i);
        arrive(d, "A seq=1 ack=1");
        app_accept(d);
        expect_equal(d, dialogue_stats(d).tcp_syn_cookies_accepted, i + 1);
    }
}

/* The SYN again, its answer was lost: any answer to it works. */
DIALOGUE(syn_again_gets_a_cookie_again)
{
    uint32_t first;

    overflow(d);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    first = d->f->iss;
    after(d, ms(900));
    d->f->next = 0;
    arrive(d, "S seq=0");
    expect(d, "SA ack=1");
    expect_equal(d, d->f->iss, first); /* in the same period the same */
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    dialogue_flow(d, 0);
    arrive(d, "R seq=1");
}

/* A place becomes free: the next SYN is remembered again, and cookies of before still count. */
DIALOGUE(records_and_cookies_side_by_side)
{
    overflow(d);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    dialogue_flow(d, 0);
    arrive(d, "R seq=1");
    dialogue_flow(d, 2);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    expect_equal(d, dialogue_stats(d).tcp_syn_cookies_sent, 1);
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 1);
    dialogue_flow(d, 1);
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    dialogue_flow(d, 2);
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    expect_equal(d, dialogue_stats(d).tcp_syn_cookies_accepted, 1);
}

static void without_cookies(struct gander_config *config)
{
    config->tcp_syn_cookies = false;
}

DIALOGUE(switched_off_they_are_off)
{
    overflow(d);
    arrive(d, "S seq=0");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_backlog);
    dialogue_flow(d, 0);
    arrive(d, "R seq=1");
}

static const struct dialogue_test tests[] = {
    RUN(text_and_fin_with_the_cookie),
    RUN(fin_alone_with_the_cookie),
    RUN(reset_with_the_cookie),
    RUN(every_scale_comes_back),
    RUN(every_size_comes_back),
    RUN(believed_for_one_period_and_the_next),
    RUN(syn_again_gets_a_cookie_again),
    RUN(records_and_cookies_side_by_side),
    RUN_WITH(switched_off_they_are_off, without_cookies),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
