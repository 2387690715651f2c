/* SPDX-License-Identifier: MIT */
/*
 * The invariants of a connection and of what TCP keeps of all of them. They hold between any two public calls. Debug builds check
 * them after every call, the simulator in every build (gander_check()). Each function returns NULL, or the condition that
 * does not hold, as text.
 */
#include "tcp/check.h"

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (UNLIKELY(!(condition)))                                                                \
            return #condition;                                                                     \
    } while (0)

static const char *queues_broken(const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;
    uint32_t flight = c->snd.nxt - c->snd.una;
    bool fin_in_flight = (c->flags & TCP_FIN_SENT) && flight > 0;
    bool opening = c->entity.state < GANDER_TCP_ESTABLISHED;

    if (!opening) /* what is in flight is what the send queue holds up to SND.NXT, and a FIN */
        HOLDS(seq_leq(c->snd.nxt - (fin_in_flight ? 1 : 0), b->sendq.end + (flight == 0)));
    HOLDS(b->rtxq.sacked_bytes + b->rtxq.lost_bytes + b->dup_bytes <= flight);
    HOLDS((b->rtxq.count == 0) == (flight == 0));
    if (b->rtxq.count > 0)
        HOLDS(rtxq_at(&b->rtxq, b->rtxq.first)->seq == c->snd.una);
    HOLDS(b->reasm.count == 0 || seq_gt(b->reasm.runs[0].left, c->rcv.nxt));
    return NULL;
}

/* Something must bring life: a timer, or output that waits to be fetched. */
static const char *progress_broken(const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;
    bool timer = b->at[GANDER_TIMER_retransmit] != GANDER_NEVER ||
                 b->at[GANDER_TIMER_persist] != GANDER_NEVER ||
                 b->at[GANDER_TIMER_cork] != GANDER_NEVER ||
                 b->at[GANDER_TIMER_pacing] != GANDER_NEVER;
    bool unsent = sendq_bytes(&b->sendq) > 0 && c->entity.state >= GANDER_TCP_ESTABLISHED;

    if (c->snd.una != c->snd.nxt || unsent)
        HOLDS(timer || (c->flags & TCP_OUTPUT_LISTED));
    HOLDS(b->at[GANDER_TIMER_retransmit] == GANDER_NEVER ||
          b->at[GANDER_TIMER_persist] == GANDER_NEVER);
    for (unsigned t = 0; t < GANDER_TIMER_COUNT; t++)
        HOLDS(b->at[t] == GANDER_NEVER ||
              (timer_is_armed(&c->timer) && c->timer.expires <= b->at[t]));
    return NULL;
}

const char *tcp_broken(const struct gander_stack *stack, const struct tcp_conn *c)
{
    const char *broken;

    if (!(c->flags & TCP_IN_TABLE))
        return NULL;
    HOLDS(seq_leq(c->snd.una, c->snd.nxt));
    HOLDS(seq_leq(c->rcv.nxt, c->rcv.edge) || (c->flags & TCP_FIN_RECEIVED));
    HOLDS(c->mss > 0 && c->entity.link < stack->link_count);
    HOLDS(c->busy || c->snd.una == c->snd.nxt);
    if (!c->busy)
        return NULL;
    broken = queues_broken(c);
    return broken ? broken : progress_broken(c);
}

/* --- what takes a walk: the sums that the queues keep ------------------------------------------------- */

static const char *rtxq_broken(const struct tcp_conn *c)
{
    const struct rtxq *q = &c->busy->rtxq;
    uint32_t sacked = 0, sacked_count = 0, lost = 0, number = q->first;
    tcp_seq seq = c->snd.una;

    for (uint32_t i = 0; i < q->count; i++, number = rtxq_after(q, number)) {
        const struct tcp_record *r = rtxq_at(q, number);

        HOLDS(number != RTXQ_NONE && r->seq == seq && r->len > 0);
        HOLDS(!(r->flags & RECORD_SACKED) || r->list == 0);
        sacked += r->flags & RECORD_SACKED ? r->len : 0;
        sacked_count += r->flags & RECORD_SACKED ? 1 : 0;
        lost += r->list == 2 ? r->len : 0;
        seq += r->len;
    }
    HOLDS(seq == c->snd.nxt);
    HOLDS(sacked == q->sacked_bytes && sacked_count == q->sacked_count && lost == q->lost_bytes);
    return NULL;
}

const char *sendq_broken(const struct sendq *q)
{
    tcp_seq seq = q->head;

    for (uint32_t i = 0; i < q->count; i++) {
        const struct sendq_entry *e = &q->ring[(q->first + i) & (q->capacity - 1)];

        HOLDS(seq_leq(e->seq, seq) && e->block->refs > 0);
        HOLDS(i == 0 || (e->seq == seq && seq_gt(seq, q->head))); /* nothing acknowledged stays */
        seq = e->seq + e->block->used;
    }
    HOLDS(q->count == 0 ? q->head == q->end : seq == q->end);
    return NULL;
}

/* Memory held by a chain of packets, and their bytes. */
static uint32_t chain_charge(const struct mem *mem, const struct gander_packet *first,
                             const struct gander_packet *last, uint32_t *bytes)
{
    uint32_t held = 0;

    for (const struct gander_packet *p = first; p; p = p->next) {
        held += recvq_charge(mem, p);
        *bytes += p->len;
        if (p == last)
            break;
    }
    return held;
}

const char *recvq_broken(const struct recvq *q, const struct mem *mem)
{
    uint32_t bytes = 0;

    HOLDS((q->first == NULL) == (q->bytes == 0) && (q->first == NULL) == (q->last == NULL));
    HOLDS(!q->last || !q->last->next);
    HOLDS(chain_charge(mem, q->first, q->last, &bytes) == q->held_bytes && bytes == q->bytes);
    return NULL;
}

const char *reasm_broken(const struct reasm *r, const struct mem *mem)
{
    uint32_t held = 0, text = 0;

    for (uint32_t i = 0; i < r->count; i++) {
        const struct reasm_run *run = &r->runs[i];
        uint32_t bytes = 0;

        HOLDS(i == 0 || seq_gt(run->left, r->runs[i - 1].right));
        HOLDS(chain_charge(mem, run->first, run->last, &bytes) == run->held_bytes);
        HOLDS(bytes == run->right - run->left && bytes > 0);
        held += run->held_bytes;
        text += bytes;
    }
    HOLDS(held == r->held_bytes && text == r->text_bytes);
    return NULL;
}

const char *tcp_broken_deep(const struct gander_stack *stack, const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;
    const char *broken;

    if (!b || !(c->flags & TCP_IN_TABLE))
        return NULL;
    broken = rtxq_broken(c);
    if (!broken)
        broken = sendq_broken(&b->sendq);
    if (!broken)
        broken = recvq_broken(&b->recvq, stack->mem);
    return broken ? broken : reasm_broken(&b->reasm, stack->mem);
}

/* --- all of them -------------------------------------------------------------------------------------- */

struct census {
    const struct gander_stack *stack;
    uint64_t connections, syn_received, time_wait, orphans, deep;
    const char *broken;
};

static void count_entity(void *object, void *context)
{
    struct census *n = context;
    const struct tcp_entity *entity = object;
    const struct tcp_conn *c = object;

    if (entity->kind == TCP_SYN_RECEIVED_RECORD) {
        n->syn_received++;
    } else if (entity->kind == TCP_TIME_WAIT_RECORD) {
        n->time_wait++;
    } else {
        n->orphans += (c->flags & TCP_ORPHAN) != 0;
        if (!n->broken)
            n->broken = tcp_broken(n->stack, c);
        if (!n->broken && n->connections == n->deep)
            n->broken = tcp_broken_deep(n->stack, c);
        n->connections++;
    }
}

static const char *time_wait_broken(const struct gander_stack *stack)
{
    uint64_t count = 0;

    for (const struct tcp_time_wait *w = stack->tcp.wait_oldest; w; w = w->newer) {
        HOLDS(!w->newer || w->newer->expires >= w->expires);
        count++;
    }
    HOLDS(count == stack->tcp.time_wait);
    HOLDS(count == stack->tcp.wait4.live + stack->tcp.wait6.live);
    HOLDS(count == 0 || timer_is_armed(&stack->tcp.wait_timer));
    return NULL;
}

const char *tcp_broken_anywhere(const struct gander_stack *stack, uint64_t turn)
{
    const struct tcp_stack *tcp = &stack->tcp;
    struct census n = {.stack = stack, .deep = tcp->connections ? turn % tcp->connections : 0};

    if (tcp->flows.directory)
        table_each(&tcp->flows, count_entity, &n);
    if (n.broken)
        return n.broken;
    HOLDS(n.connections == stack->tcp.connections);
    HOLDS(n.connections <= stack->tcp.conn4.live + stack->tcp.conn6.live);
    HOLDS(n.orphans == stack->tcp.orphans);
    HOLDS(n.syn_received == stack->tcp.syn_received);
    HOLDS(n.syn_received == stack->tcp.syn4.live + stack->tcp.syn6.live);
    HOLDS(n.time_wait == stack->tcp.time_wait);
    n.broken = tcp_lists_broken(stack);
    if (n.broken)
        return n.broken;
    return turn % 64 == 0 ? time_wait_broken(stack) : NULL;
}

const char *tcp_listener_broken(const struct tcp_listener *l)
{
    uint32_t waiting = 0, pending = 0;

    struct tcp_conn *const *end = &l->accept_first;

    for (; *end; end = &(*end)->accept_next) {
        HOLDS((*end)->listener == l && !(*end)->sock.handle);
        waiting++;
    }
    for (const struct tcp_syn_received *r = l->records; r; r = r->next) {
        HOLDS(r->listener == l && *r->at == r);
        pending++;
    }
    HOLDS(l->accept_last == end);
    HOLDS(waiting == l->waiting &&
          pending == l->pending); /* more than the backlog, once it was lowered */
    return NULL;
}
