/* SPDX-License-Identifier: MIT */
/* The queue of events: at most one entry a socket, its bits gathered until they are fetched. */
#include "core/stack.h"

void sock_event(struct gander_stack *stack, struct sock *sock, unsigned bits, int error)
{
    if (!sock->handle)
        return;
    sock->event_bits |= (uint16_t)bits;
    if (error)
        sock->event_error = (int8_t)error;
    if (sock->event_queued)
        return;
    sock->event_queued = true;
    sock->event_next = NULL;
    *stack->event_last = sock;
    stack->event_last = &sock->event_next;
}

/* A socket that is closed with an event waiting is rare: the queue is searched. */
void sock_event_forget(struct gander_stack *stack, struct sock *sock)
{
    struct sock **at = &stack->event_first;

    if (!sock->event_queued)
        return;
    while (*at != sock)
        at = &(*at)->event_next;
    *at = sock->event_next;
    if (!*at)
        stack->event_last = at;
    sock->event_queued = false;
    sock->event_bits = 0;
    sock->event_error = 0;
}

size_t gander_events(struct gander_stack *stack, struct gander_event *events, size_t max)
{
    size_t n = 0;

    while (n < max && stack->event_first) {
        struct sock *sock = stack->event_first;

        stack->event_first = sock->event_next;
        if (!stack->event_first)
            stack->event_last = &stack->event_first;
        events[n++] = (struct gander_event){.socket = sock->handle,
                                            .bits = sock->event_bits,
                                            .error = sock->event_error,
                                            .context = sock->context};
        sock->event_queued = false;
        sock->event_bits = 0;
        sock->event_error = 0;
    }
    return n;
}
