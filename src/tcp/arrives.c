/* SPDX-License-Identifier: MIT */
/*
 * SEGMENT ARRIVES for the synchronised states and SYN-RECEIVED, in the order of RFC 9293 3.10.7.4: first the sequence number,
 * second RST, third security (not used), fourth SYN, fifth ACK, sixth URG, seventh the text, eighth FIN. With the
 * stricter checks of RFC 5961 (blind attacks) and RFC 7323 5 (PAWS).
 *
 * A step returns TCP_DONE when the segment is finished with; it has freed the packet then, and the connection may be gone.
 */
#include "tcp/tcp.h"

enum { CHALLENGE_BURST = 10, CHALLENGE_COST_MS = 500 };

static const uint32_t paws_idle_s = 24 * 86400; /* RFC 7323 5.5: TS.Recent is outdated */

static uint32_t now_s(const struct gander_stack *stack)
{
    return (uint32_t)((uint64_t)stack->now / (uint64_t)GANDER_S);
}

void tcp_ack_now(struct gander_stack *stack, struct tcp_conn *c, enum gander_why why)
{
    c->flags |= TCP_ACK_NOW;
    c->why_ack = (uint8_t)why;
    tcp_output_wanted(stack, c);
}

/*
 * RFC 5961 7: throttled, a connection at a time, so that no global counter leaks (CVE-2016-5696). Ten in a row are not too
 * many to find one's peer again; each costs half a second, so that two ends that have lost each other do not storm.
 */
void tcp_challenge(struct gander_stack *stack, struct tcp_conn *c)
{
    uint32_t debt_ms = c->challenges_paid_ms - stack->tcp.clock_ms;

    if (debt_ms > CHALLENGE_BURST * CHALLENGE_COST_MS) /* long paid */
        debt_ms = 0;
    if (c->challenged_ns + stack->config.tcp_challenge_ns > stack->now ||
        debt_ms > (CHALLENGE_BURST - 1) * CHALLENGE_COST_MS) {
        tcp_drop_nothing(stack, &c->entity, c->id, GANDER_DROP_tcp_challenge_rate);
        return;
    }
    c->challenges_paid_ms = stack->tcp.clock_ms + debt_ms + CHALLENGE_COST_MS;
    c->challenged_ns = stack->now;
    stack->stats.tcp_challenge_acks++;
    tcp_ack_now(stack, c, GANDER_WHY_ack_challenge);
}

/*
 * Text or FIN as a peer may send it again whose ACK was lost: it waits for an answer. From elsewhere than a window behind, it is a
 * forger's or a ghost's, and gets no more answers than those.
 */
static bool is_repeated(const struct tcp_conn *c, const struct tcp_segment *seg)
{
    return (seg->text_len > 0 || (seg->flags & GANDER_FLAG_FIN)) &&
           c->rcv.nxt - seg->seq <= c->receive_limit_bytes + UINT16_MAX;
}

/* It is answered, and told of [RFC2883 4.1, 4.3]. */
static void repeated_arrives(struct gander_stack *stack, struct tcp_conn *c,
                             const struct tcp_segment *seg)
{
    tcp_ack_now(stack, c, GANDER_WHY_ack_duplicate);
    if (!(seg->flags & GANDER_FLAG_SYN))
        tcp_dsack_note(stack, c, seg->seq, seq_min(seg->seq + seg->text_len, c->rcv.nxt));
}

/* --- RFC 7323 --------------------------------------------------------------------------------- */

/* 5.3 R1: an old timestamp; 3.2: a missing one. */
static enum tcp_verdict check_timestamp(struct gander_stack *stack, struct tcp_conn *c,
                                        struct tcp_arrival *a)
{
    const struct tcp_segment *seg = &a->seg;

    if (!(c->flags & TCP_TIMESTAMPS) || (seg->flags & GANDER_FLAG_RST))
        return TCP_CONTINUE;
    if (!seg->has_timestamp) {
        /* a peer that began anew: RFC 5961 4.2 answers it, whatever it holds */
        if (seg->flags & GANDER_FLAG_SYN)
            return TCP_CONTINUE;
        tcp_drop(stack, c, a, GANDER_DROP_tcp_no_timestamp);
        return TCP_DONE;
    }
    if (!seq_lt(seg->tsval, c->ts_recent) || now_s(stack) - c->ts_recent_s > paws_idle_s)
        return TCP_CONTINUE;
    if (is_repeated(c, seg))
        repeated_arrives(stack, c, seg);
    else
        tcp_challenge(stack, c);
    tcp_drop(stack, c, a, GANDER_DROP_tcp_paws);
    return TCP_DONE;
}

/*
 * 4.3 (2): only a segment that covers Last.ACK.sent moves TS.Recent. DEVIATION: 5.3 R3 does so before the ACK is looked at; here
 * the ACK must be acceptable too, or who guesses a sequence number alone could have all segments of the peer discarded as old.
 */
void tcp_timestamp_take(const struct gander_stack *stack, struct tcp_conn *c,
                        const struct tcp_segment *seg)
{
    if (!(c->flags & TCP_TIMESTAMPS) || !seg->has_timestamp)
        return;
    /* an older timestamp came this far only because TS.Recent is outdated [5.5] */
    if (seq_gt(seg->seq, c->last_ack_sent))
        return;
    c->ts_recent = seg->tsval;
    c->ts_recent_s = now_s(stack);
}

/* --- first: the sequence number ------------------------------------------------------------------ */

/*
 * The table of RFC 9293 3.4: is any of it in the window? DEVIATION: the table's two tests miss a segment that begins before
 * the window and ends behind it, although it "contains data in the window", as the text says; it is taken, and cut.
 */
static bool is_acceptable(const struct tcp_conn *c, const struct tcp_segment *seg)
{
    tcp_seq end = seg->seq + seg->len;

    /* also with a closed window: its ACK, RST and URG count (MUST-66) */
    if (seg->seq == c->rcv.nxt)
        return true;
    if (seg->len == 0)
        return seq_between(c->rcv.nxt, seg->seq, c->rcv.edge);
    return seq_between(c->rcv.nxt, seg->seq, c->rcv.edge) ||
           (seq_lt(seg->seq, c->rcv.nxt) && seq_gt(end, c->rcv.nxt) && c->rcv.nxt != c->rcv.edge);
}

static void trim_left(struct tcp_conn *c, struct tcp_arrival *a)
{
    struct tcp_segment *seg = &a->seg;
    uint32_t cut = c->rcv.nxt - seg->seq;

    if (!seq_lt(seg->seq, c->rcv.nxt))
        return;
    if (seg->flags & GANDER_FLAG_SYN) {
        seg->flags &= (uint8_t)~GANDER_FLAG_SYN;
        a->was_syn = true;
        seg->len--;
        cut--;
    }
    packet_pull(a->packet, cut);
    seg->text_len -= cut;
    seg->len -= cut;
    seg->up = (uint16_t)(seg->up > cut ? seg->up - cut : 0);
    seg->seq = c->rcv.nxt;
}

static void trim_right(struct tcp_conn *c, struct tcp_arrival *a)
{
    struct tcp_segment *seg = &a->seg;
    uint32_t window = c->rcv.edge - seg->seq, fin = !!(seg->flags & GANDER_FLAG_FIN);

    if (seg->text_len + fin <= window)
        return;
    a->trimmed = true;
    seg->flags &= (uint8_t) ~(GANDER_FLAG_FIN | GANDER_FLAG_PSH);
    if (seg->text_len > window) {
        gander_packet_trim(a->packet, window);
        seg->text_len = window;
    }
    seg->len = seg->text_len;
}

/* Brings the segment down to what is new and in the window. From here on the packet is its text alone. */
static enum tcp_verdict check_sequence(struct gander_stack *stack, struct tcp_conn *c,
                                       struct tcp_arrival *a)
{
    struct tcp_segment *seg = &a->seg;

    if (c->entity.state == GANDER_TCP_SYN_RECEIVED && (seg->flags & GANDER_FLAG_SYN) &&
        (seg->flags & GANDER_FLAG_ACK) && seg->seq == c->rcv.irs) {
        /* Simultaneous open: the SYN again, now with an ACK [RFC9293 figure 7]. */
        seg->flags &= (uint8_t)~GANDER_FLAG_SYN;
        seg->seq++;
        seg->len--;
        a->was_syn = true;
    }
    if (c->entity.state == GANDER_TCP_SYN_RECEIVED && (seg->flags & GANDER_FLAG_SYN) &&
        seg->seq == c->rcv.irs &&
        (c->busy->fastopen &
         TCP_FASTOPEN_PASSIVE)) { /* the SYN again: so is the answer, as in syn_received.c */
        c->flags |= TCP_SYN_QUEUED;
        tcp_output_wanted(stack, c);
        tcp_drop(stack, c, a, GANDER_DROP_tcp_duplicate);
        return TCP_DONE;
    }
    if (is_acceptable(c, seg)) {
        packet_pull(a->packet, a->ip->ip.header_bytes + seg->header_bytes);
        return TCP_CONTINUE;
    }
    if (!(seg->flags & GANDER_FLAG_RST)) {
        if (is_repeated(c, seg))
            repeated_arrives(stack, c, seg);
        else if (seg->seq == c->rcv.nxt - 1)
            tcp_ack_now(stack, c, GANDER_WHY_ack_probe);
        else
            tcp_challenge(stack, c);
    }
    tcp_drop(stack, c, a,
             seg->len && seq_leq(seg->seq + seg->len, c->rcv.nxt) ? GANDER_DROP_tcp_duplicate
                                                                  : GANDER_DROP_tcp_out_of_window);
    return TCP_DONE;
}

/* --- second: RST; fourth: SYN --------------------------------------------------------------------------- */

static enum tcp_verdict check_reset(struct gander_stack *stack, struct tcp_conn *c,
                                    struct tcp_arrival *a)
{
    int error = GANDER_ECONNRESET;

    if (!(a->seg.flags & GANDER_FLAG_RST))
        return TCP_CONTINUE;
    if (a->seg.seq != c->rcv.nxt) { /* RFC 5961 3.2; only its text or FIN in the window: silence */
        if (seq_between(c->rcv.nxt, a->seg.seq, c->rcv.edge))
            tcp_challenge(stack, c);
        tcp_drop(stack, c, a, GANDER_DROP_tcp_rst_not_exact);
        return TCP_DONE;
    }
    gander_packet_free(a->packet);
    a->packet = NULL;
    if (c->entity.state == GANDER_TCP_SYN_RECEIVED)
        error = GANDER_ECONNREFUSED;
    if (c->entity.state == GANDER_TCP_CLOSING || c->entity.state == GANDER_TCP_LAST_ACK)
        error = 0; /* both directions were closed already */
    tcp_conn_end(stack, c, GANDER_CAUSE_reset, error);
    return TCP_DONE;
}

/* RFC 5961 4.2: whatever its sequence number, a SYN is answered with a challenge. */
static enum tcp_verdict check_syn(struct gander_stack *stack, struct tcp_conn *c,
                                  struct tcp_arrival *a)
{
    if (!(a->seg.flags & GANDER_FLAG_SYN))
        return TCP_CONTINUE;
    tcp_challenge(stack, c);
    tcp_drop(stack, c, a, GANDER_DROP_tcp_syn_in_window);
    return TCP_DONE;
}

/* --- fifth: ACK, in ack.c; sixth: URG ------------------------------------------------------------------------ */

static enum tcp_verdict check_ack(struct gander_stack *stack, struct tcp_conn *c,
                                  struct tcp_arrival *a)
{
    if (!(a->seg.flags & GANDER_FLAG_ACK)) {
        tcp_drop(stack, c, a, GANDER_DROP_tcp_no_ack);
        return TCP_DONE;
    }
    return tcp_ack_arrives(stack, c, a);
}

/* RFC 6093: the pointer means the byte behind the urgent one; data stay in line. */
static void check_urgent(struct gander_stack *stack, struct tcp_conn *c,
                         const struct tcp_segment *seg)
{
    tcp_seq up = seg->seq + seg->up;

    if (!(seg->flags & GANDER_FLAG_URG) || seg->up == 0 || seq_leq(up, c->rcv.nxt))
        return;
    if (c->entity.state > GANDER_TCP_FIN_WAIT_2) /* but beyond the window it may point [MUST-66] */
        return;
    if ((c->flags & TCP_URGENT_IN) && seq_leq(up, c->rcv.up))
        return;
    c->rcv.up = up; /* RCV.UP = max(RCV.UP, SEG.UP) */
    c->flags |= TCP_URGENT_IN;
    sock_event(stack, &c->sock, GANDER_EVENT_URGENT, 0);
}

/* What trim_left() will cut off had arrived before [RFC2883 4.2]. */
static void repeated_note(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a)
{
    const struct tcp_segment *seg = &a->seg;

    if (LIKELY(!seq_lt(seg->seq, c->rcv.nxt)) || (seg->flags & GANDER_FLAG_SYN) ||
        seg->text_len == 0)
        return;
    tcp_dsack_note(stack, c, seg->seq, seq_min(seg->seq + seg->text_len, c->rcv.nxt));
    a->repeats = true;
}

void tcp_rest_arrives(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a)
{
    repeated_note(stack, c, a);
    trim_left(c, a);
    trim_right(c, a);
    check_urgent(stack, c, &a->seg);
    tcp_text_arrives(stack, c, a); /* seventh and eighth */
}

/* --- the order ------------------------------------------------------------------------------------------------- */

static void synchronised_arrives(struct gander_stack *stack, struct tcp_conn *c,
                                 struct tcp_arrival *a)
{
    struct tcp_ecn_arrival before;

    if (check_timestamp(stack, c, a) == TCP_DONE || check_sequence(stack, c, a) == TCP_DONE)
        return;
    if (check_reset(stack, c, a) == TCP_DONE || check_syn(stack, c, a) == TCP_DONE)
        return;
    tcp_timers_on_heard(stack, c);
    before = (struct tcp_ecn_arrival){.seg = &a->seg,
                                      .text_len = a->seg.text_len,
                                      .codepoint = a->ip->ip.traffic_class & ECN_MASK,
                                      .una_before = c->snd.una,
                                      .ts_before = c->ts_recent,
                                      .was_syn = a->was_syn};
    if (check_ack(stack, c, a) == TCP_DONE)
        return;
    if (c->busy && c->snd.una != before.una_before)
        tcp_pmtu_on_ack(stack, c, before.una_before);
    if (UNLIKELY(a->seg.rare))
        tcp_uto_arrives(stack, c, &a->seg);
    if (UNLIKELY(c->ecn & TCP_ECN_MODES))
        tcp_ecn_arrives(stack, c, &before);
    tcp_rest_arrives(stack, c, a);
}

void tcp_arrives(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a)
{
    tcp_meter_in(c, &a->seg);
    if (UNLIKELY(c->entity.state == GANDER_TCP_SYN_SENT))
        tcp_syn_sent_arrives(stack, c, a);
    else
        synchronised_arrives(stack, c, a);
    gander_packet_free(a->packet); /* unless a step kept it */
}
