/* SPDX-License-Identifier: MIT */
/*
 * Buffers that grow with what the path can carry. No RFC tells how; RFC 7323 1.1 says why: a window below bandwidth × delay is the
 * limit of a connection's speed.
 *
 * Receiving ("dynamic right-sizing"): in each round trip it counts what the application took. The sender may double its rate
 * with each round trip, so the window must be twice what was taken, plus as much growth again as there was since the last
 * round. An application that does not read gets no larger window. Sending: a buffer of two congestion windows, one in flight and one that
 * waits, if the application would use it.
 *
 * Left out: shrinking. The limits say what may be held; what is held is given back at once, and pressure.c ends who holds too much.
 */
#include "tcp/tcp.h"

enum {
    BUDGET_SHARE = 8, /* one connection's window is at most this part of all memory */
    FIRST_SEGS = 16   /* what slow start may add in the round in which nothing is known yet */
};

/* Half the budget is free: growing hurts nobody yet. */
static bool memory_allows(const struct mem *mem)
{
    return mem->held_bytes < mem->max_bytes / 2;
}

static uint32_t most_allowed(const struct mem *mem, uint32_t configured)
{
    uint64_t share = mem->max_bytes / BUDGET_SHARE;

    return share < configured ? (uint32_t)share : configured;
}

uint32_t tcp_receive_limit_most(const struct gander_stack *stack, uint32_t flags, uint32_t limit)
{
    if (flags & TCP_RECEIVE_FIXED)
        return limit;
    return max_u32(limit, most_allowed(stack->mem, stack->config.tcp_receive_buffer_max_bytes));
}

/*
 * The round trip as the receiver sees it: full segments echo the timestamp of the ACK that let them go. It follows a path that
 * gets longer slowly, one that gets shorter at once. Until then, and below the clock's tick, our own estimate serves.
 */
void tcp_autotune_sample(const struct gander_stack *stack, struct tcp_conn *c,
                         const struct tcp_segment *seg)
{
    struct tcp_busy *b = c->busy;
    gander_time rtt;

    if (!seg->has_timestamp || seg->text_len < c->mss_receive)
        return;
    rtt = (gander_time)(tcp_timestamp(stack, c->ts_offset) - seg->tsecr) * GANDER_MS;
    if (rtt > 60 * GANDER_S)
        return; /* no echo of ours */
    if (rtt <= GANDER_MS)
        rtt = c->srtt_ns > 0 ? min_i64(c->srtt_ns, GANDER_MS) : GANDER_MS;
    if (b->tune.rtt_ns == 0 || rtt < b->tune.rtt_ns)
        b->tune.rtt_ns = rtt;
    else
        b->tune.rtt_ns += (rtt - b->tune.rtt_ns) / 8;
}

static void round_begin(const struct gander_stack *stack, struct tcp_busy *b)
{
    b->tune.begun_ns = stack->now;
    b->tune.taken_bytes = 0;
}

/* What the next round may need, after one in which more was taken than in any before. */
static uint32_t window_wanted(const struct tcp_conn *c)
{
    const struct tcp_busy *b = c->busy;
    uint64_t taken = b->tune.taken_bytes, before = b->tune.most_bytes;
    uint64_t window = 2 * taken + (uint64_t)FIRST_SEGS * c->mss_receive;

    /* Growth goes on as it was, at most by doubling: once a round, so this division is cheap enough. */
    if (before > 0)
        window += min_u32((uint32_t)(window * (taken - before) / before), (uint32_t)window);
    return window > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)window;
}

void tcp_autotune_taken(const struct gander_stack *stack, struct tcp_conn *c, uint32_t bytes)
{
    struct tcp_busy *b = c->busy;
    gander_time rtt = b->tune.rtt_ns ? b->tune.rtt_ns : c->srtt_ns;
    uint32_t most;

    if (c->flags & TCP_RECEIVE_FIXED || rtt == 0)
        return;
    if (b->tune.begun_ns == 0)
        round_begin(stack, b);
    b->tune.taken_bytes += bytes;
    if (stack->now - b->tune.begun_ns < rtt)
        return;
    if (b->tune.taken_bytes > b->tune.most_bytes) {
        most = tcp_receive_limit_most(stack, c->flags, c->receive_limit_bytes);
        if (memory_allows(stack->mem))
            c->receive_limit_bytes =
                max_u32(c->receive_limit_bytes, min_u32(window_wanted(c), most));
        b->tune.most_bytes = b->tune.taken_bytes;
    }
    round_begin(stack, b);
}

void tcp_autotune_send(const struct gander_stack *stack, struct tcp_conn *c)
{
    uint32_t most = most_allowed(stack->mem, stack->config.tcp_send_buffer_max_bytes);

    if ((c->flags & TCP_SEND_FIXED) || !memory_allows(stack->mem))
        return;
    if (c->cwnd < UINT32_MAX / 2)
        most = min_u32(most, 2 * c->cwnd);
    c->send_limit_bytes = max_u32(c->send_limit_bytes, most);
}
