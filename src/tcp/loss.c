/* SPDX-License-Identifier: MIT */
/*
 * Loss recovery. With SACK, RACK finds the losses [RFC8985] and the number of bytes in the network (pipe) governs what leaves
 * [RFC6675 5]; without, three duplicate ACKs and partial ACKs do [RFC5681 3.2, RFC6582 3.2], where each duplicate ACK stands for one segment
 * that has left the network: the same as inflating cwnd by it. A time-out says that what left more than a round trip ago is
 * lost [RFC5681 3.1, RFC8985 6.3].
 *
 * cwnd here is the window for the pipe: during fast recovery prr.c sets it for each ACK. What turns out to be no loss is undone: undo.c,
 * frto.c.
 *
 * SACK marks survive a time-out, unless the first segment has one: RFC 6675 5.1 leaves that open where reneging is
 * noticed, and it is: no honest receiver acknowledges up to a byte that it says it has.
 */
#include "tcp/tcp.h"

uint32_t tcp_pipe(const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;

    return c->snd.nxt - c->snd.una - b->rtxq.sacked_bytes - b->rtxq.lost_bytes - b->dup_bytes;
}

uint32_t tcp_left(const struct tcp_conn *c)
{
    return c->snd.una + c->busy->rtxq.sacked_bytes + c->busy->dup_bytes;
}

void tcp_cwnd_changed(struct gander_stack *stack, struct tcp_conn *c, enum gander_why why)
{
    if (trace_on(stack))
        tcp_trace_window(stack, c, why);
}

void tcp_mark_lost(struct gander_stack *stack, struct tcp_conn *c, uint32_t number,
                   enum gander_why rule)
{
    uint32_t relost = c->busy->rtxq.relost_total;

    rtxq_mark_lost(&c->busy->rtxq, number, (uint8_t)rule);
    stack->stats.tcp_lost_retransmissions += c->busy->rtxq.relost_total - relost;
    tcp_rate_on_lost(stack, c, rtxq_at(&c->busy->rtxq, number));
    if (trace_on(stack))
        tcp_trace_lost(stack, c, rtxq_at(&c->busy->rtxq, number));
}

static void recovery_enter(struct gander_stack *stack, struct tcp_conn *c,
                           const struct tcp_ack_facts *facts, enum gander_why why)
{
    struct tcp_busy *b = c->busy;

    tcp_undo_begin(stack, c, false);
    tcp_cc_on_loss(stack, c);
    b->cut_ns = stack->now;
    b->recovery = TCP_RECOVERY;
    b->recover = c->snd.nxt;
    b->force_one = true;
    b->probe_sent = false; /* TLP_init() */
    tcp_prr_begin(c, facts);
    stack->stats.tcp_fast_recoveries++;
    tcp_cwnd_changed(stack, c, why);
}

static void recovery_leave(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    tcp_cc_on_recovery_end(stack, c);
    b->recovery = TCP_OPEN;
    b->frto = FRTO_OFF;
    b->dup_bytes = 0;
    b->dupacks = 0;
}

/* A retransmission was lost that left after the last reduction: another one is due, also where PRR does not see to it
 * [RFC5681 4.3, RFC8985 9.3]. */
static void relost(struct gander_stack *stack, struct tcp_conn *c)
{
    uint32_t half = c->ssthresh / 2;

    if (tcp_cc_controls_recovery(c))
        return;
    tcp_cc_on_loss(stack, c);
    c->ssthresh = max_u32(min_u32(c->ssthresh, half), 2 * (uint32_t)c->mss);
    c->cwnd = min_u32(c->cwnd, c->ssthresh);
    c->busy->cut_ns = stack->now;
    tcp_cwnd_changed(stack, c, GANDER_WHY_retransmit_again);
}

/* RFC 8985 6.2, step 5, and RFC 6675 5 (4.2). */
static void sack_detect(struct gander_stack *stack, struct tcp_conn *c,
                        const struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;
    bool again = false;

    if (LIKELY(stack->config.tcp_rack))
        again = tcp_rack_detect(stack, c);
    else
        tcp_sack_count(stack, c);
    if (b->rtxq.lost_bytes > 0 && b->recovery == TCP_OPEN && !tcp_pmtu_probe_lost(c))
        recovery_enter(stack, c, facts, rtxq_at(&b->rtxq, b->rtxq.lost.first)->rule);
    else if (again && b->recovery == TCP_LOSS)
        relost(stack, c);
}

/*
 * How much duplicate ACKs can say at most: no more has left than was outstanding when recovery began. RFC 5681 3.2 allows that
 * limit, so that bogus ones do not inflate the window for ever [docs/security.md C3].
 */
static uint32_t dup_limit(const struct gander_stack *stack, const struct tcp_conn *c)
{
    if (c->busy->recovery == TCP_RECOVERY && seq_lt(c->snd.una, c->busy->recover))
        return c->busy->recover - c->snd.una;
    return stack->config.tcp_reordering * (uint32_t)c->mss;
}

/* RFC 5681 3.2; RFC 5827 3.1 where it is wanted: few segments are out and none can follow. */
static uint32_t dup_threshold(const struct gander_stack *stack, const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;

    if (stack->config.tcp_early_retransmit && b->rtxq.count > 1 && b->rtxq.count < 4 &&
        b->sendq.end == c->snd.nxt)
        return b->rtxq.count - 1;
    return stack->config.tcp_reordering;
}

/* RFC 6582 3.2, without SACK. */
static void newreno_detect(struct gander_stack *stack, struct tcp_conn *c,
                           const struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;

    if (facts->acked_bytes > 0) {
        uint32_t beyond = facts->acked_bytes > c->mss ? facts->acked_bytes - c->mss : 0;

        b->dupacks = 0;
        b->dup_bytes -= min_u32(b->dup_bytes, beyond);
        if (b->recovery == TCP_RECOVERY && seq_lt(c->snd.una, b->recover) &&
            !(rtxq_at(&b->rtxq, b->rtxq.first)->flags & RECORD_LOST)) {
            tcp_mark_lost(stack, c, b->rtxq.first, GANDER_WHY_retransmit_partial);
            b->force_one = true; /* step 3, partial acknowledgement */
        }
    } else if (facts->duplicate) {
        uint32_t flight = c->snd.nxt - c->snd.una - b->rtxq.lost_bytes;

        b->dupacks++;
        if (b->dup_bytes + 2 * (uint32_t)c->mss <= flight &&
            b->dup_bytes + c->mss <= dup_limit(stack, c))
            b->dup_bytes += c->mss;
        if (b->dupacks == dup_threshold(stack, c) && b->recovery == TCP_OPEN &&
            seq_gt(c->snd.una, b->recover)) { /* step 2 */
            tcp_mark_lost(stack, c, b->rtxq.first, GANDER_WHY_retransmit_fast);
            if (!tcp_pmtu_probe_lost(c))
                recovery_enter(stack, c, facts, GANDER_WHY_retransmit_fast);
        }
    }
    b->dup_bytes = min_u32(b->dup_bytes, c->snd.nxt - c->snd.una - b->rtxq.lost_bytes);
}

/* SND.UNA stands at what was SACKed: the receiver has thrown it away [RFC2018 8]. After a time-out there is nothing to wait for. */
static void reneging_check(struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    if (b->recovery != TCP_LOSS || !(rtxq_at(&b->rtxq, b->rtxq.first)->flags & RECORD_SACKED))
        return;
    rtxq_mark_timeout(&b->rtxq, INT64_MAX, true, GANDER_WHY_retransmit_timeout);
    b->sack_count = 0;
    b->sacked_above = 0;
}

static void detect(struct gander_stack *stack, struct tcp_conn *c, struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;

    if (b->rtxq.count == 0) { /* all is acknowledged: duplicates before that say nothing now */
        b->dupacks = 0;
        b->dup_bytes = 0;
        return;
    }
    if (c->flags & TCP_SACK) {
        reneging_check(c);
        sack_detect(stack, c, facts);
    } else {
        newreno_detect(stack, c, facts);
    }
    if (b->recovery == TCP_RECOVERY)
        tcp_prr_on_ack(stack, c, facts);
    if (b->recovery != TCP_OPEN && facts->delivered_bytes > 0)
        tcp_timers_on_repair(stack, c);
}

void tcp_loss_on_ack(struct gander_stack *stack, struct tcp_conn *c, struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;
    bool was_open = b->recovery == TCP_OPEN, recovering = b->recovery == TCP_RECOVERY;
    bool undone = tcp_undo_on_ack(stack, c, facts);

    if (b->recovery != TCP_OPEN && seq_geq(c->snd.una, b->recover))
        recovery_leave(stack, c);
    tcp_rack_adapt(c, facts, !was_open && b->recovery == TCP_OPEN);
    detect(stack, c, facts);
    /* what an undo set stays for this ACK [RFC4015 3.4] */
    tcp_cc_on_ack(stack, c, facts, recovering || undone || b->recovery == TCP_RECOVERY);
    if (tcp_frto_on_ack(c, facts)) {
        stack->stats.tcp_spurious_timeouts++;
        tcp_undo(stack, c, facts, GANDER_WHY_cwnd_undo_frto);
    }
}

/* What the timer marks leaves the pipe, but no ACK lets something else in for it: PRR's share stays what it was. */
void tcp_loss_on_reorder_timer(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    struct tcp_ack_facts facts = {.rtt_ns = -1, .newest_ns = -1, .rs.rtt_ns = -1};
    uint32_t pipe = tcp_pipe(c), share = c->cwnd > pipe ? c->cwnd - pipe : 0;
    bool recovering = b->recovery == TCP_RECOVERY;

    if (b->rtxq.count == 0)
        return;
    facts.left_before = tcp_left(c);
    facts.lost_before = b->rtxq.lost_total;
    sack_detect(stack, c, &facts);
    if (recovering && !tcp_cc_controls_recovery(c)) {
        c->cwnd = tcp_pipe(c) + share;
        b->force_one = b->force_one || tcp_pipe(c) == 0; /* else nothing would call for an ACK */
    }
    tcp_output_wanted(stack, c);
}

/* What counts as lost: the first; and what left longer ago than a round trip and the reordering window [RFC8985 6.3]. */
static void mark_timeout(const struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    bool reneged = rtxq_at(&b->rtxq, b->rtxq.first)->flags & RECORD_SACKED;
    gander_time overdue = stack->now;

    if ((c->flags & TCP_SACK) && stack->config.tcp_rack && !reneged)
        overdue -= (b->rack_rtt_ns ? b->rack_rtt_ns : c->srtt_ns) + tcp_rack_window(stack, c);
    if (reneged)
        b->sack_count = 0;
    rtxq_mark_timeout(&b->rtxq, overdue, reneged, GANDER_WHY_retransmit_timeout);
    b->loss_edge = c->snd.una;
    b->sacked_above = b->rtxq.sacked_count;
    b->force_one = true; /* RFC 6298 (5.4): the earliest goes, whatever else may be in flight */
}

/* RFC 5681 3.1, RFC 6298 (5.4) and (5.7). */
void tcp_loss_on_timeout(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    uint32_t lost_before = b->rtxq.lost_bytes;

    stack->stats.tcp_retransmit_timeouts++;
    if (c->entity.state == GANDER_TCP_SYN_SENT || c->entity.state == GANDER_TCP_SYN_RECEIVED) {
        c->rttvar_ns = 3 * GANDER_S; /* (5.7): the time-out for the data that follow */
        c->cwnd = c->mss; /* RFC 5681 3.1: a lost SYN makes the initial window one segment */
    } else {
        tcp_frto_begin(stack, c);
        if (b->recovery == TCP_OPEN)
            tcp_undo_begin(stack, c, true);
        else if (b->recovery == TCP_RECOVERY)
            b->undo.open = false; /* RFC 5682 6: both together are never fully undone */
        tcp_cc_on_timeout(stack, c);
        b->cut_ns = stack->now;
        b->recovery = TCP_LOSS;
        b->recover = c->snd.nxt;
    }
    b->dupacks = 0;
    b->dup_bytes = 0;
    b->probe_sent = false;
    b->resend_partial = false;
    mark_timeout(stack, c);
    b->rate.lost += b->rtxq.lost_bytes - lost_before;
    tcp_cwnd_changed(stack, c, GANDER_WHY_retransmit_timeout);
}
