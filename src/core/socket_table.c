/* SPDX-License-Identifier: MIT */
/*
 * Socket numbers: the low half is a slot, the high half the slot's generation, so that a stale number never names
 * another socket. Slots live in pages that never move; only the list of pages grows.
 */
#include "core/stack.h"

static struct sock_slot *slot_at(const struct sock_table *t, uint32_t i)
{
    return &t->pages[i / SOCK_PAGE_SLOTS][i % SOCK_PAGE_SLOTS];
}

static bool pages_grow(struct gander_stack *stack)
{
    struct sock_table *t = &stack->sockets;
    uint32_t room = t->pages_room ? 2 * t->pages_room : 4;
    struct sock_slot **pages = mem_alloc(stack->mem, room * sizeof(struct sock_slot *));

    if (!pages)
        return false;
    if (t->pages) {
        memcpy(pages, t->pages, t->pages_used * sizeof(struct sock_slot *));
        mem_free(stack->mem, t->pages, t->pages_room * sizeof(struct sock_slot *));
    }
    t->pages = pages;
    t->pages_room = room;
    return true;
}

static bool page_add(struct gander_stack *stack)
{
    struct sock_table *t = &stack->sockets;
    uint32_t base = t->pages_used * SOCK_PAGE_SLOTS;
    struct sock_slot *page;

    if (t->pages_used == t->pages_room && !pages_grow(stack))
        return false;
    page = mem_alloc(stack->mem, SOCK_PAGE_SLOTS * sizeof(*page));
    if (!page)
        return false;
    for (uint32_t i = 0; i < SOCK_PAGE_SLOTS; i++)
        page[i] = (struct sock_slot){
            .generation = 1, .next_free = i + 1 < SOCK_PAGE_SLOTS ? base + i + 1 : UINT32_MAX};
    t->pages[t->pages_used++] = page;
    t->first_free = base;
    return true;
}

bool sock_register(struct gander_stack *stack, struct sock *sock)
{
    struct sock_table *t = &stack->sockets;
    struct sock_slot *slot;
    uint32_t i;

    if (t->first_free == UINT32_MAX && !page_add(stack))
        return false;
    i = t->first_free;
    slot = slot_at(t, i);
    t->first_free = slot->next_free;
    slot->sock = sock;
    sock->handle = (uint64_t)slot->generation << 32 | i;
    t->open++;
    return true;
}

void sock_unregister(struct gander_stack *stack, struct sock *sock)
{
    struct sock_table *t = &stack->sockets;
    uint32_t i = (uint32_t)sock->handle;
    struct sock_slot *slot = slot_at(t, i);

    sock_event_forget(stack, sock);
    slot->sock = NULL;
    slot->generation = slot->generation == UINT32_MAX ? 1 : slot->generation + 1;
    slot->next_free = t->first_free;
    t->first_free = i;
    sock->handle = 0;
    t->open--;
}

struct sock *sock_find(const struct gander_stack *stack, gander_socket handle)
{
    const struct sock_table *t = &stack->sockets;
    uint32_t i = (uint32_t)handle;
    const struct sock_slot *slot;

    if (i >= t->pages_used * SOCK_PAGE_SLOTS)
        return NULL;
    slot = slot_at(t, i);
    return slot->sock && slot->sock->handle == handle ? slot->sock : NULL;
}

void sock_rebind(struct gander_stack *stack, struct sock *from, struct sock *to)
{
    sock_event_forget(stack, from);
    to->handle = from->handle;
    to->context = from->context;
    from->handle = 0;
    slot_at(&stack->sockets, (uint32_t)to->handle)->sock = to;
}

void sock_table_finish(struct gander_stack *stack)
{
    struct sock_table *t = &stack->sockets;

    for (uint32_t i = 0; i < t->pages_used; i++)
        mem_free(stack->mem, t->pages[i], SOCK_PAGE_SLOTS * sizeof(struct sock_slot));
    if (t->pages)
        mem_free(stack->mem, t->pages, t->pages_room * sizeof(struct sock_slot *));
}
