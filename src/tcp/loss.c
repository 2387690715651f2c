/* SPDX-License-Identifier: MIT */
/*
 * Loss recovery. With SACK, RACK finds the losses [RFC8985] and the number of bytes in the network (pipe) governs what leaves
 * [RFC6675 5]; without, three duplicate ACKs and partial ACKs do [RFC5681 3.2, RFC6582 3.2], where each duplicate ACK stands for one segment
 * that has left the network: the same as inflating cwnd by it. A time-out says that all in flight is lost
 * [RFC5681 3.1].
 *
 * cwnd here is the window for the pipe: after a loss it is ssthresh at once. Left out, and with room for: PRR, F-RTO, undo.
 */
#include "tcp/tcp.h"

enum { DUPACK_THRESHOLD = 3 };

uint32_t tcp_pipe(const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;

    return c->snd.nxt - c->snd.una - b->rtxq.sacked_bytes - b->rtxq.lost_bytes - b->dup_bytes;
}

void tcp_cwnd_changed(struct gander_stack *stack, struct tcp_conn *c, enum gander_why why)
{
    if (trace_on(stack))
        tcp_trace_window(stack, c, why);
}

void tcp_mark_lost(struct gander_stack *stack, struct tcp_conn *c, uint32_t number,
                   enum gander_why rule)
{
    rtxq_mark_lost(&c->busy->rtxq, number, (uint8_t)rule);
    tcp_rate_on_lost(stack, c, rtxq_at(&c->busy->rtxq, number));
    if (trace_on(stack))
        tcp_trace_lost(stack, c, rtxq_at(&c->busy->rtxq, number));
}

static void recovery_enter(struct gander_stack *stack, struct tcp_conn *c, enum gander_why why)
{
    struct tcp_busy *b = c->busy;

    tcp_cc_on_loss(stack, c);
    b->recovery = TCP_RECOVERY;
    b->recover = c->snd.nxt;
    b->force_one = true;
    if (!tcp_cc_controls_recovery(c))
        c->cwnd = c->ssthresh;
    stack->stats.tcp_fast_recoveries++;
    tcp_cwnd_changed(stack, c, why);
}

static void recovery_leave(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    tcp_cc_on_recovery_end(stack, c);
    b->recovery = TCP_OPEN;
    b->dup_bytes = 0;
    b->dupacks = 0;
}

/* RFC 8985 6.2, step 5, and RFC 6675 5 (4.2). */
static void sack_detect(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;

    tcp_rack_detect(stack, c);
    if (b->rtxq.lost_bytes > 0 && b->recovery == TCP_OPEN)
        recovery_enter(stack, c, GANDER_WHY_retransmit_rack);
}

/*
 * How much duplicate ACKs can say at most: no more has left than was outstanding when recovery began. RFC 5681 3.2 allows that
 * limit, so that bogus ones do not inflate the window for ever [docs/security.md C3].
 */
static uint32_t dup_limit(const struct tcp_conn *c)
{
    if (c->busy->recovery == TCP_RECOVERY && seq_lt(c->snd.una, c->busy->recover))
        return c->busy->recover - c->snd.una;
    return DUPACK_THRESHOLD * (uint32_t)c->mss;
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
        if (b->dup_bytes + 2 * (uint32_t)c->mss <= flight && b->dup_bytes + c->mss <= dup_limit(c))
            b->dup_bytes += c->mss;
        if (b->dupacks == DUPACK_THRESHOLD && b->recovery == TCP_OPEN &&
            seq_gt(c->snd.una, b->recover)) { /* step 2 */
            tcp_mark_lost(stack, c, b->rtxq.first, GANDER_WHY_retransmit_fast);
            recovery_enter(stack, c, GANDER_WHY_retransmit_fast);
        }
    }
    b->dup_bytes = min_u32(b->dup_bytes, c->snd.nxt - c->snd.una - b->rtxq.lost_bytes);
}

void tcp_loss_on_ack(struct gander_stack *stack, struct tcp_conn *c, struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;
    bool recovering = b->recovery == TCP_RECOVERY;

    if (b->recovery != TCP_OPEN && seq_geq(c->snd.una, b->recover))
        recovery_leave(stack, c);
    if (b->rtxq.count == 0) { /* all is acknowledged: duplicates before that say nothing now */
        b->dupacks = 0;
        b->dup_bytes = 0;
    } else if (c->flags & TCP_SACK) {
        sack_detect(stack, c);
    } else {
        newreno_detect(stack, c, facts);
    }
    tcp_cc_on_ack(stack, c, facts, recovering || b->recovery == TCP_RECOVERY);
}

void tcp_loss_on_reorder_timer(struct gander_stack *stack, struct tcp_conn *c)
{
    if (c->busy->rtxq.count == 0)
        return;
    sack_detect(stack, c);
    tcp_output_wanted(stack, c);
}

/* RFC 5681 3.1, RFC 6298 (5.4) and (5.7): everything in flight counts as lost, and goes again from the start. */
void tcp_loss_on_timeout(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    uint32_t lost_before = b->rtxq.lost_bytes;

    stack->stats.tcp_retransmit_timeouts++;
    if (c->entity.state == GANDER_TCP_SYN_SENT || c->entity.state == GANDER_TCP_SYN_RECEIVED) {
        c->rttvar_ns = 3 * GANDER_S; /* (5.7): the time-out for the data that follow */
        c->cwnd = c->mss; /* RFC 5681 3.1: a lost SYN makes the initial window one segment */
    } else {
        tcp_cc_on_timeout(stack, c);
        b->recovery = TCP_LOSS;
        b->recover = c->snd.nxt;
    }
    b->dupacks = 0;
    b->dup_bytes = 0;
    b->sack_count = 0;
    b->probe_sent = false;
    b->resend_partial = false;
    rtxq_mark_all_lost(&b->rtxq, GANDER_WHY_retransmit_timeout);
    b->rate.lost += b->rtxq.lost_bytes - lost_before;
    tcp_cwnd_changed(stack, c, GANDER_WHY_retransmit_timeout);
}
