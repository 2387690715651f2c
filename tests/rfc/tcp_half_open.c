/* SPDX-License-Identifier: MIT */
/*
 * A connection before its handshake is complete: what a record of SYN-RECEIVED takes, refuses and passes on [RFC9293 3.10.7.4,
 * RFC5961 3.2, RFC7323 5.3], and cookies at any time of the day [RFC4987 3.6].
 */
#include "dialogue.h"

static void half_open(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "S seq=0 ws=3 sackok");
    expect(d, "SA seq=0 ack=1");
}

/* [RFC9293 3.4, 3.10.7.4 first]: a segment that begins before the window counts only if some of it is inside */
DIALOGUE(first_segment_straddles_the_left_edge)
{
    half_open(d);
    after(d, ms(10));
    arrive(d, "A seq=-3 ack=1 len=4"); /* ends before the window */
    expect(d, "A seq=1 ack=1");
    expect_drop(d, GANDER_DROP_tcp_out_of_window);
    arrive(d, "A seq=-3 ack=1 len=5"); /* one byte more */
    app_accept(d);
    app_receive(d, 1);
    expect(d, "A seq=1 ack=2"); /* the window opened by more than a segment: it was that of a SYN */
}

DIALOGUE(first_segment_ends_at_the_right_edge)
{
    half_open(d);
    after(d, ms(10));
    arrive(d, "A seq=65536 ack=1"); /* one past the window */
    expect(d, "A seq=1 ack=1");
    expect_drop(d, GANDER_DROP_tcp_out_of_window);
    arrive(d, "A seq=65535 ack=1 len=1");
    expect(d, "A seq=1 ack=1 sack=65535-65536");
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(resets_around_the_exact_number) /* [RFC5961 3.2] */
{
    half_open(d);
    after(d, ms(10));
    arrive(d, "R seq=2");
    expect(d, "A seq=1 ack=1");
    expect_drop(d, GANDER_DROP_tcp_rst_not_exact);
    arrive(d, "R seq=65535");
    expect(d, "A seq=1 ack=1");
    arrive(d, "R seq=65536"); /* outside: silence */
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_out_of_window);
    arrive(d, "R seq=0");
    expect_nothing(d);
    arrive(d, "R seq=-3 len=10"); /* its text reaches in, its number does not */
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 1);
    arrive(d, "R seq=1");
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 0);
}

DIALOGUE(syn_in_the_window_ends_nothing) /* [RFC5961 4.2] */
{
    half_open(d);
    after(d, ms(10));
    arrive(d, "S seq=5");
    expect(d, "A seq=1 ack=1");
    expect_drop(d, GANDER_DROP_tcp_syn_in_window);
    arrive(
        d,
        "SA seq=0 ack=1 ws=3"); /* with an ACK it is not the SYN again, and lies before the window */
    expect(d, "A seq=1 ack=1");
    arrive(d, "A seq=1 ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(only_the_ack_of_our_syn_opens) /* [RFC9293 3.10.7.4 fifth]: SND.UNA < SEG.ACK =< SND.NXT */
{
    half_open(d);
    arrive(d, "A seq=1 ack=0");
    expect(d, "R seq=0");
    arrive(d, "A seq=1 ack=2");
    expect(d, "R seq=2");
    arrive(d, "F seq=1");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_no_ack);
    arrive(d, "A seq=1 ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(timestamps_are_checked) /* [RFC7323 3.2, 5.3 R1] */
{
    half_open(d);
    if (!d->ts)
        return;
    arrive(d, "A seq=1 ack=1 nots");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_no_timestamp);
    arrive(d, "A seq=1 ack=1 ts=4999,0"); /* older than the SYN's */
    expect(d, "A seq=1 ack=1");
    expect_drop(d, GANDER_DROP_tcp_paws);
    arrive(d, "A seq=1 ack=1 ts=5000,0");
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(what_was_agreed_is_passed_on)
{
    half_open(d);
    after(d, ms(70));
    arrive(d, "A seq=1 ack=1 wnd=100");
    app_accept(d);
    expect_equal(d, dialogue_info(d).snd_wscale, 3);
    expect_equal(d, dialogue_info(d).snd_wnd, 800);
    expect_true(d, dialogue_info(d).sack && dialogue_info(d).window_scaling);
    expect_equal(d, dialogue_info(d).srtt_ns, ms(70)); /* [RFC6298 2.2] */
    expect_equal(d, dialogue_info(d).rttvar_ns, ms(35));
    expect_equal(d, dialogue_info(d).mss_send_bytes, d->smss);
    expect_equal(d, dialogue_info(d).cwnd_bytes / d->smss, 10);
}

DIALOGUE(
    resent_syn_ack_gives_no_sample) /* Karn [RFC6298 3]; and the window begins with one segment [RFC5681 3.1] */
{
    half_open(d);
    expect_at(d, sec(1), "SA seq=0 ack=1");
    after(d, ms(10));
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    expect_equal(d, dialogue_info(d).srtt_ns, 0);
    expect_equal(d, dialogue_info(d).rto_ns, sec(3)); /* (5.7) */
    expect_equal(d, dialogue_info(d).cwnd_bytes, d->smss);
}

/* --- cookies ------------------------------------------------------------------------------------------------ */

/* The backlog of one is taken by flow 0. */
static void flood(struct dialogue *d)
{
    dialogue_flow(d, 0);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
}

static void flood_ends(struct dialogue *d)
{
    dialogue_flow(d, 0);
    arrive(d, "R seq=1");
    expect_nothing(d);
}

/* A cookie holds its time in periods of 64 s, modulo 32: none of them is special. */
DIALOGUE(cookies_at_any_time)
{
    static const int periods[] = {0, 1, 5, 15, 16, 17, 30, 31, 32, 33, 100};

    app_listen(d, 1);
    for (unsigned i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
        at(d, sec(64) * periods[i]);
        flood(d);
        dialogue_flow(d, i + 1);
        arrive(d, "S seq=0");
        expect(d, "SA seq=0 ack=1");
        flood_ends(d);
        dialogue_flow(d, i + 1);
        arrive(d, "A seq=1 ack=1");
        expect_equal(d, dialogue_stats(d).tcp_syn_cookies_accepted, i + 1);
        expect_equal(d, gander_accept(d->stack, d->listener, &d->s, NULL), 0);
        expect_equal(d, dialogue_info(d).srtt_ns, 0); /* it remembers no time */
        app_abort(d);
        expect(d, "RA ack=1");
    }
}

DIALOGUE(cookies_age) /* believed for a while, whenever in a period they were made; not for ever */
{
    static const int asked_s[] = {0, 30, 53, 54, 63};

    app_listen(d, 1);
    for (unsigned i = 0; i < sizeof(asked_s) / sizeof(asked_s[0]); i++)
        for (unsigned late = 0; late < 2; late++) {
            at(d, sec(640) * (2 * i + late + 1) + sec(asked_s[i]));
            flood(d);
            dialogue_flow(d, 1 + 2 * i + late);
            arrive(d, "S seq=0");
            expect(d, "SA seq=0 ack=1");
            flood_ends(d);
            dialogue_flow(d, 1 + 2 * i + late);
            after(d, late ? sec(200) : sec(60));
            arrive(d, "A seq=1 ack=1");
            if (late) {
                expect(d, "R seq=1");
                continue;
            }
            expect_equal(d, gander_accept(d->stack, d->listener, &d->s, NULL), 0);
            app_abort(d);
            expect(d, "RA ack=1");
        }
}

DIALOGUE(
    cookie_without_a_size) /* [RFC9293 3.7.1, MUST-15]: 536, or 1,220; timestamps take their part */
{
    app_listen(d, 1);
    flood(d);
    dialogue_flow(d, 1);
    arrive(d, "S seq=0 nomss");
    expect(d, "SA seq=0 ack=1");
    flood_ends(d);
    dialogue_flow(d, 1);
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    expect_equal(d, dialogue_info(d).mss_send_bytes,
                 (d->family == GANDER_IPV4 ? 536 : 1220) - (d->ts ? 12 : 0));
}

DIALOGUE(cookie_finds_the_queue_full) /* the backlog holds for what came by cookie, too */
{
    app_listen(d, 1);
    flood(d);
    dialogue_flow(d, 1);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    dialogue_flow(d, 0);
    arrive(d, "A seq=1 ack=1"); /* waits for gander_accept(): that is the backlog */
    dialogue_flow(d, 1);
    arrive(d, "A seq=1 ack=1");
    expect(d, "R seq=1");
    dialogue_flow(d, 2);
    arrive(d, "S seq=0");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_backlog);
}

int main(int argc, char **argv)
{
    static const struct dialogue_test tests[] = {
        RUN(first_segment_straddles_the_left_edge),
        RUN(first_segment_ends_at_the_right_edge),
        RUN(resets_around_the_exact_number),
        RUN(syn_in_the_window_ends_nothing),
        RUN(only_the_ack_of_our_syn_opens),
        RUN(timestamps_are_checked),
        RUN(what_was_agreed_is_passed_on),
        RUN(resent_syn_ack_gives_no_sample),
        RUN(cookies_at_any_time),
        RUN(cookies_age),
        RUN(cookie_without_a_size),
        RUN(cookie_finds_the_queue_full),
    };

    return DIALOGUE_MAIN(tests);
}
