/* SPDX-License-Identifier: MIT */
/*
 * Opening a connection: RFC 9293 3.5, 3.10.7.2 (LISTEN), 3.10.7.3 (SYN-SENT), the SYN-RECEIVED parts of
 * 3.10.7.4; RFC 6298 for the retransmission of SYN and SYN-ACK. Options on SYNs are in tcp_options.c, both ends
 * opening at once in tcp_simultaneous_open.c.
 */
#include "dialogue.h"

static uint32_t link_mss(const struct dialogue *d)
{
    return d->family == GANDER_IPV4 ? 1460 : 1440;
}

/* --- passive open ------------------------------------------------------------------------------ */

DIALOGUE(passive_open) /* [RFC9293 3.5 Figure 6, 3.10.7.2] */
{
    app_listen(d, 1);
    expect_state(d, GANDER_TCP_LISTEN);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1 len=0 mss=%u", link_mss(d));
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    expect_no_event(d, GANDER_EVENT_ACCEPT);
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 1);
    arrive(d, "A seq=1 ack=1");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_ESTABLISHED);
    app_accept(d);
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 0);
    expect_equal(d, dialogue_stats(d).tcp_passive_opens, 1);
    expect_state(d, GANDER_TCP_LISTEN);
}

/* [RFC9293 3.10.7.4 fifth: enter ESTABLISHED and continue processing] */
DIALOGUE(passive_open_ack_with_text)
{
    reach(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "PA seq=1 ack=1 len=100");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    app_accept(d);
    app_receive(d, 100);
    if (!allow(d, "A seq=1 ack=101"))
        expect_after(d, ms(40), "A seq=1 ack=101");
}

DIALOGUE(passive_open_ack_with_fin) /* [RFC9293 3.10.7.4 eighth: SYN-RECEIVED -> CLOSE-WAIT] */
{
    reach(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "FA seq=1 ack=1 len=10");
    expect(d, "A seq=1 ack=12");
    expect_state(d, GANDER_TCP_CLOSE_WAIT);
    app_accept(d);
    app_receive(d, 10);
    app_receive_gives(d, 0);
}

/* [RFC9293 3.10.7.2 third: queued, or left for the peer to resend] */
DIALOGUE(text_on_syn_is_not_delivered_early)
{
    app_listen(d, 1);
    arrive(d, "S seq=0 len=50");
    expect(d, "SA seq=0");
    expect_no_event(d, GANDER_EVENT_ACCEPT);
    if ((uint32_t)d->seg.ack == d->f->isn + 1) {
        arrive(d, "PA seq=1 ack=1 len=50");
    } else {
        expect_equal(d, (uint32_t)d->seg.ack - d->f->isn, 51);
        arrive(d, "A seq=51 ack=1");
    }
    app_accept(d);
    app_receive(d, 50);
    app_receive_gives(d, GANDER_EAGAIN);
    if (!allow(d, "A seq=1 ack=51"))
        after(d, ms(40)), allow(d, "A seq=1 ack=51");
}

DIALOGUE(listen_ignores_reset) /* [RFC9293 3.10.7.2 first] */
{
    app_listen(d, 1);
    arrive(d, "R seq=0");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_listen_rst);
    arrive(d, "RA seq=0 ack=77");
    expect_nothing(d);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
}

DIALOGUE(listen_resets_any_ack) /* [RFC9293 3.10.7.2 second] */
{
    app_listen(d, 1);
    arrive(d, "A seq=5 ack=1000");
    expect(d, "R seq=1000 len=0");
    arrive(d, "SA seq=5 ack=2000");
    expect(d, "R seq=2000 len=0");
    arrive(d, "FA seq=5 ack=3000 len=10");
    expect(d, "R seq=3000 len=0");
    expect_state(d, GANDER_TCP_LISTEN);
    expect_equal(d, dialogue_stats(d).tcp_resets_out, 3);
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 0);
}

DIALOGUE(listen_drops_other_control) /* [RFC9293 3.10.7.2 fourth] */
{
    app_listen(d, 1);
    arrive(d, "P seq=5 len=10 nots");
    expect_nothing(d);
    arrive(d, "F seq=5 nots");
    expect_nothing(d);
    arrive(d, "- seq=5 nots");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_flags);
    arrive(d, "SF seq=5");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_flags);
    arrive(d, "SR seq=5");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_flags);
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 0);
}

/* [RFC3168 6.1.1]: ECE and CWR on a SYN are no reason to refuse it */
DIALOGUE(listen_accepts_ecn_setup_syn)
{
    app_listen(d, 1);
    arrive(d, "SEW seq=0");
    expect(d, "SAE seq=0 ack=1");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
}

DIALOGUE(syn_to_multicast_is_silently_discarded) /* [RFC9293 MUST-57] */
{
    app_listen(d, 1);
    arrive(d, "S seq=0 multicast");
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 0);
}

DIALOGUE(syn_from_an_invalid_source_is_ignored) /* [RFC9293 MUST-63] */
{
    app_listen(d, 1);
    arrive(d, "S seq=0 badsource");
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 0);
}

DIALOGUE(wrong_checksum_is_discarded) /* [RFC9293 MUST-3] */
{
    app_listen(d, 1);
    arrive(d, "S seq=0 badsum");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_checksum);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
}

/* --- backlog ---------------------------------------------------------------------------------- */

static void no_cookies(struct gander_config *config)
{
    config->tcp_syn_cookies = false;
}

DIALOGUE(full_backlog_drops_syns) /* counts SYN-RECEIVED and what waits for gander_accept() */
{
    app_listen(d, 2);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    dialogue_flow(d, 1);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    dialogue_flow(d, 2);
    arrive(d, "S seq=0");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_backlog);
    dialogue_flow(d, 0);
    arrive(d, "A seq=1 ack=1");
    dialogue_flow(d, 2);
    arrive(d, "S seq=0");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_backlog);
    dialogue_flow(d, 0);
    app_accept(d);
    dialogue_flow(d, 2);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
}

/* --- SYN-RECEIVED ------------------------------------------------------------------------------- */

DIALOGUE(syn_received_reset_returns_to_listen) /* [RFC9293 3.10.7.4 second; 3.5 Figure 11] */
{
    reach(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "R seq=1");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_CLOSED);
    expect_state(d, GANDER_TCP_LISTEN);
    expect_no_event(d, ~0u); /* "The user need not be informed." */
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
}

DIALOGUE(syn_received_reset_elsewhere_is_no_reset) /* [RFC5961 3.2] */
{
    reach(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "R seq=0");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "R seq=2");
    allow(d, "A seq=1 ack=1");
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
}

DIALOGUE(syn_received_wrong_ack) /* [RFC9293 3.10.7.4 fifth, 3.5.2 group 2] */
{
    reach(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "A seq=1 ack=0");
    expect(d, "R seq=0 len=0");
    expect_drop(d, GANDER_DROP_tcp_bad_ack);
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "A seq=1 ack=2");
    expect(d, "R seq=2 len=0");
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "A seq=1 ack=-1000000");
    expect(d, "R seq=-1000000 len=0");
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    expect_no_event(d, GANDER_EVENT_ACCEPT);
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
}

/* DEVIATION from [RFC9293 3.10.7.4 fourth], which returns to LISTEN: a blind SYN must not undo a half-open connection, so
 * it is challenged as RFC 5961 4.2 has it for the synchronised states */
DIALOGUE(syn_received_other_syn_is_challenged)
{
    reach(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "S seq=100");
    expect(d, "A seq=1 ack=1 len=0");
    expect_drop(d, GANDER_DROP_tcp_syn_in_window);
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "R seq=1"); /* a peer that did begin anew says so */
    expect_state(d, GANDER_TCP_CLOSED);
    d->f->next = 100;
    arrive(d, "S seq=100");
    expect(d, "SA seq=0 ack=101");
}

DIALOGUE(child_reset_before_accept) /* the listener gives out no dead connections */
{
    gander_socket s;

    app_listen(d, 4);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A ack=1");
    arrive(d, "R seq=1");
    expect_equal(d, gander_accept(d->stack, d->listener, &s, NULL), GANDER_EAGAIN);
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
    dialogue_flow(d, 1);
    arrive(d, "S");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A ack=1");
    app_accept(d);
}

DIALOGUE(syn_received_no_ack_flag) /* [RFC9293 3.10.7.4 fifth] */
{
    reach(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "P seq=1 len=10");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_no_ack);
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
}

/* [RFC9293 3.10.7.4 first]: our SYN-ACK may have been lost */
DIALOGUE(syn_received_syn_again_is_answered)
{
    reach(d, GANDER_TCP_SYN_RECEIVED);
    after(d, ms(500));
    arrive(d, "S seq=0");
    if (!allow(d, "A seq=1 ack=1"))
        expect(d, "SA seq=0 ack=1");
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 1);
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
}

DIALOGUE(syn_received_out_of_window_is_acknowledged) /* [RFC9293 3.10.7.4 first] */
{
    reach(d, GANDER_TCP_SYN_RECEIVED);
    arrive(d, "A seq=200000 ack=1");
    expect(d, "A seq=1 ack=1 len=0");
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    expect_no_event(d, GANDER_EVENT_ACCEPT);
}

DIALOGUE(syn_ack_retransmission) /* [RFC6298 2.1, 5.5]; gives up after tcp_synack_retries (5) */
{
    app_listen(d, 1);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    expect_at(d, sec(1), "SA seq=0 ack=1");
    expect_at(d, sec(3), "SA seq=0 ack=1");
    expect_at(d, sec(7), "SA seq=0 ack=1");
    expect_at(d, sec(15), "SA seq=0 ack=1");
    expect_at(d, sec(31), "SA seq=0 ack=1");
    expect_silence_until(d, sec(62));
    expect_state(d, GANDER_TCP_SYN_RECEIVED);
    expect_silence_until(d, sec(64));
    expect_state(d, GANDER_TCP_CLOSED);
    expect_no_event(d, ~0u);
    expect_equal(d, gander_deadline(d->stack), GANDER_NEVER);
}

/* [RFC9293 3.5 Figure 8, B's side]: the peer resets our answer to its old SYN */
DIALOGUE(old_duplicate_syn_recovery)
{
    app_listen(d, 1);
    arrive(d, "S seq=-10");
    expect(d, "SA seq=0 ack=-9");
    arrive(d, "R seq=-9");
    expect_state(d, GANDER_TCP_CLOSED);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=1");
    app_accept(d);
}

/* those not accepted are reset, their SYNs' records are gone */
DIALOGUE(listener_closes_with_children)
{
    app_listen(d, 4);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    arrive(d, "A seq=1 ack=1");
    dialogue_flow(d, 1);
    arrive(d, "S seq=0");
    expect(d, "SA seq=0 ack=1");
    expect_equal(d, gander_close(d->stack, d->listener), 0);
    dialogue_flow(d, 0);
    if (!allow(d, "R seq=1"))
        expect(d, "RA seq=1");
    dialogue_flow(d, 1);
    if (!allow(d, "R seq=1"))
        allow(d, "RA seq=1");
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_syn_received, 0);
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
    dialogue_flow(d, 2);
    arrive(d, "S seq=0");
    expect(d, "RA seq=0 ack=1");
}

/* --- active open -------------------------------------------------------------------------------- */

DIALOGUE(active_open) /* [RFC9293 3.10.1, 3.10.7.3 fourth] */
{
    app_connect(d);
    expect(d, "S seq=0 len=0 mss=%u", link_mss(d));
    expect_state(d, GANDER_TCP_SYN_SENT);
    expect_no_event(d, GANDER_EVENT_CONNECTED);
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 ack=1 len=0");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    expect_event(d, GANDER_EVENT_CONNECTED);
    expect_equal(d, dialogue_stats(d).tcp_active_opens, 1);
    expect_silence_until(d, sec(100));
}

DIALOGUE(active_open_text_on_syn_ack) /* [RFC9293 3.10.7.3 fourth: continue at the sixth step] */
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive(d, "SA seq=0 ack=1 len=30");
    expect(d, "A seq=1 ack=31");
    expect_state(d, GANDER_TCP_ESTABLISHED);
    app_receive(d, 30);
}

/* [RFC9293 3.10.2 SYN-SENT: queue; 3.10.7.3: MAY be included] */
DIALOGUE(active_open_sends_what_was_queued)
{
    app_connect(d);
    expect(d, "S seq=0 len=0");
    app_send(d, 200);
    expect_nothing(d);
    arrive(d, "SA seq=0 ack=1");
    allow(d, "A seq=1 ack=1 len=0");
    expect(d, "PA seq=1 ack=1 len=200");
}

/* [RFC9293 3.10.4]: FIN follows the data after the handshake */
DIALOGUE(active_open_shutdown_before_answer)
{
    app_connect(d);
    expect(d, "S seq=0 len=0");
    app_send(d, 20);
    app_shutdown(d, GANDER_SHUTDOWN_SEND);
    expect_nothing(d);
    arrive(d, "SA seq=0 ack=1");
    allow(d, "A seq=1 ack=1 len=0");
    expect(d, "PFA seq=1 ack=1 len=20");
    expect_state(d, GANDER_TCP_FIN_WAIT_1);
}

DIALOGUE(syn_sent_wrong_ack) /* [RFC9293 3.10.7.3 first, 3.5.2 group 2] */
{
    static const int acks[] = {0, 2, -1, 1000000, -1000000};

    reach(d, GANDER_TCP_SYN_SENT);
    for (unsigned i = 0; i < sizeof(acks) / sizeof(acks[0]); i++) {
        arrive(d, "SA seq=0 ack=%d", acks[i]);
        expect(d, "R seq=%d len=0", acks[i]);
        expect_drop(d, GANDER_DROP_tcp_bad_ack);
        arrive(d, "A seq=0 ack=%d", acks[i]);
        expect(d, "R seq=%d len=0", acks[i]);
        arrive(d, "RA seq=0 ack=%d", acks[i]); /* "unless the RST bit is set" */
        expect_nothing(d);
        expect_state(d, GANDER_TCP_SYN_SENT);
    }
    d->f->next = 0;
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 ack=1");
    expect_event(d, GANDER_EVENT_CONNECTED);
}

DIALOGUE(syn_sent_refused) /* [RFC9293 3.10.7.3 second] */
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive(d, "R seq=0"); /* no ACK: drop */
    expect_nothing(d);
    expect_state(d, GANDER_TCP_SYN_SENT);
    arrive(d, "RA seq=0 ack=1");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, GANDER_ECONNREFUSED);
    expect_silence_until(d, sec(100));
}

DIALOGUE(syn_sent_reset_may_carry_text) /* [RFC9293 SHLD-2] */
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive(d, "RA seq=0 ack=1 len=20");
    expect_nothing(d);
    expect_closed(d, GANDER_ECONNREFUSED);
}

/* [RFC9293 3.10.7.3 fifth, 3.10.7.4 eighth: no FIN in SYN-SENT] */
DIALOGUE(syn_sent_neither_syn_nor_rst)
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive(d, "A seq=0 ack=1");
    expect_nothing(d);
    arrive(d, "FA seq=0 ack=1");
    expect_nothing(d);
    arrive(d, "F seq=0");
    expect_nothing(d);
    arrive(d, "PA seq=0 ack=1 len=10");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_SYN_SENT);
    expect_no_event(d, GANDER_EVENT_PEER_CLOSED | GANDER_EVENT_READABLE);
}

DIALOGUE(half_open_discovery) /* [RFC9293 3.5 Figure 9, A's side] */
{
    reach(d, GANDER_TCP_SYN_SENT);
    arrive(d, "A seq=300 ack=-300"); /* the peer believes in an older connection */
    expect(d, "R seq=-300 len=0");
    expect_state(d, GANDER_TCP_SYN_SENT);
    expect_at(d, sec(1), "S seq=0");
    d->f->next = 0;
    arrive(d, "SA seq=0 ack=1");
    expect(d, "A seq=1 ack=1");
}

DIALOGUE(half_open_peer_is_challenged) /* [RFC9293 3.5 Figure 9, B's side; RFC5961 4.2] */
{
    open_passive(d);
    after(d, ms(20));
    arrive(d, "S seq=400000");
    expect(d, "A seq=1 ack=1 len=0");
    arrive(d, "R seq=1");
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, GANDER_ECONNRESET);
}

DIALOGUE(syn_retransmission_schedule) /* [RFC6298 2.1, 5.5, 2.5] */
{
    app_connect(d);
    expect(d, "S seq=0");
    expect_at(d, sec(1), "S seq=0 mss=%u", link_mss(d));
    expect_at(d, sec(3), "S seq=0");
    expect_at(d, sec(7), "S seq=0");
    expect_at(d, sec(15), "S seq=0");
    expect_at(d, sec(31), "S seq=0");
    expect_at(d, sec(63), "S seq=0");
    expect_state(d, GANDER_TCP_SYN_SENT);
    expect_no_event(d, GANDER_EVENT_CLOSED);
}

/* [RFC9293 MUST-23, MUST-20 (c)]: R2 of a SYN is at least 3 minutes */
DIALOGUE(syn_gives_up_after_three_minutes)
{
    app_connect(d);
    expect(d, "S seq=0");
    for (int i = 0; i < 20 && d->f->state == GANDER_TCP_SYN_SENT; i++) {
        gander_time next = gander_deadline(d->stack);

        expect_true(d, next != GANDER_NEVER);
        at(d, next - d->config.start);
        allow(d, "S seq=0");
    }
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, GANDER_ETIMEDOUT);
    expect_true(d, d->now >= sec(180));
    expect_silence_until(d, sec(1000));
}

static void one_retry(struct gander_config *config)
{
    config->tcp_syn_retries = 1;
}

/* [RFC9293 MUST-23: "the application can close sooner"] */
DIALOGUE(syn_gives_up_sooner_if_configured)
{
    app_connect(d);
    expect(d, "S seq=0");
    expect_at(d, sec(1), "S seq=0");
    expect_silence_until(d, sec(3) - 1);
    expect_state(d, GANDER_TCP_SYN_SENT);
    expect_silence_until(d, sec(3));
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, GANDER_ETIMEDOUT);
}

static const struct dialogue_test tests[] = {
    RUN(passive_open),
    RUN(passive_open_ack_with_text),
    RUN(passive_open_ack_with_fin),
    RUN(text_on_syn_is_not_delivered_early),
    RUN(listen_ignores_reset),
    RUN(listen_resets_any_ack),
    RUN(listen_drops_other_control),
    RUN(listen_accepts_ecn_setup_syn),
    RUN(syn_to_multicast_is_silently_discarded),
    RUN(syn_from_an_invalid_source_is_ignored),
    RUN(wrong_checksum_is_discarded),
    RUN_WITH(full_backlog_drops_syns, no_cookies),
    RUN(syn_received_reset_returns_to_listen),
    RUN(syn_received_reset_elsewhere_is_no_reset),
    RUN(syn_received_wrong_ack),
    RUN(syn_received_other_syn_is_challenged),
    RUN(child_reset_before_accept),
    RUN(syn_received_no_ack_flag),
    RUN(syn_received_syn_again_is_answered),
    RUN(syn_received_out_of_window_is_acknowledged),
    RUN(syn_ack_retransmission),
    RUN(old_duplicate_syn_recovery),
    RUN(listener_closes_with_children),
    RUN(active_open),
    RUN(active_open_text_on_syn_ack),
    RUN(active_open_sends_what_was_queued),
    RUN(active_open_shutdown_before_answer),
    RUN(syn_sent_wrong_ack),
    RUN(syn_sent_refused),
    RUN(syn_sent_reset_may_carry_text),
    RUN(syn_sent_neither_syn_nor_rst),
    RUN(half_open_discovery),
    RUN(half_open_peer_is_challenged),
    RUN(syn_retransmission_schedule),
    RUN(syn_gives_up_after_three_minutes),
    RUN_WITH(syn_gives_up_sooner_if_configured, one_retry),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
