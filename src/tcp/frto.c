/* SPDX-License-Identifier: MIT */
/*
 * F-RTO [RFC5682]: was a retransmission time-out spurious? After the first segment went again (step 1), and its ACK has
 * come (2), two new segments go instead of the old ones; if then something is acknowledged that was never sent again (3), it
 * was only late. With SACK as section 3.1 says, without as 2.1. The response to a spurious one is that of RFC 4015: undo.c.
 */
#include "tcp/tcp.h"

/* Step 1. Not in a recovery that is under way, except for another time-out of the same segment. */
void tcp_frto_begin(struct gander_stack *stack, struct tcp_conn *c)
{
    struct tcp_busy *b = c->busy;
    const struct tcp_record *r = rtxq_at(&b->rtxq, b->rtxq.first);
    bool may = b->recovery == TCP_OPEN || b->frto == FRTO_RESENT;

    b->frto = stack->config.tcp_frto && may ? FRTO_RESENT : FRTO_OFF;
    b->frto_end = r->seq + r->len;
}

/* Step 2. */
static void resent_acked(struct tcp_conn *c, const struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;
    bool fin;

    if (facts->acked_bytes == 0) {
        if (!(c->flags & TCP_SACK) && facts->duplicate)
            b->frto =
                FRTO_OFF; /* 2.1 (2a); with SACK the scoreboard has it, and we go on waiting */
        return;
    }
    b->frto = FRTO_OFF; /* (2a) if it covers all, or not even what went again */
    if (seq_geq(c->snd.una, b->recover) || seq_lt(c->snd.una, b->frto_end))
        return;
    c->cwnd = min_u32(c->cwnd, 2 * (uint32_t)c->mss);
    if (tcp_decide(c, &fin) > 0)
        b->frto = FRTO_NEW_DATA; /* (2b) */
}

/* Step 3. True: spurious. */
static bool new_data_answered(struct tcp_conn *c, const struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;

    if (facts->acked_bytes == 0 && facts->delivered_bytes == 0 && !facts->duplicate)
        return false; /* "ignored without any action" */
    b->frto = FRTO_OFF;
    if (facts->original_bytes > 0 && seq_leq(facts->highest, b->recover))
        return true;                /* (3b) */
    c->cwnd = 3 * (uint32_t)c->mss; /* (3a): as after two round trips of slow start */
    return false;
}

bool tcp_frto_on_ack(struct tcp_conn *c, const struct tcp_ack_facts *facts)
{
    struct tcp_busy *b = c->busy;

    if (LIKELY(b->frto == FRTO_OFF))
        return false;
    if (b->frto == FRTO_NEW_DATA)
        return new_data_answered(c, facts);
    resent_acked(c, facts);
    return false;
}
