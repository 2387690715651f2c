/* SPDX-License-Identifier: MIT */
/*
 * The queue of events: at most one entry a socket, its bits gathered until they are fetched. Linked both ways, by slot
 * numbers: an application that closes many sockets without having fetched their events pays nothing for it.
 */
#include "core/stack.h"

static uint32_t slot_of(const struct sock *sock)
{
    return (uint32_t)sock->handle;
}

static struct sock *sock_at(const struct gander_stack *stack, uint32_t slot)
{
    return stack->sockets.pages[slot / SOCK_PAGE_SLOTS][slot % SOCK_PAGE_SLOTS].sock;
}

void sock_event(struct gander_stack *stack, struct sock *sock, unsigned bits, int error)
{
    if (!sock->handle)
        return;
    sock->event_bits |= (uint16_t)bits;
    if (error || (bits & GANDER_EVENT_CLOSED)) /* how it ended counts, not what was feared before */
        sock->event_error = (int8_t)error;
    if (sock->event_queued)
        return;
    sock->event_queued = true;
    sock->event_next = UINT32_MAX;
    sock->event_prev = stack->event_last;
    if (stack->event_last == UINT32_MAX)
        stack->event_first = slot_of(sock);
    else
        sock_at(stack, stack->event_last)->event_next = slot_of(sock);
    stack->event_last = slot_of(sock);
}

void sock_event_forget(struct gander_stack *stack, struct sock *sock)
{
    if (!sock->event_queued)
        return;
    if (sock->event_prev == UINT32_MAX)
        stack->event_first = sock->event_next;
    else
        sock_at(stack, sock->event_prev)->event_next = sock->event_next;
    if (sock->event_next == UINT32_MAX)
        stack->event_last = sock->event_prev;
    else
        sock_at(stack, sock->event_next)->event_prev = sock->event_prev;
    sock->event_queued = false;
    sock->event_bits = 0;
    sock->event_error = 0;
}

size_t gander_events(struct gander_stack *stack, struct gander_event *events, size_t max)
{
    size_t n = 0;

    while (n < max && stack->event_first != UINT32_MAX) {
        struct sock *sock = sock_at(stack, stack->event_first);

        events[n++] = (struct gander_event){.socket = sock->handle,
                                            .bits = sock->event_bits,
                                            .error = sock->event_error,
                                            .context = sock->context};
        sock_event_forget(stack, sock);
    }
    return n;
}
