/* SPDX-License-Identifier: MIT */
/*
 * A reduction of the window that proves unnecessary is undone. Three detectors: the echo of the first transmission's timestamp (Eifel,
 * in its safe variant) [RFC3522 3.2, 3.4]; D-SACKs for all that was sent again [RFC2883 5]; F-RTO, in frto.c. One response: what
 * was marked lost is in flight after all, cwnd grows back from what is in flight, ssthresh is what it was, the
 * retransmission timer becomes more careful [RFC4015 3.1].
 *
 * The first two believe the receiver, who gains by lying. Honest ones have few reasons: each round with D-SACKs widens RACK's
 * window, which needs four of them to reach a round trip. So four times are free; then only one in three reductions is undone.
 */
#include "tcp/tcp.h"

enum { UNDO_FREE = 4, KEPT_FOR_ANOTHER = 2 };

/* What a timestamp said that left at `t`. */
static uint32_t timestamp_at(const struct tcp_conn *c, gander_time t)
{
    return (uint32_t)((uint64_t)t / (uint64_t)GANDER_MS) + c->ts_offset;
}

/* The reduction before this one stays: two of those pay for one that does not. */
static void earlier_stays(struct tcp_undo *u)
{
    if (!u->open)
        return;
    u->kept++;
    if (u->kept < KEPT_FOR_ANOTHER)
        return;
    u->kept = 0;
    if (u->spent > 0)
        u->spent--;
}

/* Step (0) of RFC 4015, as far as it is not done in cc.c; (1) and (2') of RFC 3522. */
void tcp_undo_begin(struct gander_stack *stack, struct tcp_conn *c, bool by_timeout)
{
    struct tcp_busy *b = c->busy;
    struct tcp_undo *u = &b->undo;
    const struct tcp_record *r = rtxq_at(&b->rtxq, b->rtxq.first);

    earlier_stays(u);
    u->open = true;
    u->by_timeout = by_timeout;
    u->resent_before = b->rtxq.resent_total;
    u->duplicates = 0;
    u->una = c->snd.una;
    u->end = c->snd.nxt;
    u->rto_waits = false;
    u->srtt_prev_ns = c->srtt_ns + 2 * stack->config.tcp_rto_variance_min_ns;
    u->rttvar_prev_ns = c->rttvar_ns;
    u->original_ts = timestamp_at(c, r->sent_ns);
    /* in the same millisecond the echo says nothing */
    u->eifel = (c->flags & TCP_TIMESTAMPS) && r->transmissions == 1 &&
               u->original_ts != timestamp_at(c, stack->now);
}

/* RFC 3522 3.2: steps (4') and (5). */
static bool eifel_detects(const struct tcp_conn *c, const struct tcp_ack_facts *facts)
{
    const struct tcp_busy *b = c->busy;

    if (!facts->has_tsecr || facts->tsecr != b->undo.original_ts)
        return false;
    if (facts->dsack)
        return false;
    return b->dsack_heard || c->snd.una != c->snd.nxt;
}

/* RFC 4015 3.1, steps (8) to (11). */
void tcp_undo(struct gander_stack *stack, struct tcp_conn *c, const struct tcp_ack_facts *facts,
              enum gander_why why)
{
    struct tcp_busy *b = c->busy;
    struct tcp_undo *u = &b->undo;

    u->open = u->eifel = false;
    rtxq_unmark_lost(&b->rtxq);
    b->force_one = false;
    b->frto = FRTO_OFF;
    b->dupacks = 0;
    b->dup_bytes = 0;
    if (b->recovery != TCP_OPEN) {
        b->recovery = TCP_OPEN;
        b->recover = c->snd.una - 1; /* RFC 5682 2.1 (3b): a fast retransmit may follow */
    }
    if (u->by_timeout)
        stack->stats.tcp_undone_timeouts++;
    else
        stack->stats.tcp_undone_recoveries++;
    u->rto_waits = u->by_timeout;
    if (!facts->ece) /* (9): "MUST refrain" */
        tcp_cc_on_undo(stack, c, facts->acked_bytes, why);
    b->last_sent_ns = stack->now; /* (10) */
}

bool tcp_undo_on_ack(struct gander_stack *stack, struct tcp_conn *c,
                     const struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;
    struct tcp_undo *u = &b->undo;
    uint32_t resent = b->rtxq.resent_total - u->resent_before;
    bool eifel = u->eifel && facts->acked_bytes > 0;

    if (!u->open)
        return false;
    if (eifel)
        u->eifel = false; /* the first acceptable ACK decides */
    eifel = eifel && eifel_detects(c, facts);
    if (!eifel && (!facts->dsack || u->duplicates < resent))
        return false;
    if (eifel && !u->by_timeout)
        b->reorder_seen = true; /* as a D-SACK says: late, not lost */
    if (u->spent >= UNDO_FREE)
        return false;
    u->spent++;
    tcp_undo(stack, c, facts, eifel ? GANDER_WHY_cwnd_undo_echo : GANDER_WHY_cwnd_undo_dsack);
    return true;
}
