/* SPDX-License-Identifier: MIT */
/*
 * Windows and when to send: RFC 9293 3.8.6 (zero-window probes, silly window avoidance on both sides, delayed ACKs),
 * 3.7.4 (Nagle), 3.10.7.4 fifth (WL1 and WL2), shrinking windows. Window scaling is in tcp_options.c.
 */
#include "dialogue.h"

static void offer(struct dialogue *d, uint32_t wnd)
{
    d->f->wnd = wnd;
    arrive(d, "A");
}

/* --- zero-window probes [RFC9293 3.8.6.1] ------------------------------------------------------------- */

/* MUST-36, SHLD-29: first after the RTO; SHLD-30: then ever more slowly */
DIALOGUE(zero_window_is_probed)
{
    gander_time t, interval;

    open_passive(d);
    after(d, ms(20));
    offer(d, 0);
    app_send(d, 5000);
    expect_nothing(d);
    t = d->now;
    interval = dialogue_info(d).rto_ns;
    for (int i = 0; i < 12; i++) {
        t += interval;
        expect_at(d, t, "A seq=1 ack=1 len=1");
        arrive(d, "A ack=1");
        expect_nothing(d);
        interval = interval * 2 > sec(60) ? sec(60) : interval * 2;
    }
}

DIALOGUE(probed_for_as_long_as_it_is_answered) /* MUST-37 */
{
    open_passive(d);
    offer(d, 0);
    app_send(d, 5000);
    while (d->now < sec(2 * 3600)) {
        wait_for_segment(d, d->now + sec(61));
        expect(d, "A seq=1 ack=1 len=1");
        after(d, ms(1));
        arrive(d, "A ack=1");
    }
    expect_state(d, GANDER_TCP_ESTABLISHED);
    d->f->wnd = 65535;
    arrive(d, "A ack=1");
    expect(d, "A seq=1");
    while (allow(d, "A ack=1"))
        ;
}

DIALOGUE(unanswered_probes_end_it) /* [RFC9293 3.8.3]: R2 holds for them too */
{
    open_passive(d);
    offer(d, 0);
    app_send(d, 5000);
    for (int i = 0; i < 50 && dialogue_stats(d).tcp_connections; i++) {
        at(d, gander_deadline(d->stack) - d->config.start);
        while (allow(d, "A seq=1 len=1") || allow(d, "R ack=0") || allow(d, "RA ack=1"))
            ;
    }
    expect_closed(d, GANDER_ETIMEDOUT);
    expect_true(d, d->now > sec(100));
}

DIALOGUE(probe_byte_may_be_accepted)
{
    open_passive(d);
    offer(d, 0);
    app_send(d, 5000);
    wait_for_segment(d, sec(2));
    expect(d, "A seq=1 len=1");
    arrive(d, "A ack=2 wnd=0");
    expect_nothing(d);
    wait_for_segment(d, sec(4));
    expect(d, "A seq=2 len=1");
    arrive(d, "A ack=3 wnd=4000");
    expect(d, "A seq=3 len=%u", (unsigned)d->smss);
    while (allow(d, "A ack=1"))
        ;
}

DIALOGUE(window_update_opens_it) /* data flow at once */
{
    open_passive(d);
    offer(d, 0);
    app_send(d, 3 * d->smss);
    after(d, ms(50));
    expect_nothing(d);
    offer(d, 65535);
    expect_equal(d, take_full(d, 1), 3);
}

DIALOGUE(window_closes_with_data_outstanding) /* what was sent is resent by the RTO, not lost */
{
    open_passive(d);
    after(d, ms(20));
    app_send(d, 2 * d->smss);
    expect_equal(d, take_full(d, 1), 2);
    arrive(d, "A ack=%u wnd=0", (unsigned)d->smss + 1);
    expect_nothing(d);
    wait_for_segment(d, sec(3));
    expect_true(d, allow(d, "A seq=%u len=1", (unsigned)d->smss + 1) ||
                       allow(d, "A seq=%u len=%u", (unsigned)d->smss + 1, (unsigned)d->smss));
    arrive(d, "A ack=%u", (unsigned)(2 * d->smss + 1));
    expect_silence_until(d, sec(100));
}

/* a FIN takes no buffer, but the window: it is sent or probed with */
DIALOGUE(fin_waits_for_no_window)
{
    open_passive(d);
    offer(d, 0);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    if (!d->first)
        wait_for_segment(d, sec(3));
    expect(d, "FA seq=1 ack=1 len=0");
}

/* --- shrinking windows [RFC9293 3.8.6: SHLD-15, SHLD-16, SHLD-17, MUST-34] ----------------------------------- */

/* Until the congestion window has ten segments again. */
static void grow(struct dialogue *d)
{
    while (dialogue_info(d).cwnd_bytes < 10 * d->smss) {
        uint32_t acked = d->f->ours, end = acked + 12 * d->smss;

        app_send(d, 12 * d->smss);
        while (acked < end) {
            (void)take_full(d, (uint32_t)d->seg.seq - d->f->iss + d->seg.len);
            acked += d->smss;
            arrive(d, "A ack=%u", (unsigned)acked);
        }
    }
    expect_nothing(d);
}

DIALOGUE(peer_shrinks_its_window_anywhere)
{
    open_passive(d);
    app_option(d, NODELAY, 1);
    for (unsigned k = 0; k <= 40; k++) {
        uint32_t una = d->f->ours;
        uint32_t cut = k * d->smss / 8; /* 0 … 5 segments, also in their midst */

        after(d, ms(20));
        app_send(d, 5 * d->smss);
        expect_equal(d, take_full(d, una), 5);
        arrive(d, "A ack=%u wnd=%u", (unsigned)una, (unsigned)cut);
        app_send(d, 100);
        if (cut < 5 * d->smss + 100) {
            expect_nothing(d); /* SHLD-15: no new data */
            wait_for_segment(d, d->now + sec(5));
            expect_true(
                d, allow(d, "A seq=%u", (unsigned)una)); /* SHLD-16: old data within the window */
            expect_nothing(d);
        } else {
            expect(d, "A len=100");
        }
        d->f->wnd = 65535;
        arrive(d, "A ack=%u", (unsigned)(una + 5 * d->smss));
        while (allow(d, "A ack=1"))
            ;
        arrive(d, "A ack=%u", (unsigned)(una + 5 * d->smss + 100));
        expect_nothing(d);
        expect_equal(d, d->f->ours, una + 5 * d->smss + 100);
        grow(d);
    }
}

DIALOGUE(data_beyond_a_shrunk_edge_do_not_time_out) /* SHLD-17: as long as the peer answers */
{
    open_passive(d);
    app_send(d, 3 * d->smss);
    expect_equal(d, take_full(d, 1), 3);
    arrive(d, "A ack=1 wnd=0");
    while (d->now < sec(3600)) {
        wait_for_segment(d, d->now + sec(130));
        expect(d, "A seq=1 ack=1");
        expect_nothing(d);
        after(d, ms(1));
        arrive(d, "A ack=1 wnd=0");
    }
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

/* --- which segments update the window [RFC9293 3.10.7.4 fifth] ----------------------------------------------- */

/* SND.WL1 < SEG.SEQ, or equal and SND.WL2 =< SEG.ACK */
DIALOGUE(older_sequence_number_does_not_update)
{
    open_passive(d);
    arrive(d, "A seq=101 ack=1 wnd=2000");
    expect_equal(d, dialogue_info(d).snd_wnd, 2000);
    arrive(d, "A seq=1 ack=1 wnd=9000");
    expect_equal(d, dialogue_info(d).snd_wnd, 2000);
    arrive(d, "A seq=102 ack=1 wnd=3000");
    expect_equal(d, dialogue_info(d).snd_wnd, 3000);
}

DIALOGUE(older_acknowledgement_does_not_update)
{
    open_passive(d);
    app_option(d, NODELAY, 1);
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    app_send(d, 10);
    expect(d, "PA seq=11 len=10");
    arrive(d, "A seq=1 ack=21 wnd=5000");
    arrive(d, "A seq=1 ack=11 wnd=800");
    expect_equal(d, dialogue_info(d).snd_wnd, 5000);
    arrive(d, "A seq=1 ack=21 wnd=6000");
    expect_equal(d, dialogue_info(d).snd_wnd, 6000);
}

DIALOGUE(window_is_unsigned) /* [RFC9293 MUST-1] */
{
    open_passive(d);
    arrive(d, "A wnd=65535");
    expect_equal(d, dialogue_info(d).snd_wnd, 65535);
    arrive(d, "A wnd=32768");
    expect_equal(d, dialogue_info(d).snd_wnd, 32768);
    app_send(d, 4 * d->smss);
    expect_equal(d, take_full(d, 1), 4);
}

/* --- our own window ------------------------------------------------------------------------------------------- */

static void small_buffer(struct gander_config *config)
{
    config->tcp_receive_buffer_bytes = 16384;
}

/* The right edge that the last segment offered, relative to the peer's ISN. */
static uint32_t edge(const struct dialogue *d)
{
    return (uint32_t)d->seg.ack - d->f->isn + d->seg.wnd;
}

DIALOGUE(right_edge_never_moves_left) /* [RFC9293 SHLD-14] */
{
    uint32_t last, random = 1;

    app_listen(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    last = edge(d);
    arrive(d, "A ack=1");
    app_accept(d);
    for (int i = 0; i < 300; i++) {
        uint32_t room = last - d->f->next, len, unread;

        random = random * 1103515245 + 12345;
        len = 1 + (random >> 8) % 1000;
        if (len > room)
            len = room;
        if (len)
            arrive(d, "PA len=%u", (unsigned)len);
        after(d, ms(40));
        while (allow(d, "A seq=1 len=0")) {
            expect_true(d, (int32_t)(edge(d) - last) >= 0);
            last = edge(d);
        }
        unread = d->f->next - 1 - d->read;
        if (unread && (random >> 20) % 3 == 0)
            app_receive(d, 1 + (random >> 9) % unread);
        while (allow(d, "A seq=1 len=0")) {
            expect_true(d, (int32_t)(edge(d) - last) >= 0);
            last = edge(d);
        }
    }
    expect_true(d, d->f->next > 20000);
}

/* Fills the receive buffer; returns with a window of zero. */
static void fill(struct dialogue *d)
{
    open_passive(d);
    for (int i = 0; i < 200 && dialogue_info(d).rcv_wnd > 0; i++) {
        uint32_t wnd = dialogue_info(d).rcv_wnd;

        arrive(d, "PA len=%u", (unsigned)(wnd > 1000 ? 1000 : wnd));
        after(d, ms(40));
        while (allow(d, "A seq=1 len=0"))
            ;
    }
    expect_equal(d, dialogue_info(d).rcv_wnd, 0);
}

DIALOGUE(receiver_avoids_silly_windows) /* [RFC9293 MUST-39, 3.8.6.2.2] */
{
    uint32_t freed = 0;

    fill(d);
    while (!allow(d, "A seq=1 len=0")) {
        app_receive(d, 1);
        freed++;
        expect_true(d, freed < 8192 + 1000);
    }
    /* min (Fr * RCV.BUFF, Eff.snd.MSS) at once, not a byte at a time */
    expect_true(d, d->seg.wnd >= 900);
    expect_true(d, freed >= 900);
}

/* [RFC9293 3.8.6.2.2]: a reader that catches up tells the peer, once */
/* [RFC9293 MUST-39]: the edge stays while a reader takes what comes in small pieces, then moves by a segment at least */
DIALOGUE(window_opens_in_large_steps)
{
    uint32_t last;
    bool moved = false;

    app_listen(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    last = edge(d);
    arrive(d, "A ack=1");
    app_accept(d);
    for (int i = 0; i < 100; i++) {
        arrive(d, "PA len=100");
        app_receive(d, 100);
        after(d, ms(40));
        while (allow(d, "A seq=1 len=0")) {
            expect_true(d, edge(d) == last || edge(d) - last >= 900);
            moved |= edge(d) != last;
            last = edge(d);
        }
    }
    expect_true(d, moved);
}

DIALOGUE(window_update_is_sent)
{
    fill(d);
    app_receive(d, d->f->next - 1 - d->read);
    expect(d, "A seq=1 ack=%u len=0", (unsigned)d->f->next);
    expect_true(d, d->seg.wnd >= 8000);
    while (allow(d, "A seq=1 len=0"))
        ;
    arrive(d, "PA len=1000");
    app_receive(d, 1000);
    after(d, ms(40));
    expect_true(d, allow(d, "A seq=1"));
    expect_nothing(d);
}

/* MUST-66, 3.8.6.1: the probe is answered with the window as it is */
DIALOGUE(lost_window_update_is_recovered)
{
    fill(d);
    app_receive(d, d->f->next - 1 - d->read);
    while (allow(d, "A seq=1 len=0"))
        ;
    arrive(d, "A seq=%u len=0",
           (unsigned)d->f->next - 1); /* a probe behind what was acknowledged */
    expect(d, "A seq=1 ack=%u", (unsigned)d->f->next);
    expect_true(d, d->seg.wnd >= 8000);
}

/* --- sending: silly windows, Nagle, cork --------------------------------------------------------------------------- */

DIALOGUE(sender_avoids_silly_windows) /* [RFC9293 MUST-38, 3.8.6.2.1] */
{
    gander_time begin;

    open_passive(d);
    after(d, ms(20));
    offer(d, 100); /* less than a segment, and less than half of the largest window seen */
    begin = d->now;
    app_send(d, 5000);
    expect_nothing(d);
    wait_for_segment(d, d->now + sec(1)); /* (4): the override timeout, 0.1 to 1 s */
    expect_true(d, d->now - begin >= ms(100));
    expect(d, "A seq=1 len=100");
}

DIALOGUE(sender_sends_half_the_largest_window) /* 3.8.6.2.1 (3) */
{
    app_listen(d, 1);
    d->f->wnd = 600; /* never more: Max(SND.WND) is 600 */
    arrive(d, "S");
    expect(d, "SA seq=0");
    arrive(d, "A ack=1");
    app_accept(d);
    app_send(d, 5000);
    expect(d, "A seq=1 len=600");
    arrive(d, "A ack=601 wnd=299");
    expect_nothing(d);
    arrive(d, "A ack=601 wnd=300");
    expect(d, "A seq=601 len=300");
}

DIALOGUE(sender_sends_all_if_it_fits) /* 3.8.6.2.1 (2): the whole rest, pushed [MUST-61] */
{
    open_passive(d);
    offer(d, 100);
    app_send(d, 80);
    expect(d, "PA seq=1 len=80");
}

/* [RFC9293 MUST-60, MUST-61, SHLD-28]: full segments, the last one pushed */
DIALOGUE(push_on_the_last_segment)
{
    open_passive(d);
    app_option(d, NODELAY, 1);
    app_send(d, 2 * d->smss + 7);
    expect(d, "pA seq=1 len=%u", (unsigned)d->smss);
    expect(d, "pA len=%u", (unsigned)d->smss);
    expect(d, "PA len=7");
}

DIALOGUE(nagle) /* [RFC9293 3.7.4, SHLD-7] */
{
    open_passive(d);
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    app_send(d, 10);
    app_send(d, 10);
    expect_nothing(d);
    arrive(d, "A ack=11");
    expect(d, "PA seq=11 len=20");
    app_send(d, 5);
    expect_nothing(d);
    app_send(d, d->smss); /* a full segment may leave; the rest waits */
    expect(d, "A seq=31 len=%u", (unsigned)d->smss);
    expect_nothing(d);
    arrive(d, "A");
    expect(d, "PA len=5");
}

DIALOGUE(nodelay) /* [RFC9293 MUST-17] */
{
    open_passive(d);
    app_option(d, NODELAY, 1);
    for (unsigned i = 0; i < 4; i++) {
        app_send(d, 10);
        expect(d, "PA seq=%u len=10", 10 * i + 1);
    }
}

DIALOGUE(nodelay_releases_what_waits)
{
    open_passive(d);
    app_send(d, 10);
    expect(d, "PA seq=1 len=10");
    app_send(d, 10);
    expect_nothing(d);
    app_option(d, NODELAY, 1);
    expect(d, "PA seq=11 len=10");
}

DIALOGUE(cork) /* full segments only; at most 200 ms */
{
    open_passive(d);
    app_option(d, CORK, 1);
    app_send(d, 10);
    expect_nothing(d);
    app_send(d, d->smss);
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect_nothing(d);
    arrive(d, "A");
    expect_nothing(d);
    app_option(d, CORK, 0);
    expect(d, "PA len=10");
    arrive(d, "A");
    app_option(d, CORK, 1);
    app_send(d, 10);
    expect_after(d, ms(200), "PA len=10");
}

DIALOGUE(send_more) /* GANDER_SEND_MORE: this one call is corked */
{
    open_passive(d);
    app_send_flags(d, 10, GANDER_SEND_MORE);
    expect_nothing(d);
    app_send(d, 10);
    expect(d, "PA seq=1 len=20");
}

DIALOGUE(fin_is_not_held_back) /* neither by Nagle nor by cork */
{
    open_passive(d);
    app_option(d, CORK, 1);
    app_send(d, 10);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "PFA seq=1 len=10");
}

/* --- delayed acknowledgements [RFC9293 3.8.6.3, RFC5681 4.2] -------------------------------------------------------- */

DIALOGUE(ack_is_delayed) /* SHLD-18, MUST-40 */
{
    open_passive(d);
    arrive(d, "PA len=100");
    expect_silence_until(d, ms(40) - 1);
    expect_at(d, ms(40), "A seq=1 ack=101 len=0");
    expect_silence_until(d, sec(10));
}

DIALOGUE(every_second_full_segment_is_acknowledged) /* SHLD-19 */
{
    open_passive(d);
    for (unsigned i = 0; i < 5; i++) {
        arrive(d, "A len=1000");
        expect_nothing(d);
        arrive(d, "A len=1000");
        expect(d, "A seq=1 ack=%u len=0", 2000 * i + 2001);
    }
}

DIALOGUE(ack_rides_on_data) /* [RFC9293 3.10.7.4 seventh]: piggybacked if possible */
{
    open_passive(d);
    arrive(d, "PA len=100");
    expect_nothing(d);
    app_receive(d, 100);
    app_send(d, 10);
    expect(d, "PA seq=1 ack=101 len=10");
    arrive(d, "A ack=11");
    expect_silence_until(d, sec(10));
}

/* [RFC5681 4.2]: out of order, and what fills all or part of a gap */
DIALOGUE(gap_is_acknowledged_at_once)
{
    open_passive(d);
    arrive(d, "A seq=201 len=100");
    expect(d, "A ack=1");
    arrive(d, "A seq=401 len=100");
    expect(d, "A ack=1");
    arrive(d, "A seq=1 len=200");
    expect(d, "A ack=301");
    arrive(d, "A seq=301 len=100");
    expect(d, "A ack=501");
    expect_silence_until(d, sec(10));
}

DIALOGUE(duplicate_is_acknowledged_at_once) /* [RFC9293 3.10.7.4 first] */
{
    open_passive(d);
    arrive(d, "PA seq=1 len=100");
    expect_after(d, ms(40), "A ack=101");
    arrive(d, "PA seq=1 len=100");
    expect(d, "A ack=101");
}

DIALOGUE(quickack)
{
    open_passive(d);
    app_option(d, QUICKACK, 1);
    arrive(d, "PA len=100");
    expect(d, "A ack=101");
    arrive(d, "PA len=100");
    expect(d, "A ack=201");
}

static const struct dialogue_test tests[] = {
    RUN(zero_window_is_probed),
    RUN(probed_for_as_long_as_it_is_answered),
    RUN(unanswered_probes_end_it),
    RUN(probe_byte_may_be_accepted),
    RUN(window_update_opens_it),
    RUN(window_closes_with_data_outstanding),
    RUN(fin_waits_for_no_window),
    RUN(peer_shrinks_its_window_anywhere),
    RUN(data_beyond_a_shrunk_edge_do_not_time_out),
    RUN(older_sequence_number_does_not_update),
    RUN(older_acknowledgement_does_not_update),
    RUN(window_is_unsigned),
    RUN_WITH(right_edge_never_moves_left, small_buffer),
    RUN_WITH(receiver_avoids_silly_windows, small_buffer),
    RUN_WITH(window_opens_in_large_steps, small_buffer),
    RUN_WITH(window_update_is_sent, small_buffer),
    RUN_WITH(lost_window_update_is_recovered, small_buffer),
    RUN(sender_avoids_silly_windows),
    RUN(sender_sends_half_the_largest_window),
    RUN(sender_sends_all_if_it_fits),
    RUN(push_on_the_last_segment),
    RUN(nagle),
    RUN(nodelay),
    RUN(nodelay_releases_what_waits),
    RUN(cork),
    RUN(send_more),
    RUN(fin_is_not_held_back),
    RUN(ack_is_delayed),
    RUN(every_second_full_segment_is_acknowledged),
    RUN(ack_rides_on_data),
    RUN(gap_is_acknowledged_at_once),
    RUN(duplicate_is_acknowledged_at_once),
    RUN(quickack),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
