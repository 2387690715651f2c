/* SPDX-License-Identifier: MIT */
/*
 * In debug builds every public call ends with a look at every connection's invariants, as long as there are few; with many,
 * at one socket after the other, so that a test with a million connections ends.
 */
#include "core/stack.h"

#ifdef GANDER_DEBUG

#include "tcp/tcp.h"

enum { LOOK_AT_ALL = 64 };

/* True if there is a socket in this slot. */
static bool check_socket(const struct gander_stack *stack, uint32_t i)
{
    struct sock *sock = stack->sockets.pages[i / SOCK_PAGE_SLOTS][i % SOCK_PAGE_SLOTS].sock;

    if (sock && sock->kind == SOCK_TCP_CONN)
        tcp_check_invariants(stack, tcp_conn_of(sock));
    return sock != NULL;
}

void debug_check(struct gander_stack *stack)
{
    uint32_t slots = stack->sockets.pages_used * SOCK_PAGE_SLOTS;

    if (slots == 0)
        return;
    if (stack->sockets.open > LOOK_AT_ALL) {
        check_socket(stack, stack->checked++ % slots);
        return;
    }
    for (uint32_t i = 0, seen = 0; i < slots && seen < stack->sockets.open; i++)
        seen += check_socket(stack, i);
}

#endif
