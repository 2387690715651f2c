/* SPDX-License-Identifier: MIT */
/*
 * Closing: RFC 9293 3.6 (Figures 12 and 13, half-closed connections), RFC 2525 2.17 (reset when data are lost by a
 * close). What TIME-WAIT does is in tcp_time_wait.c.
 */
#include "dialogue.h"

enum { MSL_S = 30 };

/* --- the three cases of 3.6 ---------------------------------------------------------------------- */

DIALOGUE(local_user_closes_first) /* [RFC9293 3.6 Figure 12, A's side; MUST-13] */
{
    open_passive(d);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "FA seq=1 ack=1 len=0");
    expect_state(d, GANDER_TCP_FIN_WAIT_1);
    arrive(d, "A seq=1 ack=2");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
    expect_event(d, GANDER_EVENT_ALL_SENT);
    arrive(d, "FA seq=1 ack=2");
    expect(d, "A seq=2 ack=2 len=0");
    expect_state(d, GANDER_TCP_TIME_WAIT);
    expect_event(d, GANDER_EVENT_PEER_CLOSED | GANDER_EVENT_READABLE);
    app_receive_gives(d, 0);
    expect_silence_until(d, sec(2 * MSL_S) - 1);
    expect_state(d, GANDER_TCP_TIME_WAIT);
    expect_silence_until(d, sec(2 * MSL_S));
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, 0);
}

DIALOGUE(peer_closes_first) /* [RFC9293 3.6 Figure 12, B's side; MUST-12] */
{
    open_passive(d);
    arrive(d, "FA seq=1 ack=1");
    expect(d, "A seq=1 ack=2 len=0");
    expect_state(d, GANDER_TCP_CLOSE_WAIT);
    expect_event(d, GANDER_EVENT_PEER_CLOSED | GANDER_EVENT_READABLE);
    expect_no_event(d, GANDER_EVENT_CLOSED);
    app_receive_gives(d, 0);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "FA seq=1 ack=2 len=0");
    expect_state(d, GANDER_TCP_LAST_ACK);
    arrive(d, "A seq=2 ack=2");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_CLOSED);
    expect_event(d, GANDER_EVENT_ALL_SENT);
    expect_closed(d, 0);
    expect_equal(d, dialogue_stats(d).tcp_time_wait, 0);
}

DIALOGUE(both_close_at_once) /* [RFC9293 3.6 Figure 13] */
{
    open_passive(d);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "FA seq=1 ack=1");
    arrive(d, "FA seq=1 ack=1");
    expect(d, "A seq=2 ack=2 len=0");
    expect_state(d, GANDER_TCP_CLOSING);
    arrive(d, "A seq=2 ack=2");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_TIME_WAIT);
    expect_silence_until(d, sec(2 * MSL_S));
    expect_state(d, GANDER_TCP_CLOSED);
}

/* --- half close ------------------------------------------------------------------------------------ */

DIALOGUE(half_closed_still_receives) /* [RFC9293 3.6.1, MAY-1 not used] */
{
    reach(d, GANDER_TCP_FIN_WAIT_2);
    for (int i = 0; i < 10; i++) {
        arrive(d, "PA len=500");
        app_receive(d, 500);
        if (!allow(d, "A seq=2"))
            expect_after(d, ms(40), "A seq=2");
        expect_equal(d, (uint32_t)d->seg.ack - d->f->isn, (i + 1) * 500 + 1);
    }
    expect_silence_until(d, sec(1000)); /* no limit while the application holds its socket */
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
    arrive(d, "FA len=10");
    expect(d, "A seq=2 ack=5012");
    app_receive(d, 10);
    app_receive_gives(d, 0);
    expect_state(d, GANDER_TCP_TIME_WAIT);
}

DIALOGUE(half_closed_by_the_peer_still_sends) /* [RFC9293 3.6.1] */
{
    reach(d, GANDER_TCP_CLOSE_WAIT);
    for (unsigned i = 0; i < 10; i++) {
        app_send(d, 300);
        expect(d, "PA seq=%u ack=2 len=300", 300 * i + 1);
        arrive(d, "A seq=2");
    }
    app_send(d, 100);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "PA seq=3001 len=100");
    expect(d, "FA seq=3101 ack=2 len=0");
    arrive(d, "A seq=2 ack=3102");
    expect_state(d, GANDER_TCP_CLOSED);
}

DIALOGUE(shutdown_receive_discards) /* what arrives is acknowledged and thrown away */
{
    open_passive(d);
    app_shutdown(d, GANDER_SHUTDOWN_RECEIVE);
    expect_nothing(d);
    arrive(d, "PA seq=1 len=1000");
    if (!allow(d, "A seq=1 ack=1001"))
        expect_after(d, ms(40), "A seq=1 ack=1001");
    app_receive_gives(d, 0);
    app_send(d, 10);
    expect(d, "PA seq=1 ack=1001 len=10");
}

/* --- FIN and data ------------------------------------------------------------------------------------ */

DIALOGUE(fin_with_data_both_ways) /* [RFC9293 3.10.7.4 eighth]: FIN implies PUSH */
{
    open_passive(d);
    arrive(d, "FA seq=1 len=100");
    expect(d, "A ack=102");
    app_receive(d, 100);
    app_receive_gives(d, 0);
    app_send(d, 50);
    expect(d, "PA seq=1 len=50");
    app_send(d, 50); /* waits by Nagle; goes with the FIN */
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "PFA seq=51 ack=102 len=50");
    arrive(d, "A seq=102 ack=102");
    expect_state(d, GANDER_TCP_CLOSED);
}

DIALOGUE(fin_out_of_order) /* not processed before the gap is filled */
{
    open_passive(d);
    arrive(d, "FA seq=101 len=100");
    expect(d, "A ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    expect_no_event(d, GANDER_EVENT_PEER_CLOSED | GANDER_EVENT_READABLE);
    arrive(d, "PA seq=1 len=100");
    expect(d, "A ack=202");
    expect_state(d, GANDER_TCP_CLOSE_WAIT);
    expect_event(d, GANDER_EVENT_PEER_CLOSED | GANDER_EVENT_READABLE);
    app_receive(d, 200);
    app_receive_gives(d, 0);
}

DIALOGUE(bare_fin_out_of_order)
{
    open_passive(d);
    arrive(d, "FA seq=101 len=0");
    expect(d, "A ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    arrive(d, "PA seq=1 len=100");
    if (d->f->state ==
        GANDER_TCP_ESTABLISHED) { /* a FIN without text may be left for the peer to resend */
        allow(d, "A ack=101");
        arrive(d, "FA seq=101 len=0");
    }
    expect(d, "A ack=102");
    expect_state(d, GANDER_TCP_CLOSE_WAIT);
    app_receive(d, 100);
    app_receive_gives(d, 0);
}

/* [RFC9293 3.10.7.4 first: trimming (including SYN and FIN)] */
DIALOGUE(fin_beyond_the_window_is_cut_off)
{
    unsigned wnd;

    open_passive(d);
    wnd = dialogue_info(d).rcv_wnd;
    arrive(d, "FA seq=%u len=10", wnd - 9); /* its text fills the window; the FIN is behind */
    expect(d, "A ack=1");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    expect_no_event(d, GANDER_EVENT_PEER_CLOSED);
}

DIALOGUE(retransmitted_fin_with_old_data) /* straddles: text and FIN are all old */
{
    open_passive(d);
    arrive(d, "FA seq=1 len=100");
    expect(d, "A ack=102");
    after(d, ms(300));
    arrive(d, "FA seq=1 len=100");
    expect(d, "A ack=102");
    expect_state(d, GANDER_TCP_CLOSE_WAIT);
    app_receive(d, 100);
    app_receive_gives(d, 0);
}

DIALOGUE(fin_is_retransmitted) /* [RFC6298 5.4] */
{
    open_passive(d);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "FA seq=1 ack=1");
    wait_for_segment(d, sec(2));
    expect(d, "FA seq=1 ack=1 len=0");
    expect_state(d, GANDER_TCP_FIN_WAIT_1);
    arrive(d, "A seq=1 ack=2");
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
}

DIALOGUE(fin_wait_1_partly_acknowledged) /* data but not the FIN: stays in FIN-WAIT-1 */
{
    open_passive(d);
    app_send(d, 100);
    expect(d, "PA seq=1 len=100");
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect(d, "FA seq=101 len=0");
    arrive(d, "A seq=1 ack=101");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_FIN_WAIT_1);
    expect_no_event(d, GANDER_EVENT_ALL_SENT);
    arrive(d, "A seq=1 ack=102");
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
}

DIALOGUE(closing_ignores_other_acks) /* [RFC9293 3.10.7.4 fifth CLOSING] */
{
    reach(d, GANDER_TCP_CLOSING);
    arrive(d, "A seq=2 ack=1");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_CLOSING);
    arrive(d, "A seq=2 ack=2");
    expect_state(d, GANDER_TCP_TIME_WAIT);
}

/* --- data that nobody will read [RFC9293 SHLD-3, RFC2525 2.17] ---------------------------------------------- */

DIALOGUE(close_with_unread_data_resets)
{
    open_passive(d);
    arrive(d, "PA seq=1 len=100");
    app_close(d);
    if (!allow(d, "RA seq=1 ack=101"))
        expect(d, "R seq=1");
    expect_state(d, GANDER_TCP_CLOSED);
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
    expect_silence_until(d, sec(300));
}

DIALOGUE(data_after_close_resets)
{
    open_passive(d);
    app_close(d);
    expect(d, "FA seq=1 ack=1");
    arrive(d, "A seq=1 ack=2");
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
    arrive(d, "PA seq=1 ack=2 len=10");
    expect_drop(d, GANDER_DROP_tcp_after_close);
    if (!allow(d, "RA seq=2"))
        expect(d, "R seq=2");
    expect_state(d, GANDER_TCP_CLOSED);
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
}

DIALOGUE(data_before_close_but_on_the_way) /* in FIN-WAIT-1 too */
{
    open_passive(d);
    app_close(d);
    expect(d, "FA seq=1 ack=1");
    arrive(d, "PA seq=1 ack=1 len=10");
    if (!allow(d, "RA seq=2"))
        expect(d, "R seq=2");
    expect_state(d, GANDER_TCP_CLOSED);
}

/* --- orphans ---------------------------------------------------------------------------------------------- */

/* tcp_fin_wait2_ns, 60 s: a peer that never closes holds nothing */
DIALOGUE(fin_wait_2_without_owner_ends)
{
    open_passive(d);
    app_close(d);
    expect(d, "FA seq=1 ack=1");
    at(d, ms(10));
    arrive(d, "A seq=1 ack=2");
    expect_silence_until(d, ms(10) + sec(60) - 1);
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
    expect_silence_until(d, ms(10) + sec(60));
    expect_state(d, GANDER_TCP_CLOSED);
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
}

/* [RFC9293 3.6: "will reliably deliver all buffers SENT before"] */
DIALOGUE(close_delivers_what_was_sent)
{
    open_passive(d);
    app_send(d, 2 * d->smss + 100);
    app_close(d);
    expect(d, "A seq=1 len=%u", (unsigned)d->smss);
    expect(d, "A seq=%u len=%u", (unsigned)d->smss + 1, (unsigned)d->smss);
    expect(d, "PFA seq=%u len=100", (unsigned)(2 * d->smss + 1));
    wait_for_segment(d, sec(3));
    expect(d, "A seq=1 len=%u", (unsigned)d->smss); /* lost: resent although nobody owns it */
    arrive(d, "A seq=1 ack=%u", (unsigned)(2 * d->smss + 102));
    while (allow(d, "A ack=1"))
        ;
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
}

/* [RFC9293 3.8.6.1, MUST-36]: a closed window is probed with the FIN; behind it there is nothing to probe with. */
DIALOGUE(fin_acknowledged_by_a_closed_window)
{
    open_passive(d);
    after(d, ms(20));
    arrive(d, "A wnd=0");
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    wait_for_segment(d, sec(3));
    expect(d, "FA seq=1 ack=1");
    arrive(d, "A seq=1 ack=2 wnd=0");
    expect_silence_until(d, d->now + sec(500));
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
}

DIALOGUE(text_and_fin_acknowledged_by_a_closed_window)
{
    open_passive(d);
    after(d, ms(20));
    arrive(d, "A wnd=0");
    app_send(d, 1);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    wait_for_segment(d, sec(3));
    expect(d, "A seq=1 ack=1 len=1");
    arrive(d, "A seq=1 ack=2 wnd=0");
    wait_for_segment(d, sec(5));
    expect(d, "FA seq=2 ack=1");
    arrive(d, "A seq=1 ack=3 wnd=0");
    expect_silence_until(d, d->now + sec(500));
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
}

/* And behind the last text, probed with and acknowledged, there is nothing to wait for. */
DIALOGUE(text_acknowledged_by_a_closed_window)
{
    open_passive(d);
    arrive(d, "PA len=10 wnd=0"); /* stays unread: the connection is never idle */
    expect_after(d, ms(40), "A seq=1 ack=11");
    app_send(d, 1);
    wait_for_segment(d, sec(3));
    expect(d, "PA seq=1 ack=11 len=1");
    arrive(d, "A ack=2 wnd=0");
    expect_silence_until(d, d->now + sec(5000));
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

static const struct dialogue_test tests[] = {
    RUN(local_user_closes_first),
    RUN(peer_closes_first),
    RUN(both_close_at_once),
    RUN(half_closed_still_receives),
    RUN(half_closed_by_the_peer_still_sends),
    RUN(shutdown_receive_discards),
    RUN(fin_with_data_both_ways),
    RUN(fin_out_of_order),
    RUN(bare_fin_out_of_order),
    RUN(fin_beyond_the_window_is_cut_off),
    RUN(retransmitted_fin_with_old_data),
    RUN(fin_is_retransmitted),
    RUN(fin_wait_1_partly_acknowledged),
    RUN(closing_ignores_other_acks),
    RUN(close_with_unread_data_resets),
    RUN(data_after_close_resets),
    RUN(data_before_close_but_on_the_way),
    RUN(fin_wait_2_without_owner_ends),
    RUN(close_delivers_what_was_sent),
    RUN(fin_acknowledged_by_a_closed_window),
    RUN(text_acknowledged_by_a_closed_window),
    RUN(text_and_fin_acknowledged_by_a_closed_window),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
