/* SPDX-License-Identifier: MIT */
/*
 * Each knob of a socket or stack that has no dialogue elsewhere, by what it does to segments: time-outs and their bounds [RFC6298 2], the
 * delayed ACK [RFC9293 3.8.6.3], retries [RFC9293 3.8.3], windows, Nagle's algorithm [RFC9293 3.7.4], what the SYN offers.
 */
#include "dialogue.h"

static void bound_listener(struct dialogue *d, enum gander_option option, int64_t value)
{
    app_listen(d, 2);
    expect_equal(d, gander_set_option(d->stack, d->listener, option, value), 0);
}

static void handshake(struct dialogue *d)
{
    arrive(d, "S");
    expect(d, "SA");
    arrive(d, "A");
    app_accept(d);
}

DIALOGUE(rto_initial_of_a_socket) /* [RFC6298 2] (2.1) */
{
    gander_open(d->stack, GANDER_TCP, &d->s);
    app_option(d, RTO_INITIAL_NS, ms(300));
    app_connect(d);
    expect(d, "S seq=0");
    expect_at(d, ms(300), "S seq=0");
    expect_at(d, ms(900), "S seq=0");
    expect_at(d, ms(2100), "S seq=0");
}

DIALOGUE(rto_min_of_a_socket) /* [RFC6298 2] (2.4) */
{
    open_passive(d);
    app_option(d, RTO_MIN_NS, ms(700));
    app_send(d, 100);
    expect(d, "A seq=1 len=100");
    expect_after(d, ms(700), "A seq=1 len=100");
}

DIALOGUE(rto_max_of_a_socket) /* [RFC6298 2] (2.5) */
{
    open_passive(d);
    app_option(d, RTO_MAX_NS, ms(500));
    app_send(d, 100);
    expect(d, "A seq=1 len=100");
    expect_at(d, ms(200), "A seq=1 len=100");
    for (int i = 0; i < 5; i++)
        expect_at(d, i == 0 ? ms(600) : d->now + ms(500), "A seq=1 len=100");
}

DIALOGUE(delayed_ack_of_a_socket) /* [RFC9293 3.8.6.3] */
{
    open_passive(d);
    app_option(d, DELAYED_ACK_NS, ms(120));
    arrive(d, "A seq=1 len=100");
    expect_at(d, ms(120), "A ack=101");
    app_option(d, DELAYED_ACK_NS, 0);
    arrive(d, "A seq=101 len=100");
    at(d, d->now);
    expect(d, "A ack=201");
}

DIALOGUE(quickack_of_first_segments) /* [RFC5681 4.2] */
{
    open_passive(d);
    for (unsigned i = 0; i < 3; i++) {
        arrive(d, "A seq=%u len=100", 1 + 100 * i);
        expect(d, "A ack=%u", 101 + 100 * i);
    }
    arrive(d, "A seq=301 len=100"); /* from the fourth on as ever */
    expect_after(d, ms(40), "A ack=401");
}

DIALOGUE(quickack_ends_with_an_answer)
{
    open_passive(d);
    arrive(d, "A seq=1 len=100");
    expect(d, "A ack=101");
    app_send(d, 50);
    expect(d, "A seq=1 len=50 ack=101");
    arrive(d, "A seq=101 len=100 ack=51");
    expect_after(d, ms(40), "A ack=201");
}

DIALOGUE(quickack_set_pays_what_is_due)
{
    open_passive(d);
    arrive(d, "A seq=1 len=100");
    expect_nothing(d);
    app_option(d, QUICKACK, 1);
    expect(d, "A ack=101");
}

static void quick3(struct gander_config *config)
{
    config->tcp_quickack_segs = 3;
}

DIALOGUE(relaxed_nagle_sends_the_tail) /* [RFC9293 3.7.4] */
{
    open_passive(d);
    app_send(d, d->smss * 2 + 10);
    expect(d, "A seq=1 len=%u", d->smss);
    expect(d, "A seq=%u len=%u", 1 + d->smss, d->smss);
    expect(d, "PA seq=%u len=10", 1 + 2 * d->smss);
    app_send(d, 10); /* now a partial one is in flight */
    expect_nothing(d);
    arrive(d, "A ack=%u", 11 + 2 * d->smss);
    expect(d, "A seq=%u len=10", 11 + 2 * d->smss);
}

DIALOGUE(strict_nagle_keeps_the_tail) /* [RFC9293 3.7.4] */
{
    open_passive(d);
    app_send(d, d->smss * 2 + 10);
    expect(d, "A seq=1 len=%u", d->smss);
    expect(d, "A seq=%u len=%u", 1 + d->smss, d->smss);
    expect_nothing(d);
    app_option(d, NAGLE_RELAXED, 1);
    arrive(d, "A ack=%u", 1 + 2 * d->smss);
    expect(d, "A seq=%u len=10", 1 + 2 * d->smss);
}

static void relaxed(struct gander_config *config)
{
    config->tcp_nagle_relaxed = true;
}

DIALOGUE(notsent_lowat_bounds_what_waits)
{
    uint8_t bytes[20000] = {0};
    int64_t n;

    open_passive(d);
    app_option(d, NOTSENT_LOWAT, 5000);
    arrive(d, "A wnd=%u", d->smss);
    n = gander_send(d->stack, d->s, bytes, sizeof(bytes), 0);
    expect_equal(d, n, 5000);
    d->written += 5000; /* of other bytes than the pattern: cleared below */
    gander_abort(d->stack, d->s);
    expect(d, "RA");
}

DIALOGUE(notsent_lowat_tells_when_there_is_room)
{
    open_passive(d);
    app_option(d, NOTSENT_LOWAT, 2 * d->smss);
    arrive(d, "A wnd=%u", d->smss);
    app_send(d, 2 * d->smss);
    expect(d, "A seq=1 len=%u", d->smss);
    app_send(d, d->smss);
    expect_equal(d, gander_send(d->stack, d->s, "x", 1, 0), GANDER_EAGAIN);
    forget_events(d);
    arrive(d, "A ack=%u wnd=%u", 1 + d->smss, 2 * d->smss);
    expect(d, "A seq=%u len=%u", 1 + d->smss, d->smss);
    expect(d, "A seq=%u len=%u", 1 + 2 * d->smss, d->smss);
    expect_event(d, GANDER_EVENT_WRITABLE);
}

DIALOGUE(window_clamp_of_a_listener)
{
    bound_listener(d, GANDER_OPTION_WINDOW_CLAMP, 5000);
    arrive(d, "S");
    expect(d, "SA wnd=5000");
    arrive(d, "A");
    app_accept(d);
    arrive(d, "A seq=1 len=1000");
    arrive(d, "A seq=1001 len=1000");
    expect(d, "A ack=2001 wnd=3000");
    app_receive(d, 2000);
    expect(d, "A ack=2001 wnd=5000");
}

DIALOGUE(defer_accept_waits_for_text)
{
    bound_listener(d, GANDER_OPTION_DEFER_ACCEPT_NS, sec(3));
    arrive(d, "S");
    expect(d, "SA");
    arrive(d, "A");
    expect_drop(d, GANDER_DROP_tcp_deferred);
    expect_equal(d, gander_accept(d->stack, d->listener, &d->s, NULL), GANDER_EAGAIN);
    expect_silence_until(d, ms(2500)); /* the peer has the SYN-ACK: it goes out no more */
    arrive(d, "A seq=1 len=10");
    app_accept(d);
    app_receive(d, 10);
    expect_at(d, ms(2540), "A ack=11");
}

DIALOGUE(defer_accept_ends)
{
    bound_listener(d, GANDER_OPTION_DEFER_ACCEPT_NS, sec(1));
    arrive(d, "S");
    expect(d, "SA");
    arrive(d, "A");
    expect_drop(d, GANDER_DROP_tcp_deferred);
    expect_at(d, sec(1), "SA"); /* patience is over: the answer opens it */
    arrive(d, "A");
    app_accept(d);
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(fin_wait2_of_a_socket)
{
    open_passive(d);
    app_option(d, FIN_WAIT2_NS, sec(2));
    app_close(d);
    expect(d, "FA seq=1");
    arrive(d, "A ack=2");
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
    at(d, sec(2));
    expect_state(d, GANDER_TCP_CLOSED);
}

DIALOGUE(fin_wait2_none)
{
    open_passive(d);
    app_option(d, FIN_WAIT2_NS, -1);
    app_close(d);
    expect(d, "FA seq=1");
    arrive(d, "A ack=2");
    at(d, d->now);
    expect_state(d, GANDER_TCP_CLOSED);
}

DIALOGUE(syn_retries_of_a_socket) /* [RFC9293 3.8.3] */
{
    gander_open(d->stack, GANDER_TCP, &d->s);
    app_option(d, SYN_RETRIES, 1);
    app_connect(d);
    expect(d, "S seq=0");
    expect_at(d, sec(1), "S seq=0");
    at(d, sec(3));
    expect_closed(d, GANDER_ETIMEDOUT);
}

DIALOGUE(synack_retries_of_a_listener)
{
    bound_listener(d, GANDER_OPTION_SYNACK_RETRIES, 1);
    arrive(d, "S");
    expect(d, "SA");
    expect_at(d, sec(1), "SA");
    at(d, sec(3));
    expect_state(d, GANDER_TCP_CLOSED);
    expect_silence_until(d, sec(20));
}

DIALOGUE(retries_r2_of_a_socket) /* [RFC9293 3.8.3] MUST-20 */
{
    open_passive(d);
    app_option(d, RETRIES_R2, 2);
    app_send(d, 10);
    expect(d, "A seq=1 len=10");
    expect_at(d, ms(200), "A seq=1 len=10");
    expect_at(d, ms(600), "A seq=1 len=10");
    at(d, ms(1400));
    expect_closed(d, GANDER_ETIMEDOUT);
}

DIALOGUE(orphan_retries) /* [RFC9293 3.8.3] */
{
    open_passive(d);
    app_close(d);
    expect(d, "FA seq=1");
    expect_at(d, ms(200), "FA seq=1");
    at(d, ms(600));
    expect_state(d, GANDER_TCP_CLOSED);
}

static void one_orphan_retry(struct gander_config *config)
{
    config->tcp_orphan_retries = 1;
}

DIALOGUE(initial_window_of_a_listener) /* [RFC6928 2] */
{
    bound_listener(d, GANDER_OPTION_INITIAL_WINDOW_SEGS, 3);
    handshake(d);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, 1), 3);
    expect_equal(d, gander_set_option(d->stack, d->s, GANDER_OPTION_INITIAL_WINDOW_SEGS, 2),
                 GANDER_EISCONN);
}

DIALOGUE(slow_start_after_idle) /* [RFC5681 4.1] */
{
    bool restarts = d->config.tcp_slow_start_after_idle;
    unsigned n;

    open_passive(d);
    app_send(d, 10 * d->smss);
    expect_equal(d, take_full(d, 1), 10);
    after(d, ms(10));
    for (unsigned i = 1; i <= 10; i++)
        arrive(d, "A ack=%u", 1 + i * d->smss);
    after(d, sec(10));
    app_send(d, 30 * d->smss);
    n = take_full(d, 1 + 10 * d->smss);
    expect_true(d, restarts ? n == 10 : n > 10);
}

static void no_restart(struct gander_config *config)
{
    config->tcp_slow_start_after_idle = false;
}

DIALOGUE(a_socket_offers_nothing) /* [RFC7323 1.3, RFC2018 2] */
{
    gander_open(d->stack, GANDER_TCP, &d->s);
    app_option(d, TIMESTAMPS, 0);
    app_option(d, WINDOW_SCALING, 0);
    app_option(d, SACK, 0);
    app_connect(d);
    expect(d, "S nots nows nosackok");
    arrive(d, "SA ack=1 nots");
    expect(d, "A ack=1 nots");
    expect_equal(d, gander_set_option(d->stack, d->s, GANDER_OPTION_SACK, 1), GANDER_EISCONN);
}

DIALOGUE(a_listener_agrees_to_nothing) /* [RFC7323 1.3, RFC2018 2] */
{
    static const enum gander_option off[] = {GANDER_OPTION_TIMESTAMPS, GANDER_OPTION_WINDOW_SCALING,
                                             GANDER_OPTION_SACK};

    app_listen(d, 1);
    for (unsigned i = 0; i < 3; i++)
        expect_equal(d, gander_set_option(d->stack, d->listener, off[i], 0), 0);
    arrive(d, "S ws=7 sackok ts=1,0");
    expect(d, "SA nots nows nosackok");
}

static void wide_variance(struct gander_config *config)
{
    config->tcp_rto_variance_min_ns = ms(200);
}

DIALOGUE(rto_variance_has_a_floor) /* [RFC6298 2] (2.3) */
{
    app_listen(d, 1);
    arrive(d, "S");
    expect(d, "SA");
    after(d, ms(20));
    arrive(d, "A");
    app_accept(d);
    expect_near(d, dialogue_info(d).rto_ns, ms(220), ms(1));
}

static void rare_updates(struct gander_config *config)
{
    config->tcp_window_updates_rare = true;
    config->tcp_receive_buffer_bytes = 10000;
    config->tcp_receive_buffer_max_bytes = 0;
}

DIALOGUE(window_updates_are_rare) /* [RFC9293 3.8.6.2.2] */
{
    open_passive(d);
    for (unsigned i = 0; i < 6; i++) {
        arrive(d, "A seq=%u len=1000", 1 + 1000 * i);
        if (i & 1)
            expect(d, "A ack=%u wnd=%u", 1001 + 1000 * i, 9000 - 1000 * i);
    }
    app_receive(d, 3000); /* 4000 were offered, 7000 could be: not twice as much */
    expect_nothing(d);
    app_receive(d, 3000);
    expect(d, "A ack=6001 wnd=10000");
}

static void patient(struct gander_config *config)
{
    config->tcp_peer_delayed_ack_ns = ms(130);
}

DIALOGUE(loss_probe_awaits_a_delayed_ack) /* [RFC8985 7.2] */
{
    app_listen(d, 1);
    arrive(d, "S sackok");
    expect(d, "SA");
    after(d, ms(50));
    arrive(d, "A");
    app_accept(d);
    app_option(d, RTO_MIN_NS, sec(1));
    app_send(d, 100);
    expect(d, "A seq=1 len=100");
    expect_after(d, ms(185), "A seq=1 len=100"); /* SRTT, the wait, and a little */
}

static const struct dialogue_test tests[] = {
    RUN(rto_initial_of_a_socket),
    RUN(rto_min_of_a_socket),
    RUN(rto_max_of_a_socket),
    RUN(delayed_ack_of_a_socket),
    RUN_WITH(quickack_of_first_segments, quick3),
    RUN_WITH(quickack_ends_with_an_answer, quick3),
    RUN(quickack_set_pays_what_is_due),
    RUN_WITH(relaxed_nagle_sends_the_tail, relaxed),
    RUN(strict_nagle_keeps_the_tail),
    RUN(notsent_lowat_bounds_what_waits),
    RUN(notsent_lowat_tells_when_there_is_room),
    RUN(window_clamp_of_a_listener),
    RUN(defer_accept_waits_for_text),
    RUN(defer_accept_ends),
    RUN(fin_wait2_of_a_socket),
    RUN(fin_wait2_none),
    RUN(syn_retries_of_a_socket),
    RUN(synack_retries_of_a_listener),
    RUN(retries_r2_of_a_socket),
    RUN_WITH(orphan_retries, one_orphan_retry),
    RUN(initial_window_of_a_listener),
    RUN(slow_start_after_idle),
    RUN_WITH(slow_start_after_idle, no_restart),
    RUN(a_socket_offers_nothing),
    RUN(a_listener_agrees_to_nothing),
    RUN_WITH(rto_variance_has_a_floor, wide_variance),
    RUN_WITH(window_updates_are_rare, rare_updates),
    RUN_WITH(loss_probe_awaits_a_delayed_ack, patient),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
