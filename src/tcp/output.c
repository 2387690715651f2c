/* SPDX-License-Identifier: MIT */
/*
 * What a connection sends, when the link asks: SYN, what was lost, probes, new data, FIN, and an ACK if none of these carried
 * it [RFC9293 3.10.2, 3.8.1]. Connections with something to send stand in a list and are served in turn.
 */
#include "tcp/tcp.h"

enum { TURN_SEGS = 64 }; /* one connection's share of a link's burst */

/* Where the segments of one turn go. */
struct turn {
    struct gander_packet **packets;
    size_t n, max;
    bool stuck; /* no memory: try again when the link asks again */
};

void tcp_output_wanted(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_output_list *list = &stack->tcp.output[c->entity.link];

    if (c->flags & TCP_OUTPUT_LISTED)
        return;
    c->flags |= TCP_OUTPUT_LISTED;
    c->output_next = NULL;
    c->output_prev = list->last;
    if (list->last)
        list->last->output_next = c;
    else
        list->first = c;
    list->last = c;
}

void tcp_output_unlist(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_output_list *list = &stack->tcp.output[c->entity.link];

    if (!(c->flags & TCP_OUTPUT_LISTED))
        return;
    c->flags &= ~(uint32_t)TCP_OUTPUT_LISTED;
    if (c->output_prev)
        c->output_prev->output_next = c->output_next;
    else
        list->first = c->output_next;
    if (c->output_next)
        c->output_next->output_prev = c->output_prev;
    else
        list->last = c->output_prev;
}

/* Returns how many bytes of text went, or −1: no packet. */
static int64_t turn_send(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn,
                         const struct tcp_send *send)
{
    struct gander_packet *packet = tcp_segment_build(stack, c, send);

    if (!packet) {
        turn->stuck = true;
        return -1;
    }
    turn->packets[turn->n++] = packet;
    return packet->seq;
}

static bool turn_over(const struct turn *turn)
{
    return turn->n == turn->max || turn->stuck;
}

/* --- SYN ------------------------------------------------------------------------------------------- */

static bool is_opening(const struct tcp_conn *c)
{
    return c->entity.state == GANDER_TCP_SYN_SENT || c->entity.state == GANDER_TCP_SYN_RECEIVED;
}

static void syn_output(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn)
{
    struct rtxq *q = &c->busy->rtxq;
    bool answer = c->entity.state == GANDER_TCP_SYN_RECEIVED, again = q->count > 0;
    struct tcp_send send = {.seq = c->snd.iss,
                            .flags = GANDER_FLAG_SYN | (answer ? GANDER_FLAG_ACK : 0)};
    int64_t text;

    if (!(c->flags & TCP_SYN_QUEUED) && (!again || q->lost.first != q->first))
        return;
    if (!rtxq_reserve(q, stack->mem)) {
        turn->stuck = true;
        return;
    }
    send.transmissions = (uint8_t)(again ? rtxq_at(q, q->first)->transmissions + 1 : 1);
    send.why = answer ? (again ? GANDER_WHY_syn_ack_retransmit : GANDER_WHY_syn_ack)
                      : (again ? GANDER_WHY_syn_retransmit : GANDER_WHY_syn);
    if (again && answer && (c->flags & TCP_SYN_QUEUED))
        send.why = GANDER_WHY_syn_ack; /* our SYN once more, as the answer to the peer's */
    if (!again && !answer)
        send.text_len = tcp_fastopen_syn_text(stack, c);
    text = turn_send(stack, c, turn, &send);
    if (text < 0)
        return;
    c->flags &= ~(uint32_t)TCP_SYN_QUEUED;
    if (again) {
        rtxq_mark_resent(q, q->first, stack->now);
    } else {
        rtxq_push(q, c->snd.iss, 1, RECORD_SYN, stack->now);
        c->snd.nxt = c->snd.iss + 1;
    }
    if (text > 0) { /* an empty queue has room for both */
        tcp_rate_on_sent(stack, c, rtxq_push(q, c->snd.nxt, (uint32_t)text, 0, stack->now));
        c->snd.nxt += (uint32_t)text;
    }
    tcp_timers_on_sent(stack, c);
}

/* --- what was sent before ------------------------------------------------------------------------------ */

/* Sends a record again, in pieces if the segment size has shrunk. False: the turn is over before its end; the next goes on
 * there, since a link that takes one packet at a time would else get the first piece for ever. */
static bool record_resend(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn,
                          uint32_t number, enum gander_why why)
{
    struct tcp_busy *b = c->busy;
    struct tcp_record *r = rtxq_at(&b->rtxq, number);
    bool fin = r->flags & RECORD_FIN;
    uint32_t text = r->len - (fin ? 1 : 0);
    uint32_t done = b->resend_partial ? b->resend_from - r->seq : 0;

    if (done >= text)
        done = 0; /* it was not this record */
    if (r->flags & RECORD_SACKED)
        return true; /* the peer has it */
    do {
        struct tcp_send send = {.seq = r->seq + done,
                                .text_len = min_u32(text - done, c->mss),
                                .flags = GANDER_FLAG_ACK,
                                .why = (uint8_t)why,
                                .transmissions =
                                    (uint8_t)min_u32(r->transmissions + 1U, UINT8_MAX)};
        int64_t n;

        if (turn_over(turn))
            return false;
        if (done + send.text_len == text)
            send.flags |= (uint8_t)((text ? GANDER_FLAG_PSH : 0) | (fin ? GANDER_FLAG_FIN : 0));
        n = turn_send(stack, c, turn, &send);
        if (n < 0)
            return false;
        done += (uint32_t)n;
        b->resend_from = r->seq + done;
        b->resend_partial = done < text;
    } while (done < text);
    b->retransmitted++;
    rtxq_mark_resent(&b->rtxq, number, stack->now);
    tcp_pace_on_sent(stack, c, text);
    tcp_rate_on_sent(stack, c, rtxq_at(&b->rtxq, number));
    tcp_timers_on_sent(stack, c);
    if (number == b->rtxq.first)
        tcp_timers_on_resent(stack, c);
    return true;
}

static void limited_by_cwnd(struct tcp_conn *c)
{
    c->busy->limited_end = c->snd.nxt;
    c->busy->cwnd_limited = true;
}

static void lost_output(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn)
{
    struct tcp_busy *b = c->busy;

    if (b->frto == FRTO_NEW_DATA) /* new data go in their place [RFC5682 2.1, 3.1] */
        return;
    while (b->rtxq.lost.first != RTXQ_NONE && !turn_over(turn)) {
        uint32_t number = b->rtxq.lost.first;
        const struct tcp_record *r = rtxq_at(&b->rtxq, number);

        if (!b->force_one && tcp_pipe(c) + r->len > max_u32(c->cwnd, r->len)) {
            limited_by_cwnd(c);
            return;
        }
        if (tcp_pace_holds(stack, c))
            return;
        if (!record_resend(stack, c, turn, number, r->rule))
            return;
        b->force_one = false;
    }
}

/* --- probes ------------------------------------------------------------------------------------------- */

static void keepalive_output(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn)
{
    struct tcp_send send = {
        .seq = c->snd.nxt - 1, .flags = GANDER_FLAG_ACK, .why = GANDER_WHY_keepalive};

    if (turn_over(turn))
        return;
    c->flags &= ~(uint32_t)TCP_KEEPALIVE_DUE;
    turn_send(stack, c, turn, &send); /* RFC 9293 3.8.4: SEG.SEQ = SND.NXT-1, no data */
}

static bool new_segment(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn,
                        uint32_t n, bool fin, enum gander_why why)
{
    struct tcp_busy *b = c->busy;
    bool last = n == b->sendq.end - c->snd.nxt;
    struct tcp_send send = {.seq = c->snd.nxt,
                            .text_len = n,
                            .flags = (uint8_t)(GANDER_FLAG_ACK | (last && n ? GANDER_FLAG_PSH : 0) |
                                               (fin ? GANDER_FLAG_FIN : 0)),
                            .why = (uint8_t)why,
                            .transmissions = 1};
    struct tcp_record *r;
    int64_t went;

    if (!rtxq_reserve(&b->rtxq, stack->mem)) {
        turn->stuck = true;
        return false;
    }
    went = turn_send(stack, c, turn, &send);
    if (went < 0)
        return false;
    fin = fin && (uint32_t)went == n;
    r = rtxq_push(&b->rtxq, c->snd.nxt, (uint32_t)went + fin, fin ? RECORD_FIN : 0, stack->now);
    c->snd.nxt += (uint32_t)went + fin;
    tcp_rate_on_sent(stack, c, r);
    tcp_pace_on_sent(stack, c, (uint32_t)went);
    if (fin)
        c->flags |= TCP_FIN_SENT;
    if (went < c->mss || !tcp_knobs_of(stack, c)->nagle_relaxed)
        b->nagle_end = c->snd.nxt;
    /* an answer soon after what it answers: so will the next ones be */
    if (b->text_ns > 0 && stack->now - b->text_ns < tcp_knobs_of(stack, c)->delayed_ack_ns)
        c->flags |= TCP_INTERACTIVE;
    return true;
}

/* RFC 9293 3.8.6.1: one byte beyond the window, the same until it is acknowledged; with nothing but a FIN left, that. */
static void window_probe_output(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn)
{
    struct tcp_busy *b = c->busy;

    if (turn_over(turn))
        return;
    c->flags &= ~(uint32_t)TCP_WINDOW_PROBE_DUE;
    if (b->rtxq.count == 0 && !tcp_waits(c)) /* all was acknowledged before the probe left */
        return;
    if (b->rtxq.count > 0)
        record_resend(stack, c, turn, b->rtxq.first, GANDER_WHY_window_probe);
    else if (b->sendq.end != c->snd.nxt)
        new_segment(stack, c, turn, 1, false, GANDER_WHY_window_probe);
    else
        new_segment(stack, c, turn, 0, true, GANDER_WHY_window_probe);
    tcp_timers_on_probe(stack, c);
}

/* RFC 8985 7.3: new data if the window has room, else the last segment once more. */
static void loss_probe_output(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn)
{
    struct tcp_busy *b = c->busy;
    uint32_t in_flight = c->snd.nxt - c->snd.una;
    /* a FIN that has left is the end, and no new data */
    uint32_t n = c->flags & TCP_FIN_SENT ? 0 : min_u32(b->sendq.end - c->snd.nxt, c->mss);

    if (turn_over(turn))
        return;
    c->flags &= ~(uint32_t)TCP_LOSS_PROBE_DUE;
    if (!tcp_tlp_may_send(c))
        return;
    if (b->recovery != TCP_OPEN) {
        uint32_t first = b->rtxq.first;

        tcp_tlp_sent(stack, c, rtxq_at(&b->rtxq, first)->seq + rtxq_at(&b->rtxq, first)->len, true);
        record_resend(stack, c, turn, first, GANDER_WHY_tail_loss_probe);
    } else if (n > 0 && in_flight + n <= c->snd.wnd) {
        tcp_tlp_sent(stack, c, c->snd.nxt + n, false);
        new_segment(stack, c, turn, n, false, GANDER_WHY_tail_loss_probe);
    } else {
        tcp_tlp_sent(stack, c, c->snd.nxt, true);
        record_resend(stack, c, turn, rtxq_last(&b->rtxq), GANDER_WHY_tail_loss_probe);
    }
}

/* --- new data, FIN, ACK ------------------------------------------------------------------------------------- */

/* One segment larger than the others [RFC4821 7.2]. */
static void mtu_probe_output(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn)
{
    uint32_t n = tcp_pmtu_probe_bytes(stack, c);

    if (n == 0 || turn_over(turn) || tcp_pace_holds(stack, c) ||
        !new_segment(stack, c, turn, n, false, GANDER_WHY_mtu_probe))
        return;
    tcp_pmtu_on_probe(c, n);
    tcp_timers_on_sent(stack, c);
}

static void data_output(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn)
{
    const struct tcp_busy *b = c->busy;
    bool sent = false;

    mtu_probe_output(stack, c, turn);
    while (!turn_over(turn)) {
        bool fin;
        uint32_t n = tcp_decide(c, &fin);
        enum gander_why why = fin ? (n ? GANDER_WHY_data_fin : GANDER_WHY_fin) : GANDER_WHY_data;

        if (n == 0 && !fin) {
            if (b->sendq.end != c->snd.nxt && tcp_pipe(c) + c->mss > c->cwnd)
                limited_by_cwnd(c);
            break;
        }
        if (tcp_pace_holds(stack, c) || !new_segment(stack, c, turn, n, fin, why))
            break;
        c->flags &= ~(uint32_t)TCP_OVERRIDE;
        sent = true;
    }
    if (sent) {
        tcp_timers_on_sent(stack, c);
        tcp_writable_check(stack, c);
    }
}

static void ack_output(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn)
{
    struct tcp_send send = {.seq = c->snd.nxt, .flags = GANDER_FLAG_ACK, .why = c->why_ack};

    if (!(c->flags & TCP_ACK_NOW) || turn_over(turn))
        return;
    turn_send(stack, c, turn, &send);
    if (c->busy && tcp_is_quiet(c)) /* perhaps this ACK was the last thing to do */
        tcp_timers_on_quiet(stack, c);
}

/* Something waits that no window lets go, and nothing in flight will bring an ACK: somebody must insist. */
static void waiting_check(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;

    if (tcp_waits(c) && c->snd.una == c->snd.nxt && b->at[GANDER_TIMER_pacing] == GANDER_NEVER)
        tcp_timers_on_window(stack, c);
}

/* The answer to a SYN with text need not wait for the handshake's end [RFC7413 4.2.2], nor for its SYN-ACK's ACK. */
static void early_output(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn)
{
    if (c->busy->rtxq.count == 0 || c->flags & TCP_SYN_QUEUED)
        return;
    if (c->busy->rtxq.count == 1 && !(c->flags & (TCP_CORK | TCP_MORE)))
        c->flags |= TCP_OVERRIDE;
    data_output(stack, c, turn);
    c->flags &= ~(uint32_t)TCP_OVERRIDE;
}

static void conn_output(struct gander_stack *stack, struct tcp_conn *c, struct turn *turn)
{
    if (c->busy && is_opening(c)) {
        syn_output(stack, c, turn);
        if (c->busy->fastopen & TCP_FASTOPEN_PASSIVE)
            early_output(stack, c, turn);
        /* challenges, and answers to old segments */
        if (c->entity.state == GANDER_TCP_SYN_RECEIVED)
            ack_output(stack, c, turn);
        return;
    }
    if (c->flags & TCP_KEEPALIVE_DUE)
        keepalive_output(stack, c, turn);
    if (c->busy) {
        if (tcp_sack_waits(c)) /* not on data: a full segment has no room for it */
            ack_output(stack, c, turn);
        lost_output(stack, c, turn);
        if (c->flags & TCP_WINDOW_PROBE_DUE)
            window_probe_output(stack, c, turn);
        if (c->flags & TCP_LOSS_PROBE_DUE)
            loss_probe_output(stack, c, turn);
        data_output(stack, c, turn);
        if (!turn_over(turn))
            waiting_check(stack, c);
    }
    ack_output(stack, c, turn);
    tcp_meter_limit(stack, c);
}

size_t tcp_output(struct gander_stack *stack, unsigned link, struct gander_packet **packets,
                  size_t max)
{
    struct tcp_output_list *list = &stack->tcp.output[link];
    size_t n = 0;

    while (list->first && n < max) {
        struct tcp_conn *c = list->first;
        struct turn turn = {.packets = packets + n,
                            .max = max - n < TURN_SEGS ? max - n : TURN_SEGS};

        conn_output(stack, c, &turn);
        n += turn.n;
        tcp_output_unlist(stack, c);
        if (turn_over(&turn))
            tcp_output_wanted(stack, c); /* perhaps more: behind the others */
        if (turn.stuck)
            break;
    }
    return n;
}
