/* SPDX-License-Identifier: MIT */
/*
 * The receive queue: arrived packets, stripped to their text and in order, are the queue. Only when they hold more memory than the
 * window promised is text copied together, so that small segments in large buffers cost at
 * most twice the window.
 */
#include "tcp/queues.h"

void recvq_init(struct recvq *q)
{
    *q = (struct recvq){0};
}

void recvq_finish(struct recvq *q)
{
    while (q->first) {
        struct gander_packet *packet = q->first;

        q->first = packet->next;
        gander_packet_free(packet);
    }
    recvq_init(q);
}

uint32_t recvq_charge(const struct mem *mem, const struct gander_packet *packet)
{
    uint32_t bytes = (uint32_t)sizeof(*packet);

    for (unsigned i = 0; i < packet->frags; i++) {
        const struct gander_frag *f = &packet->frag[i];

        if (f->block)
            bytes += f->block->mem == mem ? block_true_bytes(f->block) : f->len;
    }
    return bytes;
}

void recvq_append_chain(struct recvq *q, struct gander_packet *first, struct gander_packet *last,
                        uint32_t bytes, uint32_t held)
{
    last->next = NULL;
    if (q->last)
        q->last->next = first;
    else
        q->first = first;
    q->last = last;
    q->bytes += bytes;
    q->held_bytes += held;
}

/* Room at the end of a packet's own block, if nobody else refers to it. */
static uint32_t tail_room(const struct gander_packet *packet, const struct mem *mem)
{
    const struct gander_frag *f = &packet->frag[packet->frags - 1];

    if (!f->block || f->block->mem != mem || f->block->refs != 1)
        return 0;
    return (uint32_t)(f->block->data + f->block->capacity - (f->data + f->len));
}

bool recvq_absorb(const struct mem *mem, struct gander_packet *last, struct gander_packet *packet)
{
    struct gander_frag *f = &last->frag[last->frags - 1];

    if (tail_room(last, mem) < packet->len)
        return false;
    packet_read(packet, 0, f->data + f->len, packet->len);
    f->len += packet->len;
    last->len += packet->len;
    gander_packet_free(packet);
    return true;
}

void recvq_append(struct recvq *q, struct gander_stack *stack, struct gander_packet *packet,
                  uint32_t limit)
{
    uint32_t charge = recvq_charge(stack->mem, packet), len = packet->len;

    if (UNLIKELY(q->held_bytes + charge > limit) && q->last &&
        recvq_absorb(stack->mem, q->last, packet))
        q->bytes += len;
    else
        recvq_append_chain(q, packet, packet, len, charge);
}

/* Copies out of one packet; returns how many bytes. */
static size_t packet_take(struct gander_packet *packet, uint8_t *to, size_t len, bool peek)
{
    size_t n = packet_read(packet, 0, to, len);

    if (!peek && n < packet->len)
        packet_pull(packet, (uint32_t)n);
    return n;
}

size_t recvq_read(struct recvq *q, struct mem *mem, void *buffer, size_t len, bool peek)
{
    struct gander_packet *packet = q->first;
    uint8_t *to = buffer;
    size_t done = 0;

    while (packet && done < len) {
        struct gander_packet *next = packet->next;
        uint32_t charge = recvq_charge(mem, packet), had = packet->len;
        size_t n = packet_take(packet, to + done, len - done, peek);

        done += n;
        if (peek) {
            packet = next;
            continue;
        }
        q->bytes -= (uint32_t)n;
        if (n < had) {
            q->held_bytes -= charge - recvq_charge(mem, packet);
            break;
        }
        q->held_bytes -= charge;
        q->first = next;
        if (!next)
            q->last = NULL;
        gander_packet_free(packet);
        packet = next;
    }
    return done;
}
