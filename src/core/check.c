/* SPDX-License-Identifier: MIT */
/*
 * The invariants of a whole stack. Debug builds look at them after every public call, as long as there is little to look at; with many
 * connections, at one socket after the other, so that a test with a million connections ends.
 */
#include "core/stack.h"

#include "tcp/check.h"

enum { LOOK_AT_ALL = 64 };

static const struct sock *sock_at(const struct gander_stack *stack, uint32_t i)
{
    return stack->sockets.pages[i / SOCK_PAGE_SLOTS][i % SOCK_PAGE_SLOTS].sock;
}

static const char *socket_broken(const struct gander_stack *stack, const struct sock *sock)
{
    if (sock->kind == SOCK_TCP_CONN)
        return tcp_broken(stack,
                          (const struct tcp_conn *)(const void *)((const char *)sock -
                                                                  offsetof(struct tcp_conn, sock)));
    if (sock->kind == SOCK_TCP_LISTENER)
        return tcp_listener_broken(
            (const struct tcp_listener *)(const void *)((const char *)sock -
                                                        offsetof(struct tcp_listener, sock)));
    return NULL;
}

static const char *sockets_broken(const struct gander_stack *stack)
{
    uint32_t slots = stack->sockets.pages_used * SOCK_PAGE_SLOTS, queued = 0;
    uint64_t seen = 0;

    for (uint32_t i = 0; i < slots && seen < stack->sockets.open; i++) {
        const struct sock *sock = sock_at(stack, i);
        const char *broken = sock ? socket_broken(stack, sock) : NULL;

        if (broken)
            return broken;
        seen += sock != NULL;
        queued += sock && sock->event_queued;
    }
    if (seen != stack->sockets.open)
        return "as many sockets as are counted";
    for (uint32_t i = stack->event_first; i != UINT32_MAX; i = sock_at(stack, i)->event_next)
        if (!sock_at(stack, i) || !sock_at(stack, i)->event_queued || queued-- == 0)
            return "the list of events holds each socket with an event once";
    return queued == 0 ? NULL : "each socket with an event is in the list of events";
}

static const char *memory_broken(const struct mem *mem)
{
    if (mem->held_bytes > mem->max_bytes)
        return "memory held is within the budget";
    if (mem->peak_bytes < mem->held_bytes)
        return "memory held was counted";
    return NULL;
}

const char *gander_check(struct gander_stack *stack)
{
    const char *broken = tcp_broken_anywhere(stack, stack->checked++);

    if (!broken)
        broken = sockets_broken(stack);
    return broken ? broken : memory_broken(stack->mem);
}

#ifdef GANDER_DEBUG

void debug_check(struct gander_stack *stack)
{
    uint32_t slots = stack->sockets.pages_used * SOCK_PAGE_SLOTS;
    const struct sock *sock;

    if (stack->sockets.open + stack->tcp.flows.count <= LOOK_AT_ALL) {
        ASSERT(!gander_check(stack));
    } else if (slots > 0) {
        sock = sock_at(stack, stack->checked++ % slots);
        ASSERT(!sock || sock->kind != SOCK_TCP_CONN || !socket_broken(stack, sock));
    }
}

#endif
