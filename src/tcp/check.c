/* SPDX-License-Identifier: MIT */
/* The invariants of a connection. They hold between any two public calls; debug builds and the simulator check them. */
#include "tcp/tcp.h"

static void check_queues(const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;
    uint32_t flight = c->snd.nxt - c->snd.una;
    bool fin_in_flight = (c->flags & TCP_FIN_SENT) && flight > 0;
    bool opening = c->entity.state < GANDER_TCP_ESTABLISHED;

    if (!opening) /* what is in flight is what the send queue holds up to SND.NXT, and a FIN */
        ASSERT(seq_leq(c->snd.nxt - (fin_in_flight ? 1 : 0), b->sendq.end + (flight == 0)));
    ASSERT(b->rtxq.sacked_bytes + b->rtxq.lost_bytes + b->dup_bytes <= flight);
    ASSERT((b->rtxq.count == 0) == (flight == 0));
    if (b->rtxq.count > 0)
        ASSERT(rtxq_at(&b->rtxq, b->rtxq.first)->seq == c->snd.una);
    ASSERT(b->reasm.count == 0 || seq_gt(b->reasm.runs[0].left, c->rcv.nxt));
    ASSERT((b->recvq.first == NULL) == (b->recvq.bytes == 0));
}

/* Something must bring life: a timer, or output that waits to be fetched. */
static void check_progress(const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;
    bool timer = b->at[GANDER_TIMER_retransmit] != GANDER_NEVER ||
                 b->at[GANDER_TIMER_persist] != GANDER_NEVER ||
                 b->at[GANDER_TIMER_cork] != GANDER_NEVER;
    bool unsent = sendq_bytes(&b->sendq) > 0 && c->entity.state >= GANDER_TCP_ESTABLISHED;

    if (c->snd.una != c->snd.nxt || unsent)
        ASSERT(timer || (c->flags & TCP_OUTPUT_LISTED));
    ASSERT(b->at[GANDER_TIMER_retransmit] == GANDER_NEVER ||
           b->at[GANDER_TIMER_persist] == GANDER_NEVER);
    for (unsigned t = 0; t < GANDER_TIMER_COUNT; t++)
        ASSERT(b->at[t] == GANDER_NEVER ||
               (timer_is_armed(&c->timer) && c->timer.expires <= b->at[t]));
}

void tcp_check_invariants(const struct gander_stack *stack, const struct tcp_conn *c)
{
    if (!(c->flags & TCP_IN_TABLE))
        return;
    ASSERT(seq_leq(c->snd.una, c->snd.nxt));
    ASSERT(seq_leq(c->rcv.nxt, c->rcv.edge) || (c->flags & TCP_FIN_RECEIVED));
    ASSERT(c->mss > 0 && c->entity.link < stack->link_count);
    ASSERT(c->busy || c->snd.una == c->snd.nxt);
    if (!c->busy)
        return;
    check_queues(c);
    check_progress(c);
}
