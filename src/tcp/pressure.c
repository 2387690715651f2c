/* SPDX-License-Identifier: MIT */
/*
 * When memory runs short, the worst holder goes first [RFC6429 4 allows to abort a connection whose window stays closed]. Connections
 * that hold buffers stand in classes by the power of two of the bytes they hold, in each the one that has made no progress for
 * longest first; so the worst is found by one look at each class. Worst: bytes held times time without progress.
 *
 * Below seven eighths of the budget only those go that have been stuck for a while; above, whoever is worst.
 */
#include "tcp/tcp.h"

enum { CLASS_LOWEST_BITS = 13 /* less than 8 KiB is nobody's fault */ };

static const gander_time stuck_ns = 10 * GANDER_S;

static uint32_t held_bytes(const struct tcp_busy *b)
{
    return sendq_bytes(&b->sendq) + b->recvq.held_bytes + b->reasm.held_bytes;
}

static unsigned class_of(uint32_t held)
{
    unsigned bits = held ? 31 - (unsigned)__builtin_clz(held) : 0;

    return bits < CLASS_LOWEST_BITS ? 0 : bits - CLASS_LOWEST_BITS + 1;
}

void tcp_holder_remove(struct gander_stack *stack, struct tcp_busy *b)
{
    struct tcp_holders *h = &stack->tcp.holders[b->holder_class];

    if (b->holder_class == 0)
        return;
    *(b->holder_older ? &b->holder_older->holder_newer : &h->stuck_longest) = b->holder_newer;
    *(b->holder_newer ? &b->holder_newer->holder_older : &h->latest) = b->holder_older;
    b->holder_class = 0;
}

static void holder_append(struct gander_stack *stack, struct tcp_busy *b, unsigned class_)
{
    struct tcp_holders *h = &stack->tcp.holders[class_];

    b->holder_class = (uint8_t)class_;
    if (class_ == 0)
        return;
    b->holder_newer = NULL;
    b->holder_older = h->latest;
    *(h->latest ? &h->latest->holder_newer : &h->stuck_longest) = b;
    h->latest = b;
}

void tcp_holder_update(struct gander_stack *stack, struct tcp_conn *c, bool progress)
{
    struct tcp_busy *b = c->busy;
    unsigned class_ = class_of(held_bytes(b));

    if (progress)
        b->progress_ns = stack->now;
    if (class_ == b->holder_class && (class_ == 0 || !progress))
        return;
    tcp_holder_remove(stack, b);
    holder_append(stack, b, class_);
}

static struct tcp_busy *worst_find(const struct gander_stack *stack)
{
    struct tcp_busy *worst = NULL;
    uint64_t most = 0;

    for (unsigned class_ = 1; class_ < TCP_HOLDER_CLASSES; class_++) {
        struct tcp_busy *b = stack->tcp.holders[class_].stuck_longest;
        uint64_t stuck_ms = b ? (uint64_t)(stack->now - b->progress_ns) / (uint64_t)GANDER_MS : 0;
        uint64_t score = b ? held_bytes(b) * (stuck_ms + 1) : 0;

        if (score > most) {
            most = score;
            worst = b;
        }
    }
    return worst;
}

static bool is_critical(const struct mem *mem)
{
    return mem->held_bytes > mem->max_bytes - mem->max_bytes / 8;
}

/* One at a time: what it frees shows in the budget only when whole slabs are empty. */
void tcp_pressure_relieve(struct gander_stack *stack)
{
    struct tcp_busy *b = worst_find(stack);

    if (!b || (!is_critical(stack->mem) && stack->now - b->progress_ns < stuck_ns))
        return;
    stack->stats.tcp_evictions++;
    if (b->conn->flags & TCP_IN_TABLE) /* in TIME-WAIT only its reader suffers */
        tcp_send_reset(stack, b->conn, GANDER_WHY_rst_memory);
    if (b->recvq.bytes > 0) /* the stream has lost its end: what is read next is the error */
        b->conn->flags &= ~(uint32_t)TCP_FIN_RECEIVED;
    recvq_finish(&b->recvq); /* its memory is the point */
    tcp_conn_end(stack, b->conn, GANDER_CAUSE_memory, GANDER_ECONNABORTED);
}
