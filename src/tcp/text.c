/* SPDX-License-Identifier: MIT */
/*
 * The segment's text and FIN [RFC9293 3.10.7.4, seventh and eighth]: into the receive queue, or ahead of a gap into
 * reassembly; when to acknowledge [RFC9293 3.8.6.3, RFC5681 4.2].
 *
 * DEVIATION: a burst of input is acknowledged once, however many segments it holds, as a receiver with segment
 * coalescing does; RFC 9293 SHLD-18 asks for every second segment of those that arrive one by one, which is kept.
 */
#include "tcp/tcp.h"

static bool takes_text(const struct tcp_conn *c)
{
    if (c->entity.state == GANDER_TCP_SYN_RECEIVED)
        return c->busy->fastopen & TCP_FASTOPEN_PASSIVE;
    return c->entity.state == GANDER_TCP_ESTABLISHED || c->entity.state == GANDER_TCP_FIN_WAIT_1 ||
           c->entity.state == GANDER_TCP_FIN_WAIT_2;
}

/* The peer's window is small at first, and grows with each ACK. Not when the application answers: its data carry the ACK. */
static bool quick_at_first(const struct gander_stack *stack, struct tcp_conn *c)
{
    if ((c->flags & TCP_INTERACTIVE) ||
        c->busy->quick_acked >= tcp_knobs_of(stack, c)->quickack_segs)
        return false;
    c->busy->quick_acked++;
    return true;
}

static void ack_schedule(struct gander_stack *stack, struct tcp_conn *c,
                         const struct tcp_segment *seg)
{
    struct tcp_busy *b = c->busy;

    if (seg->text_len > c->mss_receive)
        c->mss_receive = (uint16_t)min_u32(seg->text_len, UINT16_MAX);
    b->unacked_segs++;
    b->text_ns = stack->now;
    if (b->unacked_segs >= 2 || (c->flags & TCP_QUICKACK) || quick_at_first(stack, c))
        tcp_ack_now(stack, c, GANDER_WHY_ack_data);
    else
        tcp_timers_on_text(stack, c);
}

/* What waited behind the gap that this segment closed. */
static bool gap_closed(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    tcp_seq right;

    if (!reasm_take(&b->reasm, stack->mem, c->rcv.nxt, &b->recvq, &right))
        return false;
    b->bytes_received += right - c->rcv.nxt;
    c->rcv.nxt = right;
    return true;
}

/*
 * Runs that lie in the midst of this segment would leave only its first piece to be kept. So it takes their bytes, which
 * arrived first, in a copy of its own (its memory may be the sender's), and their place. Without memory for
 * that the first piece is all.
 */
static void runs_take_over(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a)
{
    struct reasm *r = &c->busy->reasm;
    tcp_seq left = a->seg.seq, right = left + a->seg.text_len;
    struct gander_packet *copy;

    if (LIKELY(r->count == 0) || !reasm_splits(r, left, right))
        return;
    copy = gander_packet_copy(stack, a->packet);
    if (!copy)
        return;
    reasm_overlay(r, stack->mem, copy->frag[0].data, left, right);
    gander_packet_free(a->packet);
    a->packet = copy;
}

/* The first part of the text that is held already [RFC2883 4.2]. */
static void held_note(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a)
{
    const struct tcp_segment *seg = &a->seg;
    struct tcp_sack_block part, run;

    if (a->repeats ||
        !reasm_overlap(&c->busy->reasm, seg->seq, seg->seq + seg->text_len, &part, &run))
        return;
    tcp_dsack_note(stack, c, part.left, part.right);
    a->repeats = true;
}

/* The text begins at RCV.NXT. */
static void text_in_order(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a)
{
    struct tcp_busy *b = c->busy;
    struct tcp_segment *seg = &a->seg;
    bool had_gap = b->reasm.count > 0;

    tcp_autotune_sample(stack, c, seg);
    if (had_gap)
        held_note(stack, c, a);
    runs_take_over(stack, c, a);
    if (b->reasm.count > 0 && seq_gt(seg->seq + seg->text_len, b->reasm.runs[0].left)) {
        seg->text_len = b->reasm.runs[0].left - seg->seq; /* what arrived first stays */
        gander_packet_trim(a->packet, seg->text_len);
        seg->flags &= (uint8_t)~GANDER_FLAG_FIN;
    }
    recvq_append(&b->recvq, stack, a->packet, c->receive_limit_bytes);
    a->packet = NULL;
    b->bytes_received += seg->text_len;
    c->rcv.nxt += seg->text_len;
    if (had_gap) {
        gap_closed(stack, c);
        tcp_ack_now(stack, c, GANDER_WHY_ack_out_of_order); /* RFC 5681 4.2: at once */
    } else {
        ack_schedule(stack, c, seg);
    }
    sock_event(stack, &c->sock, GANDER_EVENT_READABLE, 0);
}

/*
 * What may be held ahead of a gap, at true size: twice the window with what waits in order. The window itself would
 * be too little: a full-sized segment takes up half as much again as its text, so that of a window with a gap
 * at its start the end could not be kept; whoever resends that end in vain learns nothing from our answer.
 */
static uint32_t ahead_limit(const struct tcp_conn *c)
{
    uint32_t window = min_u32(c->receive_limit_bytes, UINT32_MAX / 2);

    return 2 * window - min_u32(c->busy->recvq.held_bytes, window);
}

/*
 * An ACK for an earlier gap is due in this burst, and this segment is another gap, or the peer counts duplicates: that ACK leaves now,
 * so that none goes untold [RFC5681 4.2]. With SACK, one for each gap; without, one for each segment.
 */
static void ack_each_gap(struct gander_stack *stack, struct tcp_conn *c,
                         const struct tcp_arrival *a)
{
    struct tcp_send ack = {
        .seq = c->snd.nxt, .flags = GANDER_FLAG_ACK, .why = GANDER_WHY_ack_out_of_order};
    struct gander_packet *packet;

    if (!(c->flags & TCP_ACK_NOW) || c->why_ack != GANDER_WHY_ack_out_of_order)
        return;
    if ((c->flags & TCP_SACK) && reasm_holds(&c->busy->reasm, a->seg.seq - 1))
        return;
    packet = tcp_segment_build(stack, c, &ack);
    if (packet)
        link_enqueue(stack, c->entity.link, packet);
}

static void text_ahead(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a)
{
    struct tcp_busy *b = c->busy;
    enum gander_drop reason;

    b->meter.ahead_segs++;
    ack_each_gap(stack, c, a);
    held_note(stack, c, a);
    /* What was SACKed stays [RFC2018 8]: runs give way only to a packet that surely finds room. */
    if (b->reasm.held_bytes + 2 * a->seg.text_len + 1024 <= ahead_limit(c))
        runs_take_over(stack, c, a);
    reason = reasm_insert(&b->reasm, stack->mem, a->packet, a->seg.seq, ahead_limit(c));
    tcp_ack_now(stack, c, GANDER_WHY_ack_out_of_order);
    if (reason != GANDER_DROP_none)
        tcp_drop(stack, c, a, reason);
    a->packet = NULL;
}

/* Closed, and data still come in: they can never be read [RFC9293 3.6.1, RFC2525 2.17]. */
static bool receiver_is_gone(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a)
{
    if (c->sock.handle || c->listener)
        return false;
    tcp_send_reset(stack, c, GANDER_WHY_rst_after_close);
    tcp_drop(stack, c, a, GANDER_DROP_tcp_after_close);
    tcp_conn_end(stack, c, GANDER_CAUSE_abort, GANDER_ECONNRESET);
    return true;
}

/* The receiving direction was shut by its owner: acknowledged, not kept. */
static void text_discard(struct gander_stack *stack, struct tcp_conn *c,
                         const struct tcp_segment *seg)
{
    if (seg->seq == c->rcv.nxt)
        c->rcv.nxt += seg->text_len;
    tcp_ack_now(stack, c, GANDER_WHY_ack_data);
}

/* False: the connection is gone. */
static bool text_process(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a)
{
    bool counted;

    if (a->trimmed)
        tcp_ack_now(stack, c, GANDER_WHY_ack_window);
    if (a->seg.text_len == 0)
        return true;
    if (receiver_is_gone(stack, c, a))
        return false;
    if (c->flags & TCP_RECEIVE_SHUT) {
        text_discard(stack, c, &a->seg);
        return true;
    }
    counted = tcp_meter_runs(c);
    if (!tcp_busy_need(stack, c)) {
        tcp_drop(stack, c, a, GANDER_DROP_tcp_memory);
        a->seg.flags &= (uint8_t)~GANDER_FLAG_FIN;
        return true;
    }
    if (!counted)
        tcp_meter_in(c, &a->seg);
    if (a->seg.seq == c->rcv.nxt)
        text_in_order(stack, c, a);
    else
        text_ahead(stack, c, a);
    tcp_holder_update(stack, c, false);
    return true;
}

/* A FIN ahead of a gap is remembered by its number. */
static bool fin_reached(struct gander_stack *stack, struct tcp_conn *c,
                        const struct tcp_segment *seg)
{
    tcp_seq fin = seg->seq + seg->text_len;

    if (seg->flags & GANDER_FLAG_FIN) {
        if (fin == c->rcv.nxt)
            return true;
        if (seq_gt(fin, c->rcv.nxt) && tcp_busy_need(stack, c)) {
            c->busy->fin_seq = fin;
            c->flags |= TCP_FIN_AHEAD;
            tcp_ack_now(stack, c, GANDER_WHY_ack_out_of_order);
        }
    }
    return (c->flags & TCP_FIN_AHEAD) && c->busy->fin_seq == c->rcv.nxt;
}

/* Eighth. The connection may become a TIME-WAIT record, and be gone. */
void tcp_fin_arrives(struct gander_stack *stack, struct tcp_conn *c)
{
    if ((c->flags & TCP_URGENT_IN) && seq_gt(c->rcv.up, c->rcv.nxt))
        c->rcv.up = c->rcv.nxt; /* nothing comes behind a FIN */
    /* what a peer that contradicts itself sent there can never be read */
    if (c->busy && c->busy->reasm.count > 0) {
        reasm_finish(&c->busy->reasm, stack->mem);
        tcp_holder_update(stack, c, false);
    }
    c->rcv.nxt++;
    c->flags |= TCP_FIN_RECEIVED;
    c->flags &= ~(uint32_t)TCP_FIN_AHEAD;
    sock_event(stack, &c->sock, GANDER_EVENT_PEER_CLOSED | GANDER_EVENT_READABLE, 0);
    tcp_ack_now(stack, c, GANDER_WHY_ack_fin);
    switch (c->entity.state) {
    case GANDER_TCP_SYN_RECEIVED:
    case GANDER_TCP_ESTABLISHED:
        tcp_state_set(stack, c, GANDER_TCP_CLOSE_WAIT, GANDER_CAUSE_segment);
        break;
    case GANDER_TCP_FIN_WAIT_1: /* had our FIN been acknowledged, ack.c had moved on */
        tcp_state_set(stack, c, GANDER_TCP_CLOSING, GANDER_CAUSE_segment);
        break;
    case GANDER_TCP_FIN_WAIT_2:
        tcp_time_wait_enter(stack, c);
        break;
    default:
        break;
    }
}

void tcp_text_arrives(struct gander_stack *stack, struct tcp_conn *c, struct tcp_arrival *a)
{
    struct tcp_segment *seg = &a->seg;

    if (!takes_text(c)) {
        /* behind the peer's FIN: cannot be; another FIN is acknowledged all the same */
        if (seg->len > 0) {
            if (seg->flags & GANDER_FLAG_FIN)
                tcp_ack_now(stack, c, GANDER_WHY_ack_duplicate);
            tcp_drop(stack, c, a, GANDER_DROP_tcp_after_fin);
        }
        return;
    }
    if (!text_process(stack, c, a))
        return;
    if (((seg->flags & GANDER_FLAG_FIN) || (c->flags & TCP_FIN_AHEAD)) &&
        fin_reached(stack, c, seg))
        tcp_fin_arrives(stack, c);
}
