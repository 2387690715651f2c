/* SPDX-License-Identifier: MIT */
/*
 * When to send data: silly-window avoidance of the sender [RFC9293 3.8.6.2.1], Nagle's algorithm
 * [RFC9293 3.7.4], the two windows; and what window to offer [RFC9293 3.8.6.2.2].
 */
#include "tcp/tcp.h"

/*
 * Nagle waits while anything is in flight; relaxed, while a partial segment is: new_segment() of output.c keeps nagle_end.
 *
 * A partial segment: everything that is queued, and less than a full one. */
static bool partial_may_go(const struct tcp_conn *c)
{
    if (c->flags & (TCP_OVERRIDE | TCP_URGENT_OUT))
        return true;
    if (c->flags & (TCP_CORK | TCP_MORE))
        return false;
    return (c->flags & TCP_NODELAY) || !seq_gt(c->busy->nagle_end, c->snd.una);
}

uint32_t tcp_decide(const struct tcp_conn *c, bool *fin)
{
    const struct tcp_busy *b = c->busy;
    uint32_t unsent = b->sendq.end - c->snd.nxt;
    uint32_t pipe = tcp_pipe(c);
    uint32_t in_flight = c->snd.nxt - c->snd.una;
    uint32_t window = c->snd.wnd > in_flight ? c->snd.wnd - in_flight : 0;
    uint32_t congestion = c->cwnd > pipe ? c->cwnd - pipe : 0;
    uint32_t n;

    *fin = false;
    if (c->flags & TCP_FIN_SENT)
        return 0;
    n = min_u32(min_u32(unsent, c->mss), min_u32(window, congestion));
    *fin = (c->flags & TCP_FIN_QUEUED) && n == unsent && window > n;
    if (*fin || n == c->mss)
        return n;
    if (n == 0)
        return 0;
    if (n == unsent)
        return partial_may_go(c) ? n : 0;
    if (n < congestion && n >= c->snd.max_wnd / 2 && partial_may_go(c))
        return n; /* (3): at least half of the largest window */
    return (c->flags & TCP_OVERRIDE) && n < congestion ? n : 0; /* (4) */
}

/* The smallest shift with which the whole buffer can be offered [RFC7323 2.3]. */
uint8_t tcp_scale_for(uint32_t window_bytes)
{
    uint8_t scale = 0;

    while (scale < 14 && (window_bytes >> scale) > UINT16_MAX)
        scale++;
    return scale;
}

uint8_t tcp_listener_scale(const struct gander_stack *stack, const struct tcp_listener *l)
{
    return tcp_scale_for(tcp_receive_limit_most(stack, l->flags, l->receive_limit_bytes));
}

static uint32_t window_clamped(const struct tcp_knobs *knobs, uint32_t window_bytes)
{
    return knobs && knobs->window_clamp_bytes ? min_u32(window_bytes, knobs->window_clamp_bytes)
                                              : window_bytes;
}

uint16_t tcp_listener_window(const struct tcp_listener *l)
{
    return (uint16_t)min_u32(window_clamped(l->knobs, l->receive_limit_bytes), UINT16_MAX);
}

uint32_t tcp_window_limit(const struct tcp_conn *c)
{
    /* at least what the scaled field can say: less would be a window that never opens */
    return max_u32(window_clamped(c->knobs, c->receive_limit_bytes), 1U << c->rcv_scale);
}

/* Never more than the 16 bits of the header can say: what cannot be offered is no reason to tell the peer about it. */
uint32_t tcp_window_free(const struct tcp_conn *c)
{
    uint32_t used = c->busy ? c->busy->recvq.bytes : 0;
    uint32_t limit = tcp_window_limit(c);
    uint32_t free = limit > used ? limit - used : 0;

    return min_u32(free, (uint32_t)UINT16_MAX << c->rcv_scale);
}

/*
 * The right edge never moves left [SHLD-14]; it moves right only by what is worth telling. On the wire the
 * window is cut to a multiple of 2^scale: rcv.edge is what the peer really heard, so an edge that stays is
 * rounded up, and one that moves is rounded down.
 */
uint16_t tcp_window_offer(struct tcp_conn *c, bool scaled)
{
    unsigned scale = scaled ? c->rcv_scale : 0;
    uint32_t offered = c->rcv.edge - c->rcv.nxt;
    uint32_t free = tcp_window_free(c);
    uint32_t worth = min_u32(tcp_window_limit(c) / 2, c->mss_receive);
    uint32_t wire =
        (offered + (1U << scale) - 1) >> scale; /* what was offered must stay (SHLD-14) */

    if (free >= offered + worth)
        wire = max_u32(wire, free >> scale);
    wire = min_u32(wire, UINT16_MAX);
    if (seq_gt(c->rcv.nxt + (wire << scale), c->rcv.edge))
        c->rcv.edge = c->rcv.nxt + (wire << scale);
    return (uint16_t)wire;
}
