/* SPDX-License-Identifier: MIT */
/* User calls that move data: SEND, RECEIVE [RFC9293 3.10.2, 3.10.3]. */
#include "tcp/tcp.h"

/* The connection's end is told once. */
static int64_t error_take(struct tcp_conn *c, int64_t otherwise)
{
    int error = c->sock.error;

    c->sock.error = 0;
    return error ? error : otherwise;
}

static int64_t send_check(struct tcp_conn *c, size_t len)
{
    if (c->entity.state == GANDER_TCP_CLOSED)
        return error_take(c, c->flags & TCP_END_REPORTED ? GANDER_EPIPE : GANDER_ENOTCONN);
    if (c->flags & TCP_FIN_QUEUED)
        return GANDER_EPIPE;
    return len == 0 ? GANDER_EINVAL : GANDER_OK;
}

/* RFC 5681 4.1: after a silence of more than one RTO, not the whole old window at once. */
static void restart_after_idle(struct gander_stack *stack, struct tcp_conn *c)
{
    if (tcp_knobs_of(stack, c)->slow_start_after_idle && c->snd.una == c->snd.nxt &&
        stack->now - c->busy->last_sent_ns > tcp_rto(stack, c) &&
        c->entity.state >= GANDER_TCP_ESTABLISHED)
        tcp_cc_on_idle(stack, c);
}

/* 0: none. */
static uint32_t room_of(const struct gander_stack *stack, const struct tcp_conn *c)
{
    const struct sendq *q = &c->busy->sendq;
    uint32_t low = tcp_knobs_of(stack, c)->notsent_lowat_bytes, unsent = q->end - c->snd.nxt;
    uint32_t room = c->send_limit_bytes > sendq_bytes(q) ? c->send_limit_bytes - sendq_bytes(q) : 0;

    if (low == 0 || c->entity.state < GANDER_TCP_ESTABLISHED)
        return room;
    return unsent < low ? min_u32(room, max_u32(low - unsent, c->mss)) : 0;
}

void tcp_writable_check(struct gander_stack *stack, struct tcp_conn *c)
{
    const struct sendq *q = &c->busy->sendq;
    uint32_t low = tcp_knobs_of(stack, c)->notsent_lowat_bytes;

    if (!(c->flags & TCP_WANTS_WRITABLE) || sendq_bytes(q) > c->send_limit_bytes / 2 ||
        (low && q->end - c->snd.nxt >= low / 2 + 1))
        return;
    c->flags &= ~(uint32_t)TCP_WANTS_WRITABLE;
    sock_event(stack, &c->sock, GANDER_EVENT_WRITABLE, 0);
}

int64_t tcp_user_send(struct gander_stack *stack, struct tcp_conn *c, const void *data, size_t len,
                      unsigned flags)
{
    int64_t error = send_check(c, len);
    struct sendq *q;
    size_t room, n;

    if (error)
        return error;
    if (!tcp_busy_need(stack, c))
        return GANDER_ENOMEM;
    q = &c->busy->sendq;
    room = room_of(stack, c);
    if (room == 0) {
        c->flags |= TCP_WANTS_WRITABLE;
        tcp_meter_limit(stack, c);
        return GANDER_EAGAIN;
    }
    if (sendq_bytes(q) == 0)
        restart_after_idle(stack, c);
    if (c->entity.state >= GANDER_TCP_ESTABLISHED) {
        tcp_cc_begin(stack, c);
        tcp_rate_check_app_limited(c);
    }
    if (mem_is_short(stack->mem)) /* a segment each keeps all connections going */
        room = sendq_bytes(q) == 0 ? min_u32(c->mss, (uint32_t)room) : 0;
    n = sendq_append(q, stack->mem, data, len < room ? len : room);
    tcp_holder_update(stack, c, false);
    if (n < len)
        c->flags |= TCP_WANTS_WRITABLE;
    tcp_meter_limit(stack, c);
    if (n == 0) /* with something queued, its acknowledgement will tell */
        return sendq_bytes(q) > 0 ? GANDER_EAGAIN : GANDER_ENOMEM;
    if ((flags & GANDER_SEND_URGENT) && n == len) {
        c->busy->snd_up = q->end; /* RFC 6093: the byte behind the urgent one */
        c->flags |= TCP_URGENT_OUT;
    }
    c->flags &= ~(uint32_t)TCP_MORE;
    if (flags & GANDER_SEND_MORE)
        c->flags |= TCP_MORE;
    if (c->entity.state >= GANDER_TCP_ESTABLISHED || c->busy->fastopen & TCP_FASTOPEN_PASSIVE)
        tcp_output_wanted(stack, c);
    else
        tcp_fastopen_go(stack, c);
    return (int64_t)n;
}

/* The application made room: is it worth an ACK of its own? [RFC9293 3.8.6.2.2] */
static void window_update(struct gander_stack *stack, struct tcp_conn *c)
{
    uint32_t offered = c->rcv.edge - c->rcv.nxt, free = tcp_window_free(c);
    uint32_t worth = min_u32(tcp_window_limit(c) / 2, 2 * (uint32_t)c->mss_receive);

    if ((c->flags & (TCP_FIN_RECEIVED | TCP_IN_TABLE)) != TCP_IN_TABLE ||
        c->entity.state < GANDER_TCP_ESTABLISHED)
        return;
    if (stack->config.tcp_window_updates_rare && offered > 0)
        worth = max_u32(worth, offered);
    if (free >= offered + worth || (offered < c->mss_receive && free >= offered + c->mss_receive))
        tcp_ack_now(stack, c, GANDER_WHY_ack_window);
}

static void urgent_passed(struct tcp_conn *c)
{
    tcp_seq next = c->rcv.nxt - c->busy->recvq.bytes - !!(c->flags & TCP_FIN_RECEIVED);

    if ((c->flags & TCP_URGENT_IN) && seq_geq(next, c->rcv.up))
        c->flags &= ~(uint32_t)TCP_URGENT_IN;
}

static int64_t nothing_to_read(struct tcp_conn *c)
{
    if (c->flags & (TCP_FIN_RECEIVED | TCP_RECEIVE_SHUT))
        return 0;
    if (c->entity.state == GANDER_TCP_CLOSED)
        return error_take(c, c->flags & TCP_END_REPORTED ? 0 : GANDER_ENOTCONN);
    return GANDER_EAGAIN;
}

int64_t tcp_user_receive(struct gander_stack *stack, struct tcp_conn *c, void *buffer, size_t len,
                         unsigned flags)
{
    bool peek = flags & GANDER_RECEIVE_PEEK;
    size_t n;

    if (len == 0)
        return GANDER_EINVAL;
    if (!c->busy || c->busy->recvq.bytes == 0)
        return nothing_to_read(c);
    n = recvq_read(&c->busy->recvq, stack->mem, buffer, len, peek);
    if (peek)
        return (int64_t)n;
    urgent_passed(c);
    tcp_autotune_taken(stack, c, (uint32_t)n);
    tcp_holder_update(stack, c, true);
    if (!(c->flags & TCP_IN_TABLE)) {
        if (!c->busy->recvq.first)
            tcp_busy_release(stack, c);
        return (int64_t)n;
    }
    window_update(stack, c);
    if (tcp_is_quiet(c))
        tcp_timers_on_quiet(stack, c);
    return (int64_t)n;
}
