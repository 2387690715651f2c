/* SPDX-License-Identifier: MIT */
/* Explicit congestion notification [RFC3168 6.1]: agreed on, marked, echoed, answered; and what happens when the path drops it. */
#include "dialogue.h"

static void on(struct gander_config *config)
{
    config->tcp_ecn = GANDER_ECN_ON;
}

static void off(struct gander_config *config)
{
    config->tcp_ecn = GANDER_ECN_OFF;
}

static void on_cookies(struct gander_config *config)
{
    config->tcp_ecn = GANDER_ECN_ON;
    config->tcp_syn_cookies = true;
}

static struct gander_tcp_info info_of(struct dialogue *d)
{
    struct gander_tcp_info info;

    expect_equal(d, gander_tcp_info(d->stack, d->s, &info), 0);
    return info;
}

static void open_active_ecn(struct dialogue *d)
{
    app_connect(d);
    expect(d, "SEW seq=0 tc=0"); /* [RFC3168 6.1.1]: the SYN itself has no ECT */
    arrive(d, "SAE seq=0 ack=1 wnd=60000 sackok");
    expect(d, "A seq=1 ack=1 tc=0");
}

static void open_passive_ecn(struct dialogue *d)
{
    app_listen(d, 1);
    arrive(d, "SEW seq=0 sackok");
    expect(d, "SAE seq=0 ack=1 tc=0");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
}

/* [RFC3168 6.1.1] both roles; ECT(0) on data, not on pure ACKs [6.1.4]. */
DIALOGUE(agreed_by_active_open)
{
    open_active_ecn(d);
    expect_equal(d, info_of(d).ecn, GANDER_ECN_ON);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100 tc=2");
    arrive(d, "A ack=101");
    arrive(d, "PA seq=1 len=10");
    expect_after(d, ms(40), "A ack=11 tc=0");
}

DIALOGUE(agreed_by_passive_open)
{
    open_passive_ecn(d);
    expect_equal(d, info_of(d).ecn, GANDER_ECN_ON);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100 tc=2");
}

/* [RFC3168 6.1.1.1] who does not ask, or answers otherwise, gets none. */
DIALOGUE(not_agreed)
{
    static const char *const answers[] = {"SA", "SAEW", "SAW", "SAN"};

    for (unsigned i = 0; i < 4; i++) {
        dialogue_flow(d, i);
        expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0);
        {
            struct gander_address peer = dialogue_address(d, true);

            peer.port = d->f->peer_port;
            expect_equal(d, gander_connect(d->stack, d->s, &peer), 0);
        }
        dialogue_collect(d);
        d->f->port = d->first->segment.source_port;
        expect(d, "SEW seq=0");
        arrive(d, "%s seq=0 ack=1", answers[i]);
        expect(d, "A seq=1 ack=1");
        expect_equal(d, info_of(d).ecn, GANDER_ECN_OFF);
        app_abort(d);
        expect(d, "RA");
        d->written = 0;
    }
}

DIALOGUE(who_does_not_ask_is_not_answered)
{
    app_listen(d, 1);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100 tc=0");
}

DIALOGUE(off_means_off)
{
    app_listen(d, 1);
    arrive(d, "SEW seq=0");
    expect(d, "SA seq=0 ack=1 tc=0");
}

/* The default, as that of other hosts: takes it from who asks, asks nobody. */
DIALOGUE(accepts_by_default)
{
    open_passive_ecn(d);
    app_close(d);
    expect(d, "FA");
    arrive(d, "R");
    dialogue_flow(d, 1);
    expect_equal(d, gander_open(d->stack, GANDER_TCP, &d->s), 0);
    app_option(d, ECN, GANDER_ECN_ON);
    app_option(d, ECN, GANDER_ECN_ACCEPT);
    {
        struct gander_address peer = dialogue_address(d, true);

        peer.port = d->f->peer_port;
        expect_equal(d, gander_connect(d->stack, d->s, &peer), 0);
    }
    dialogue_collect(d);
    d->f->port = d->first->segment.source_port;
    expect(d, "S seq=0");
}

/* [RFC3168 6.1.1.1]: the SYN goes again without; then nothing has ECT, whatever comes back [6.1.1]. */
DIALOGUE(silence_means_without)
{
    app_connect(d);
    expect(d, "SEW seq=0");
    expect_at(d, sec(1), "S seq=0");
    arrive(d, "SAE seq=0 ack=1");
    expect(d, "A seq=1 ack=1");
    app_send(d, 100);
    expect(d, "PA seq=1 tc=0");
    expect_equal(d, info_of(d).ecn, GANDER_ECN_OFF);
}

/* The same SYN again without: no ECT towards it [RFC3168 6.1.1]. */
DIALOGUE(the_syn_again_without)
{
    app_listen(d, 1);
    arrive(d, "SEW seq=0");
    expect(d, "SAE seq=0 ack=1");
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    app_send(d, 100);
    expect(d, "PA seq=1 tc=0");
}

/* [RFC3168 6.1.3]: ECE on every ACK from the mark to CWR. */
DIALOGUE(echoes_until_cwr)
{
    open_passive_ecn(d);
    arrive(d, "A seq=1 len=1000 tc=2");
    arrive(d, "A len=1000 tc=3");
    expect(d, "AE ack=2001 tc=0");
    arrive(d, "A len=1000 tc=2");
    arrive(d, "A len=1000 tc=2");
    expect(d, "AE ack=4001");
    arrive(d, "AW len=1000 tc=2");
    arrive(d, "A len=1000 tc=2");
    expect(d, "A ack=6001");
    arrive(d, "AW len=1000 tc=3"); /* CWR, and marked itself: goes on */
    arrive(d, "A len=1000 tc=2");
    expect(d, "AE ack=8001");
}

/* A marked ACK without text is not echoed: only data packets are meant [RFC3168 6.1.3, 6.1.4]. */
DIALOGUE(marks_on_pure_acks_do_not_count)
{
    open_passive_ecn(d);
    arrive(d, "A seq=1 tc=3");
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
}

/* [RFC3168 6.1.2]: once per window, CWR with the next new data, and not again before that window is acknowledged. */
DIALOGUE(answers_once_per_window)
{
    uint32_t before;

    open_active_ecn(d);
    app_send(d, 60000);
    for (unsigned i = 0; i < 10; i++)
        expect(d, "A seq=%u len=%u tc=2", 1 + i * d->smss, d->smss);
    before = info_of(d).cwnd_bytes;
    arrive(d, "AE ack=%u", 1 + 2 * d->smss);
    expect_true(d, info_of(d).cwnd_bytes <= before / 2 + d->smss);
    expect_true(d, info_of(d).cwnd_bytes >= 2 * d->smss);
    before = info_of(d).cwnd_bytes;
    arrive(d, "AE ack=%u", 1 + 4 * d->smss);
    arrive(d, "AE ack=%u", 1 + 6 * d->smss);
    expect_true(d, info_of(d).cwnd_bytes >= before); /* the same window */
    expect(d, "AW seq=%u tc=2", 1 + 10 * d->smss);
    while (allow(d, "A tc=2")) {
    }
    arrive(d, "AE ack=%u", 1 + 10 * d->smss); /* still of what left before */
    expect_true(d, info_of(d).cwnd_bytes >= before);
    while (allow(d, "A tc=2")) {
    }
    before = info_of(d).cwnd_bytes;
    arrive(d, "AE ack=%u", 1 + 11 * d->smss); /* of what left with CWR: another window */
    expect_true(d, info_of(d).cwnd_bytes < before);
    while (allow(d, "A tc=2") || allow(d, "AW tc=2")) {
    }
}

/* [RFC3168 6.1.5]: what goes again has no ECT; [6.1.2]: after a loss CWR, too. */
DIALOGUE(retransmissions_may_not_be_marked)
{
    open_active_ecn(d);
    app_send(d, 5 * d->smss);
    for (unsigned i = 0; i < 5; i++)
        expect(d, "A seq=%u tc=2", 1 + i * d->smss);
    arrive(d, "A ack=1 sack=%u-%u", 1 + d->smss, 1 + 4 * d->smss);
    expect(d, "A seq=1 tc=0");
    arrive(d, "A ack=%u", 1 + 5 * d->smss);
    app_send(d, 100);
    expect(d, "AW seq=%u tc=2", 1 + 5 * d->smss);
}

/* [RFC3168 6.1.6]: a probe of a closed window has no ECT. */
DIALOGUE(window_probes_may_not_be_marked)
{
    open_active_ecn(d);
    arrive(d, "A ack=1 wnd=0");
    app_send(d, 100);
    wait_for_segment(d, sec(5));
    expect(d, "A seq=1 len=1 tc=0");
}

/* Segments with ECT never arrive, those without do: after the first time-out there are no more of the former. */
DIALOGUE(a_path_that_drops_ect)
{
    open_active_ecn(d);
    app_send(d, 100);
    expect(d, "PA seq=1 tc=2");
    wait_for_segment(d, sec(5));
    while (allow(d, "PA seq=1 len=100 tc=0")) {
    }
    wait_for_segment(d, sec(10));
    expect(d, "PA seq=1 len=100 tc=0");
    arrive(d, "A ack=101");
    app_send(d, 100);
    expect(d, "AW seq=101 len=100 tc=0");
}

/* [RFC4987 3.6]: agreed on by a cookie, too, where timestamps bring it back. */
DIALOGUE(agreed_by_cookie)
{
    app_listen(d, 1);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    dialogue_flow(d, 1);
    arrive(d, "SEW seq=0");
    expect(d, d->ts ? "SAE seq=0 ack=1" : "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
    app_send(d, 100);
    expect(d, "PA seq=1 tc=%u", d->ts ? 2 : 0);
    dialogue_flow(d, 0);
}

/* Both ask at once [RFC3168 6.1.1, RFC9293 figure 7]. */
DIALOGUE(agreed_by_simultaneous_open)
{
    app_connect(d);
    expect(d, "SEW seq=0");
    arrive(d, "SEW seq=0");
    expect(d, "SAE seq=0 ack=1");
    arrive(d, "SAE seq=0 ack=1");
    allow(d, "A seq=1 ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    app_send(d, 100);
    expect(d, "PA seq=1 tc=2");
}

/* The application's traffic class keeps its six bits beside ours. */
DIALOGUE(beside_the_traffic_class)
{
    open_active_ecn(d);
    app_option(d, TRAFFIC_CLASS, 0xb8 | 3);
    app_send(d, 100);
    expect(d, "PA seq=1 tc=0xba");
    arrive(d, "A ack=101");
    arrive(d, "PA seq=1 len=10 tc=3");
    expect_after(d, ms(40), "AE ack=11 tc=0xb8");
}

int main(int argc, char **argv)
{
    static const struct dialogue_test tests[] = {
        RUN_WITH(agreed_by_active_open, on),
        RUN(agreed_by_passive_open),
        RUN_WITH(not_agreed, on),
        RUN_WITH(who_does_not_ask_is_not_answered, on),
        RUN_WITH(off_means_off, off),
        RUN(accepts_by_default),
        RUN_WITH(silence_means_without, on),
        RUN_WITH(the_syn_again_without, on),
        RUN_WITH(echoes_until_cwr, on),
        RUN(marks_on_pure_acks_do_not_count),
        RUN_WITH(answers_once_per_window, on),
        RUN_WITH(retransmissions_may_not_be_marked, on),
        RUN_WITH(window_probes_may_not_be_marked, on),
        RUN_WITH(a_path_that_drops_ect, on),
        RUN_WITH(agreed_by_cookie, on_cookies),
        RUN_WITH(agreed_by_simultaneous_open, on),
        RUN_WITH(beside_the_traffic_class, on),
    };

    return DIALOGUE_MAIN(tests);
}
