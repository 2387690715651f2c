/* SPDX-License-Identifier: MIT */
/*
 * The acknowledgement field [RFC9293 3.10.7.4, fifth; RFC5961 5]: SND.UNA, the send window, round-trip samples, and what the
 * ACK tells about loss. Karn's rule: only segments sent once give samples [RFC6298 3].
 */
#include "tcp/tcp.h"

/* Is SEG.ACK something that a peer of ours can say? */
static enum tcp_verdict check_range(struct gander_stack *stack, struct tcp_conn *c,
                                    struct tcp_arrival *a)
{
    tcp_seq ack = a->seg.ack;

    if (seq_gt(ack, c->snd.nxt)) { /* not yet sent: send an ACK, drop */
        tcp_challenge(stack, c);
        tcp_drop(stack, c, a, GANDER_DROP_tcp_ack_unsent);
        return TCP_DONE;
    }
    if (seq_lt(ack, c->snd.una - c->snd.max_wnd)) { /* RFC 5961 5.2: older than any window */
        tcp_challenge(stack, c);
        tcp_drop(stack, c, a, GANDER_DROP_tcp_ack_too_old);
        return TCP_DONE;
    }
    return TCP_CONTINUE;
}

/* SYN-RECEIVED of a simultaneous open [RFC9293 3.10.7.4, fifth, SYN-RECEIVED]. */
static enum tcp_verdict check_syn_received(struct gander_stack *stack, struct tcp_conn *c,
                                           struct tcp_arrival *a)
{
    if (c->entity.state != GANDER_TCP_SYN_RECEIVED)
        return TCP_CONTINUE;
    if (seq_leq(a->seg.ack, c->snd.una) || seq_gt(a->seg.ack, c->snd.nxt)) {
        tcp_reply_reset(stack, a, GANDER_WHY_rst_bad_ack);
        tcp_drop(stack, c, a, GANDER_DROP_tcp_bad_ack);
        return TCP_DONE;
    }
    c->snd.wl1 = a->seg.seq - 1; /* so that the window is taken below */
    c->snd.wl2 = a->seg.ack;
    tcp_fastopen_done(stack, c, false);
    tcp_state_set(stack, c,
                  c->flags & TCP_FIN_QUEUED ? GANDER_TCP_FIN_WAIT_1 : GANDER_TCP_ESTABLISHED,
                  GANDER_CAUSE_segment);
    if (!(c->busy->fastopen & TCP_FASTOPEN_PASSIVE))
        sock_event(stack, &c->sock, GANDER_EVENT_CONNECTED | GANDER_EVENT_WRITABLE, 0);
    return TCP_CONTINUE;
}

/* Records that SND.UNA has passed; the latest that was sent once gives a sample. */
static void records_acked(struct gander_stack *stack, struct tcp_conn *c,
                          struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;

    while (b->rtxq.count > 0) {
        struct tcp_record *r = rtxq_at(&b->rtxq, b->rtxq.first);

        if (seq_gt(r->seq + r->len, c->snd.una)) {
            if (seq_lt(r->seq, c->snd.una))
                rtxq_trim_first(&b->rtxq, c->snd.una);
            return;
        }
        if (!(r->flags & RECORD_SACKED)) {
            tcp_rack_sample(stack, c, r, facts);
            tcp_rate_on_delivered(stack, c, r, facts);
            tcp_delivered(facts, r);
            if (r->transmissions == 1)
                facts->rtt_ns = stack->now - r->sent_ns;
            facts->first_sent_ns = r->first_sent_ns;
        }
        rtxq_pop(&b->rtxq);
    }
}

/*
 * What was sent more than once gives a sample only where the timestamp says which one is acknowledged [RFC7323 4.1], and
 * never more than the time since it first left. Without it a backed-off RTO would stay [RFC6298 5].
 */
static void timestamp_sample(const struct gander_stack *stack, const struct tcp_conn *c,
                             const struct tcp_segment *seg, struct tcp_ack_facts *facts)
{
    gander_time since_first = stack->now - facts->first_sent_ns, rtt;

    if (facts->rtt_ns >= 0 || facts->delivered_bytes == 0)
        return;
    if (!(c->flags & TCP_TIMESTAMPS) || !seg->has_timestamp)
        return;
    rtt = (gander_time)(tcp_timestamp(stack, c->ts_offset) - seg->tsecr) * GANDER_MS;
    if (rtt <= since_first + GANDER_MS)
        facts->rtt_ns = min_i64(max_i64(rtt, GANDER_MS), since_first);
}

static void una_advance(struct gander_stack *stack, struct tcp_conn *c,
                        const struct tcp_segment *seg, struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;
    tcp_seq ack = seg->ack;

    facts->acked_bytes = ack - c->snd.una;
    b->bytes_acked += facts->acked_bytes;
    c->snd.una = ack;
    records_acked(stack, c, facts);
    timestamp_sample(stack, c, seg, facts);
    if (seq_gt(ack, b->sendq.head))
        sendq_release(&b->sendq, seq_min(ack, b->sendq.end));
    tcp_holder_update(stack, c, true);
    if (facts->rtt_ns >= 0)
        tcp_rtt_sample(stack, c, facts->rtt_ns);
    if ((c->flags & TCP_URGENT_OUT) && seq_geq(ack, b->snd_up))
        c->flags &= ~(uint32_t)TCP_URGENT_OUT;
    if (c->flags & TCP_WANTS_WRITABLE)
        tcp_autotune_send(stack, c);
    tcp_writable_check(stack, c);
}

/* [RFC9293 3.10.7.4]: WL1 and WL2 keep old segments from using the window. */
static bool window_update(struct gander_stack *stack, struct tcp_conn *c,
                          const struct tcp_arrival *a)
{
    const struct tcp_segment *seg = &a->seg;
    /* In a SYN, as it comes when both open at once, never scaled [RFC7323 2.2]. */
    uint32_t wnd = seg->wnd << (a->was_syn ? 0 : c->snd_scale), before = c->snd.wnd;
    tcp_seq seq = seq_max(seg->seq, c->rcv.nxt); /* the part that is old will be cut off */

    if (!seq_lt(c->snd.wl1, seq) && !(c->snd.wl1 == seq && seq_leq(c->snd.wl2, seg->ack)))
        return false;
    c->snd.wnd = wnd;
    c->snd.wl1 = seq;
    c->snd.wl2 = seg->ack;
    c->snd.max_wnd = max_u32(c->snd.max_wnd, wnd);
    if (wnd != before)
        tcp_cwnd_changed(stack, c, GANDER_WHY_none);
    return wnd != before;
}

/* The window opened: persist is over, and the probe's byte goes out as data. */
static void window_opened(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    if (c->snd.wnd == 0 || b->at[GANDER_TIMER_persist] == GANDER_NEVER)
        return;
    b->at[GANDER_TIMER_persist] = GANDER_NEVER;
    b->probes = 0;
    if (b->rtxq.count > 0 && b->rtxq.lost_bytes == 0) {
        tcp_mark_lost(stack, c, b->rtxq.first, GANDER_WHY_window_probe);
        b->force_one = true;
    }
}

/* Our FIN was acknowledged: FIN-WAIT-1, CLOSING and LAST-ACK move on. */
static enum tcp_verdict fin_acked(struct gander_stack *stack, struct tcp_conn *c,
                                  struct tcp_arrival *a)
{
    switch (c->entity.state) {
    case GANDER_TCP_FIN_WAIT_1:
        sock_event(stack, &c->sock, GANDER_EVENT_ALL_SENT, 0);
        tcp_state_set(stack, c, GANDER_TCP_FIN_WAIT_2, GANDER_CAUSE_segment);
        return TCP_CONTINUE;
    case GANDER_TCP_CLOSING: /* DEVIATION: the segment ends here: behind the peer's FIN nothing can come */
        gander_packet_free(a->packet);
        a->packet = NULL;
        tcp_time_wait_enter(stack, c);
        return TCP_DONE;
    case GANDER_TCP_LAST_ACK:
        gander_packet_free(a->packet);
        a->packet = NULL;
        sock_event(stack, &c->sock, GANDER_EVENT_ALL_SENT, 0);
        tcp_conn_end(stack, c, GANDER_CAUSE_segment, 0);
        return TCP_DONE;
    default:
        return TCP_CONTINUE;
    }
}

/* RFC 5681 2: what makes an ACK a duplicate. */
static bool is_duplicate(const struct tcp_conn *c, const struct tcp_segment *seg, bool window_moved)
{
    return seg->ack == c->snd.una && seg->len == 0 && c->snd.una != c->snd.nxt && !window_moved &&
           c->busy->at[GANDER_TIMER_persist] == GANDER_NEVER; /* an answer to a window probe */
}

/* What was so before this ACK, and what it says by itself. */
static void facts_begin(const struct tcp_conn *c, const struct tcp_segment *seg,
                        struct tcp_ack_facts *facts)
{
    const struct tcp_busy *b = c->busy;

    facts->flight_before = c->snd.nxt - c->snd.una;
    facts->left_before = tcp_left(c);
    facts->lost_before = b->rtxq.lost_total;
    facts->fack_before = b->fack;
    facts->highest = seg->ack;
    facts->has_tsecr = (c->flags & TCP_TIMESTAMPS) && seg->has_timestamp;
    facts->tsecr = seg->tsecr;
    facts->has_sack = seg->sack_blocks > 0;
    facts->ece = seg->flags & GANDER_FLAG_ECE;
}

enum tcp_verdict tcp_ack_arrives(struct gander_stack *stack, struct tcp_conn *c,
                                 struct tcp_arrival *a)
{
    struct tcp_ack_facts facts = {.rtt_ns = -1, .newest_ns = -1, .rs.rtt_ns = -1};
    const struct tcp_segment *seg = &a->seg;
    bool window_moved;

    if (check_syn_received(stack, c, a) == TCP_DONE || check_range(stack, c, a) == TCP_DONE)
        return TCP_DONE;
    tcp_timestamp_take(stack, c, seg);
    if (seq_lt(seg->ack, c->snd.una)) /* an old one: nothing in it is news */
        return TCP_CONTINUE;
    if (!c->busy) { /* nothing in flight: only the window counts */
        window_update(stack, c, a);
        return TCP_CONTINUE;
    }
    facts_begin(c, seg, &facts);
    tcp_rate_check_app_limited(c);
    if (seg->ack != c->snd.una)
        una_advance(stack, c, seg, &facts);
    if (seg->sack_blocks > 0 && (c->flags & TCP_SACK))
        tcp_sack_arrives(stack, c, seg, &facts);
    else
        c->busy->sack_count = 0;
    window_moved = window_update(stack, c, a);
    facts.duplicate = is_duplicate(c, seg, window_moved);
    tcp_tlp_on_ack(stack, c, &facts);
    if (facts.acked_bytes > 0)
        tcp_timers_on_ack(stack, c);
    if (c->snd.wnd == 0)
        /* it answers: a window may stay closed as long as it likes [RFC9293 3.8.6.1] */
        c->busy->retries = 0;
    tcp_loss_on_ack(stack, c, &facts);
    window_opened(stack, c);
    if ((c->flags & TCP_FIN_SENT) && c->snd.una == c->snd.nxt && fin_acked(stack, c, a) == TCP_DONE)
        return TCP_DONE;
    tcp_meter_limit(stack, c);
    if (c->snd.una != c->snd.nxt || sendq_bytes(&c->busy->sendq) > 0 || (c->flags & TCP_FIN_QUEUED))
        tcp_output_wanted(stack, c);
    else
        tcp_timers_on_quiet(stack, c);
    return TCP_CONTINUE;
}
