/* SPDX-License-Identifier: MIT */
/*
 * SEGMENT ARRIVES in CLOSED [RFC9293 3.10.7.1] and in the synchronised states [3.10.7.4]: each kind of segment in
 * each of the states, with the mitigations of RFC 5961. LISTEN, SYN-SENT and SYN-RECEIVED are in tcp_open.c;
 * what TIME-WAIT does otherwise is in tcp_close.c.
 */
#include "dialogue.h"

/* What the variables are after reach(): RCV.NXT and SND.NXT, relative. */
static unsigned rcv_nxt(enum gander_tcp_state state)
{
    return state == GANDER_TCP_ESTABLISHED || state == GANDER_TCP_FIN_WAIT_1 ||
                   state == GANDER_TCP_FIN_WAIT_2
               ? 1
               : 2;
}

static unsigned snd_nxt(enum gander_tcp_state state)
{
    return state == GANDER_TCP_ESTABLISHED || state == GANDER_TCP_CLOSE_WAIT ? 1 : 2;
}

/* SND.UNA: in FIN-WAIT-1, CLOSING and LAST-ACK the FIN is not acknowledged. */
static unsigned snd_una(enum gander_tcp_state state)
{
    return state == GANDER_TCP_FIN_WAIT_2 || state == GANDER_TCP_TIME_WAIT ? 2 : 1;
}

static bool receives(enum gander_tcp_state state)
{
    return rcv_nxt(state) == 1;
}

/* The receive window. A FIN takes one number of it; in TIME-WAIT nobody asks for more. */
static unsigned window(struct dialogue *d)
{
    return dialogue_info(d).rcv_wnd;
}

static void expect_challenge(struct dialogue *d, enum gander_tcp_state state)
{
    expect(d, "A seq=%u ack=%u len=0", snd_nxt(state), rcv_nxt(state));
    expect_nothing(d);
    expect_state(d, state);
    expect_no_event(d, GANDER_EVENT_READABLE | GANDER_EVENT_CLOSED | GANDER_EVENT_URGENT);
}

static void expect_silence(struct dialogue *d, enum gander_tcp_state state)
{
    expect_nothing(d);
    expect_state(d, state);
    expect_no_event(d, GANDER_EVENT_READABLE | GANDER_EVENT_CLOSED | GANDER_EVENT_URGENT);
}

/* --- CLOSED ------------------------------------------------------------------------------------- */

DIALOGUE(closed_resets_what_has_no_ack) /* [RFC9293 3.10.7.1] */
{
    arrive(d, "S seq=0");
    expect(d, "RA seq=0 ack=1 len=0");
    expect_drop(d, GANDER_DROP_tcp_no_connection);
    arrive(d, "S seq=0 len=10");
    expect(d, "RA seq=0 ack=11 len=0");
    arrive(d, "P seq=100 len=10");
    expect(d, "RA seq=0 ack=110 len=0");
    arrive(d, "F seq=100 len=10");
    expect(d, "RA seq=0 ack=111 len=0");
}

DIALOGUE(closed_resets_what_has_an_ack) /* [RFC9293 3.10.7.1, 3.5.2 group 1] */
{
    arrive(d, "A seq=5 ack=77");
    expect(d, "R seq=77 len=0");
    arrive(d, "SA seq=5 ack=78");
    expect(d, "R seq=78 len=0");
    arrive(d, "FA seq=5 ack=79 len=3");
    expect(d, "R seq=79 len=0");
    arrive(d, "PA seq=5 ack=-1 len=3");
    expect(d, "R seq=-1 len=0");
    expect_equal(d, dialogue_stats(d).tcp_resets_out, 4);
}

DIALOGUE(closed_never_resets_a_reset) /* [RFC9293 3.10.7.1] */
{
    arrive(d, "R seq=5");
    expect_nothing(d);
    expect_drop(d, GANDER_DROP_tcp_no_connection);
    arrive(d, "RA seq=5 ack=6");
    expect_nothing(d);
    arrive(d, "RA seq=5 ack=6 len=5");
    expect_nothing(d);
    expect_equal(d, dialogue_stats(d).tcp_resets_out, 0);
}

/* --- first: sequence number -------------------------------------------------------------------------- */

static void old_segment(struct dialogue *d, enum gander_tcp_state state)
{
    arrive(d, "A seq=%d len=0", (int)rcv_nxt(state) - 1);
    expect_challenge(d, state);
    after(d, ms(10));
    arrive(d, "PA seq=%d len=10", (int)rcv_nxt(state) - 10);
    expect_challenge(d, state);
    after(d, ms(10));
    arrive(d, "PA seq=-5000 len=10");
    expect_challenge(d, state);
}

static void beyond_the_window(struct dialogue *d, enum gander_tcp_state state)
{
    unsigned edge = rcv_nxt(state) + window(d);

    arrive(d, "A seq=%u len=0", edge);
    expect_challenge(d, state);
    expect_drop(d, GANDER_DROP_tcp_out_of_window);
    after(d, ms(10));
    arrive(d, "PA seq=%u len=10", edge);
    expect_challenge(d, state);
    expect_drop(d, GANDER_DROP_tcp_out_of_window);
    after(d, ms(10));
    arrive(d, "FA seq=%u len=10", edge + 1000000);
    expect_challenge(d, state);
    expect_drop(d, GANDER_DROP_tcp_out_of_window);
}

static void half_the_space_away(struct dialogue *d, enum gander_tcp_state state)
{
    for (int64_t off = -1; off <= 1; off++) {
        arrive(d, "A seq=%lld len=0", (long long)rcv_nxt(state) + (1ll << 31) + off);
        expect_challenge(d, state);
        expect_drop(d, GANDER_DROP_tcp_out_of_window);
        after(d, ms(10));
    }
}

/* A segment without text anywhere in the window is acceptable: no answer. */
static void empty_in_window(struct dialogue *d, enum gander_tcp_state state)
{
    unsigned last = rcv_nxt(state) + window(d) - 1;

    arrive(d, "A seq=%u ack=%u len=0", rcv_nxt(state), snd_una(state));
    expect_silence(d, state);
    arrive(d, "A seq=%u ack=%u len=0", last, snd_una(state));
    expect_silence(d, state);
}

/* --- second: RST [RFC5961 3.2] -------------------------------------------------------------------- */

static void exact_reset(struct dialogue *d, enum gander_tcp_state state)
{
    bool told = state != GANDER_TCP_CLOSING && state != GANDER_TCP_LAST_ACK;

    arrive(d, "R seq=%u", rcv_nxt(state));
    expect_nothing(d);
    expect_state(d, GANDER_TCP_CLOSED);
    expect_event(d, GANDER_EVENT_CLOSED);
    if (told) /* "connection reset" signal; in CLOSING and LAST-ACK there is nothing to tell */
        expect_equal(d, d->error, GANDER_ECONNRESET);
    expect_equal(d, dialogue_stats(d).tcp_connections, 0);
    expect_equal(d, dialogue_stats(d).tcp_resets_in, 1);
    expect_silence_until(d, sec(300));
}

static void exact_reset_with_text(struct dialogue *d, enum gander_tcp_state state) /* SHLD-2 */
{
    arrive(d, "RA seq=%u len=30", rcv_nxt(state));
    expect_nothing(d);
    expect_state(d, GANDER_TCP_CLOSED);
}

static void reset_in_window(struct dialogue *d, enum gander_tcp_state state)
{
    arrive(d, "R seq=%u", rcv_nxt(state) + 1);
    expect_challenge(d, state);
    expect_drop(d, GANDER_DROP_tcp_rst_not_exact);
    expect_equal(d, dialogue_stats(d).tcp_challenge_acks, 1);
    after(d, ms(10));
    arrive(d, "RA seq=%u", rcv_nxt(state) + window(d) - 1);
    expect_challenge(d, state);
    expect_drop(d, GANDER_DROP_tcp_rst_not_exact);
}

static void reset_outside(struct dialogue *d, enum gander_tcp_state state)
{
    unsigned edge = rcv_nxt(state) + window(d);

    arrive(d, "R seq=%d", (int)rcv_nxt(state) - 1);
    expect_silence(d, state);
    expect_drop(d, GANDER_DROP_tcp_out_of_window);
    arrive(d, "R seq=%u", edge);
    expect_silence(d, state);
    expect_drop(d, GANDER_DROP_tcp_out_of_window);
    arrive(d, "RA seq=%u", edge + 500000);
    expect_silence(d, state);
    arrive(d, "RA seq=%lld", (1ll << 31) + (long long)rcv_nxt(state));
    expect_silence(d, state);
}

/* --- fourth: SYN [RFC5961 4.2] -------------------------------------------------------------------- */

static void syn_anywhere(struct dialogue *d, enum gander_tcp_state state)
{
    unsigned edge = rcv_nxt(state) + window(d);
    long long seqs[] = {rcv_nxt(state), rcv_nxt(state) + 1ll, edge - 1ll, edge, -1000};

    for (unsigned i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
        arrive(d, "S seq=%lld", seqs[i]);
        expect_challenge(d, state);
        after(d, ms(10));
        arrive(d, "SA seq=%lld", seqs[i]);
        expect_challenge(d, state);
        after(d, ms(10));
    }
}

static void syn_is_counted(struct dialogue *d, enum gander_tcp_state state)
{
    arrive(d, "S seq=%u", rcv_nxt(state));
    expect_challenge(d, state);
    expect_drop(d, GANDER_DROP_tcp_syn_in_window);
    expect_equal(d, dialogue_stats(d).tcp_challenge_acks, 1);
}

/* One challenge ACK in tcp_challenge_ns and connection [RFC5961 7, 10]. */
static void challenges_are_limited(struct dialogue *d, enum gander_tcp_state state)
{
    arrive(d, "S seq=%u", rcv_nxt(state));
    expect_challenge(d, state);
    arrive(d, "R seq=%u", rcv_nxt(state) + 1);
    expect_silence(d, state);
    arrive(d, "S seq=%u", rcv_nxt(state) + 5);
    expect_silence(d, state);
    after(d, ms(5));
    arrive(d, "S seq=%u", rcv_nxt(state) + 5);
    expect_challenge(d, state);
}

/* --- fifth: ACK ------------------------------------------------------------------------------------ */

static void without_ack_flag(struct dialogue *d, enum gander_tcp_state state)
{
    arrive(d, "P seq=%u len=10", rcv_nxt(state));
    expect_silence(d, state);
    expect_drop(d, GANDER_DROP_tcp_no_ack);
    d->f->next = rcv_nxt(state);
    arrive(d, "F seq=%u", rcv_nxt(state));
    expect_silence(d, state);
    expect_drop(d, GANDER_DROP_tcp_no_ack);
    arrive(d, "- seq=%u", rcv_nxt(state));
    expect_silence(d, state);
}

static void acknowledges_the_unsent(struct dialogue *d, enum gander_tcp_state state)
{
    arrive(d, "PA seq=%u ack=%u len=10", rcv_nxt(state), snd_nxt(state) + 1);
    expect_challenge(d, state);
    expect_drop(d, GANDER_DROP_tcp_ack_unsent);
    after(d, ms(10));
    arrive(d, "FA seq=%u ack=%lld", rcv_nxt(state), snd_nxt(state) + (1ll << 31) - 1);
    expect_challenge(d, state);
}

/* SEG.ACK below SND.UNA − MAX.SND.WND, which is 65,535 here [RFC5961 5.2, MAY-12]. */
static void acknowledges_the_ancient(struct dialogue *d, enum gander_tcp_state state)
{
    arrive(d, "PA seq=%u ack=%d len=10", rcv_nxt(state), (int)snd_una(state) - 65536);
    expect_challenge(d, state);
    expect_drop(d, GANDER_DROP_tcp_ack_too_old);
    after(d, ms(10));
    arrive(d, "PA seq=%u ack=%lld len=10", rcv_nxt(state), snd_una(state) - (1ll << 31) + 1);
    expect_challenge(d, state);
}

/* A duplicate ACK in range can be ignored, and what the segment carries is taken. */
static void acknowledges_the_old(struct dialogue *d, enum gander_tcp_state state)
{
    arrive(d, "PA seq=%u ack=%d len=10", rcv_nxt(state), (int)snd_una(state) - 65535);
    expect_state(d, state);
    if (receives(state)) {
        app_receive(d, 10);
        if (!allow(d, "A ack=11"))
            expect_after(d, ms(40), "A ack=11");
    } else {
        allow(d, "A seq=%u ack=%u len=0", snd_nxt(state), rcv_nxt(state));
        app_receive_gives(d, 0);
    }
}

/* --- sixth: URG ------------------------------------------------------------------------------------ */

static void urgent(struct dialogue *d, enum gander_tcp_state state)
{
    arrive(d, "PAU seq=%u ack=%u len=10 up=5", rcv_nxt(state), snd_una(state));
    if (receives(state)) {
        expect_event(d, GANDER_EVENT_URGENT);
        if (!allow(d, "A ack=11"))
            expect_after(d, ms(40), "A ack=11");
    } else {
        allow(d, "A seq=%u ack=%u len=0", snd_nxt(state), rcv_nxt(state));
        expect_no_event(d, GANDER_EVENT_URGENT);
    }
    expect_state(d, state);
}

/* --- seventh: text ---------------------------------------------------------------------------------- */

static void text_is_taken(struct dialogue *d, enum gander_tcp_state state)
{
    arrive(d, "PA seq=%u ack=%u len=100", rcv_nxt(state), snd_una(state));
    expect_state(d, state);
    if (receives(state)) {
        expect_event(d, GANDER_EVENT_READABLE);
        app_receive(d, 100);
        app_receive_gives(d, GANDER_EAGAIN);
        if (!allow(d, "A seq=%u ack=101", snd_nxt(state)))
            expect_after(d, ms(40), "A seq=%u ack=101", snd_nxt(state));
    } else { /* "Ignore the segment text" */
        allow(d, "A seq=%u ack=%u len=0", snd_nxt(state), rcv_nxt(state));
        expect_no_event(d, GANDER_EVENT_READABLE);
        app_receive_gives(d, 0);
        expect_drop(d, GANDER_DROP_tcp_after_fin);
    }
}

static void text_straddles_the_left_edge(struct dialogue *d, enum gander_tcp_state state)
{
    if (!receives(state))
        return;
    arrive(d, "A seq=1 ack=%u len=50", snd_una(state));
    if (!allow(d, "A seq=%u ack=51", snd_nxt(state)))
        expect_after(d, ms(40), "A seq=%u ack=51", snd_nxt(state));
    arrive(d, "PA seq=21 ack=%u len=100", snd_una(state)); /* 30 old bytes, 70 new ones */
    app_receive(d, 120);
    app_receive_gives(d, GANDER_EAGAIN);
    if (!allow(d, "A seq=%u ack=121", snd_nxt(state)))
        expect_after(d, ms(40), "A seq=%u ack=121", snd_nxt(state));
}

static void text_straddles_the_right_edge(struct dialogue *d, enum gander_tcp_state state)
{
    unsigned wnd = window(d);

    if (!receives(state))
        return;
    arrive(d, "A seq=%u ack=%u len=1000", wnd - 99,
           snd_una(state)); /* its last 900 bytes are outside; also a gap */
    expect(d, "A seq=%u ack=1", snd_nxt(state));
    expect_true(d, dialogue_info(d).reorder_queue_bytes <= 100);
    expect_state(d, state);
}

/* --- eighth: FIN -------------------------------------------------------------------------------------- */

static void fin_arrives(struct dialogue *d, enum gander_tcp_state state)
{
    static const enum gander_tcp_state next[GANDER_TCP_STATES] = {
        [GANDER_TCP_ESTABLISHED] = GANDER_TCP_CLOSE_WAIT,
        [GANDER_TCP_FIN_WAIT_1] = GANDER_TCP_CLOSING,
        [GANDER_TCP_FIN_WAIT_2] = GANDER_TCP_TIME_WAIT,
        [GANDER_TCP_CLOSE_WAIT] = GANDER_TCP_CLOSE_WAIT,
        [GANDER_TCP_CLOSING] = GANDER_TCP_CLOSING,
        [GANDER_TCP_LAST_ACK] = GANDER_TCP_LAST_ACK,
        [GANDER_TCP_TIME_WAIT] = GANDER_TCP_TIME_WAIT};

    arrive(d, "FA seq=1 ack=%u", snd_una(state)); /* the first one, or again the same */
    expect(d, "A seq=%u ack=2 len=0", snd_nxt(state));
    expect_nothing(d);
    expect_state(d, next[state]);
    if (receives(state))
        expect_event(d, GANDER_EVENT_PEER_CLOSED | GANDER_EVENT_READABLE);
    else
        expect_no_event(d, GANDER_EVENT_PEER_CLOSED | GANDER_EVENT_READABLE);
}

/* Another FIN, beyond the first: there can be nothing behind a FIN. */
static void second_fin_behind_the_first(struct dialogue *d, enum gander_tcp_state state)
{
    if (receives(state))
        return;
    arrive(d, "FA seq=2 ack=%u", snd_una(state));
    allow(d, "A seq=%u ack=2 len=0", snd_nxt(state));
    expect_state(d, state);
    expect_no_event(d, GANDER_EVENT_PEER_CLOSED | GANDER_EVENT_READABLE);
}

/* --- malformed ------------------------------------------------------------------------------------------ */

static void malformed(struct dialogue *d, enum gander_tcp_state state)
{
    unsigned seq = rcv_nxt(state);

    arrive(d, "PA seq=%u len=10 badsum", seq); /* MUST-3 */
    expect_silence(d, state);
    expect_drop(d, GANDER_DROP_tcp_checksum);
    d->f->next = seq;
    arrive(d, "PA seq=%u offset=4", seq);
    expect_silence(d, state);
    expect_drop(d, GANDER_DROP_tcp_header);
    arrive(d, "PA seq=%u offset=15", seq);
    expect_silence(d, state);
    expect_drop(d, GANDER_DROP_tcp_header);
    arrive(d, "SR seq=%u", seq);
    expect_silence(d, state);
    arrive(d, "SF seq=%u", seq);
    expect_silence(d, state);
    arrive(d, "SAFRPU seq=%u", seq);
    expect_silence(d, state);
}

/* --- all of them in all states ------------------------------------------------------------------------------ */

/* clang-format off */
#define STATES(X, name)                                                                            \
    X(name, ESTABLISHED) X(name, FIN_WAIT_1) X(name, FIN_WAIT_2)                                   \
    X(name, CLOSE_WAIT) X(name, CLOSING) X(name, LAST_ACK)
/* clang-format on */

#define IN_STATES(X)                                                                               \
    STATES(X, old_segment)                                                                         \
    STATES(X, beyond_the_window)                                                                   \
    STATES(X, half_the_space_away)                                                                 \
    STATES(X, empty_in_window)                                                                     \
    STATES(X, exact_reset)                                                                         \
    STATES(X, exact_reset_with_text)                                                               \
    STATES(X, reset_in_window)                                                                     \
    STATES(X, reset_outside)                                                                       \
    STATES(X, syn_anywhere)                                                                        \
    STATES(X, syn_is_counted)                                                                      \
    STATES(X, challenges_are_limited)                                                              \
    STATES(X, without_ack_flag)                                                                    \
    STATES(X, acknowledges_the_unsent)                                                             \
    STATES(X, acknowledges_the_ancient)                                                            \
    STATES(X, acknowledges_the_old)                                                                \
    STATES(X, urgent)                                                                              \
    STATES(X, text_is_taken)                                                                       \
    STATES(X, text_straddles_the_left_edge)                                                        \
    STATES(X, text_straddles_the_right_edge)                                                       \
    STATES(X, fin_arrives)                                                                         \
    STATES(X, second_fin_behind_the_first)                                                         \
    STATES(X, malformed)

#define DEFINE(name, state)                                                                        \
    DIALOGUE(name##_in_##state)                                                                    \
    {                                                                                              \
        reach(d, GANDER_TCP_##state);                                                              \
        name(d, GANDER_TCP_##state);                                                               \
    }
IN_STATES(DEFINE)

/* --- acknowledgements that move a state ------------------------------------------------------------------- */

DIALOGUE(fin_wait_1_fin_acknowledged) /* [RFC9293 3.10.7.4 fifth] */
{
    reach(d, GANDER_TCP_FIN_WAIT_1);
    arrive(d, "A seq=1 ack=2");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_FIN_WAIT_2);
    expect_event(d, GANDER_EVENT_ALL_SENT);
}

DIALOGUE(fin_wait_1_fin_and_its_ack) /* [RFC9293 3.10.7.4 eighth]: FIN-WAIT-1 -> TIME-WAIT */
{
    reach(d, GANDER_TCP_FIN_WAIT_1);
    arrive(d, "FA seq=1 ack=2");
    expect(d, "A seq=2 ack=2");
    expect_state(d, GANDER_TCP_TIME_WAIT);
}

DIALOGUE(closing_fin_acknowledged) /* [RFC9293 3.10.7.4 fifth]: CLOSING -> TIME-WAIT */
{
    reach(d, GANDER_TCP_CLOSING);
    arrive(d, "A seq=2 ack=2");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_TIME_WAIT);
}

DIALOGUE(last_ack_fin_acknowledged) /* [RFC9293 3.10.7.4 fifth]: LAST-ACK -> CLOSED */
{
    reach(d, GANDER_TCP_LAST_ACK);
    arrive(d, "A seq=2 ack=2");
    expect_nothing(d);
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, 0);
}

DIALOGUE(burst_is_acknowledged_once) /* [RFC9293 MUST-58, MUST-59] */
{
    open_passive(d);
    for (int i = 0; i < 9; i++)
        arrive_together(d, "A len=1000");
    arrive(d, "PA len=1000");
    expect(d, "A seq=1 ack=10001");
    expect_nothing(d);
    app_receive(d, 10000);
}

/* --- zero window [RFC9293 3.10.7.4 first: special allowance; MUST-66] ------------------------------------------ */

static void small_buffer(struct gander_config *config)
{
    config->tcp_receive_buffer_bytes = 8192;
}

/* Sends until the stack's window is closed; returns RCV.NXT. */
static unsigned close_window(struct dialogue *d)
{
    open_passive(d);
    for (int i = 0; i < 200 && dialogue_info(d).rcv_wnd > 0; i++) {
        uint32_t wnd = dialogue_info(d).rcv_wnd;

        arrive(d, "PA len=%u", (unsigned)(wnd > 1000 ? 1000 : wnd));
        allow(d, "A seq=1");
        after(d, ms(40));
        allow(d, "A seq=1");
    }
    expect_equal(d, dialogue_info(d).rcv_wnd, 0);
    forget_events(d);
    return d->f->next;
}

DIALOGUE(zero_window_refuses_text)
{
    unsigned nxt = close_window(d);

    arrive(d, "PA seq=%u len=1", nxt);
    expect(d, "A seq=1 ack=%u wnd=0", nxt);
    expect_equal(d, dialogue_info(d).rcv_nxt - d->f->isn, nxt);
    after(d, ms(10));
    arrive(d, "PA seq=%u len=10", nxt - 5);
    expect(d, "A seq=1 ack=%u wnd=0", nxt);
    expect_equal(d, dialogue_info(d).rcv_nxt - d->f->isn, nxt);
    after(d, ms(10));
    arrive(d, "FA seq=%u", nxt);
    allow(d, "A seq=1 ack=%u wnd=0", nxt);
    expect_state(d, GANDER_TCP_ESTABLISHED);
}

DIALOGUE(zero_window_takes_acks)
{
    unsigned nxt = close_window(d);

    app_send(d, 100);
    expect(d, "PA seq=1 ack=%u len=100 wnd=0", nxt);
    arrive(d, "A seq=%u ack=101", nxt);
    expect_nothing(d);
    expect_equal(d, dialogue_info(d).snd_una - d->f->iss, 101);
    app_send(d, 100);
    expect(d, "PA seq=101 len=100");
    arrive(d, "PA seq=%u ack=201 len=1", nxt); /* the text is refused, its ACK is valid */
    expect(d, "A seq=201 ack=%u wnd=0", nxt);
    expect_equal(d, dialogue_info(d).snd_una - d->f->iss, 201);
}

DIALOGUE(zero_window_takes_resets)
{
    unsigned nxt = close_window(d);

    arrive(d, "R seq=%u", nxt + 1);
    expect_state(d, GANDER_TCP_ESTABLISHED);
    allow(d, "A seq=1");
    arrive(d, "R seq=%u", nxt);
    expect_state(d, GANDER_TCP_CLOSED);
    expect_closed(d, GANDER_ECONNRESET);
}

DIALOGUE(zero_window_takes_urgent)
{
    unsigned nxt = close_window(d);

    arrive(d, "AU seq=%u up=1", nxt);
    allow(d, "A seq=1");
    expect_event(d, GANDER_EVENT_URGENT);
}

#define ENTRY(name, state) RUN(name##_in_##state),

static const struct dialogue_test tests[] = {
    RUN(closed_resets_what_has_no_ack),
    RUN(closed_resets_what_has_an_ack),
    RUN(closed_never_resets_a_reset),
    IN_STATES(ENTRY) RUN(fin_wait_1_fin_acknowledged),
    RUN(fin_wait_1_fin_and_its_ack),
    RUN(closing_fin_acknowledged),
    RUN(last_ack_fin_acknowledged),
    RUN(burst_is_acknowledged_once),
    RUN_WITH(zero_window_refuses_text, small_buffer),
    RUN_WITH(zero_window_takes_acks, small_buffer),
    RUN_WITH(zero_window_takes_resets, small_buffer),
    RUN_WITH(zero_window_takes_urgent, small_buffer),
};

int main(int argc, char **argv)
{
    return DIALOGUE_MAIN(tests);
}
