/* SPDX-License-Identifier: MIT */
/*
 * The send queue: the application's bytes in reference-counted blocks until the peer has acknowledged them
 * [RFC9293 3.8.1]. Segments, first and resent ones alike, refer to these bytes; nothing is copied again.
 */
#include "tcp/queues.h"

enum { SENDQ_BLOCK_BYTES_MAX = 16000 /* fits the largest class of blocks */ };

static struct sendq_entry *entry_at(const struct sendq *q, uint32_t number)
{
    return &q->ring[number & (q->capacity - 1)];
}

static tcp_seq entry_end(const struct sendq_entry *e)
{
    return e->seq + e->block->used;
}

void sendq_init(struct sendq *q, tcp_seq seq)
{
    *q = (struct sendq){.ring = q->few, .capacity = SENDQ_RING_MIN, .head = seq, .end = seq};
}

static void ring_free(struct sendq *q, struct mem *mem)
{
    if (q->ring != q->few)
        mem_free(mem, q->ring, q->capacity * sizeof(*q->ring));
}

void sendq_finish(struct sendq *q, struct mem *mem)
{
    for (uint32_t i = 0; i < q->count; i++)
        block_drop(entry_at(q, q->first + i)->block);
    ring_free(q, mem);
    sendq_init(q, q->end);
}

static bool ring_grow(struct sendq *q, struct mem *mem)
{
    uint32_t capacity = 2 * q->capacity;
    struct sendq_entry *ring = mem_alloc(mem, capacity * sizeof(*ring));

    if (!ring)
        return false;
    for (uint32_t i = 0; i < q->count; i++)
        ring[(q->first + i) & (capacity - 1)] = *entry_at(q, q->first + i);
    ring_free(q, mem);
    q->ring = ring;
    q->capacity = capacity;
    return true;
}

/* A fresh block at the end: as large as the data or as what is queued already, so that many small
 * writes fill large blocks, and one small write does not take one. */
static bool block_add(struct sendq *q, struct mem *mem, size_t len)
{
    size_t want = len > sendq_bytes(q) ? len : sendq_bytes(q);
    struct gander_block *block;

    if (q->count == q->capacity && !ring_grow(q, mem))
        return false;
    if (want > SENDQ_BLOCK_BYTES_MAX)
        want = SENDQ_BLOCK_BYTES_MAX;
    block = block_alloc(mem, want);
    if (!block)
        return false;
    block->used = 0;
    *entry_at(q, q->first + q->count++) = (struct sendq_entry){.block = block, .seq = q->end};
    return true;
}

size_t sendq_append(struct sendq *q, struct mem *mem, const void *data, size_t len)
{
    const uint8_t *from = data;
    size_t left = len;

    while (left > 0) {
        struct sendq_entry *last = q->count ? entry_at(q, q->first + q->count - 1) : NULL;
        struct gander_block *block = last ? last->block : NULL;
        size_t n;

        if (!block || block->used == block->capacity) {
            if (!block_add(q, mem, left))
                break;
            continue;
        }
        n = block->capacity - block->used;
        if (n > left)
            n = left;
        memcpy(block->data + block->used, from, n);
        block->used += (uint32_t)n;
        q->end += (tcp_seq)n;
        from += n;
        left -= n;
    }
    return len - left;
}

void sendq_release(struct sendq *q, tcp_seq seq)
{
    q->head = seq;
    while (q->count > 0) {
        struct sendq_entry *e = entry_at(q, q->first);

        if (seq_gt(entry_end(e), seq))
            break;
        if (q->count == 1 && e->block->refs == 1) {
            e->block->used = 0; /* nobody refers to its bytes any more: serves the next write */
            e->seq = seq;
            break;
        }
        block_drop(e->block);
        q->first++;
        q->count--;
    }
}

/* The entry that holds `seq`: mostly the one that served last, or its successor. */
static uint32_t entry_find(struct sendq *q, tcp_seq seq)
{
    uint32_t low = 0, high = q->count;

    for (uint32_t n = q->cursor; n != q->cursor + 2; n++)
        if (n - q->first < q->count &&
            seq_between(entry_at(q, n)->seq, seq, entry_end(entry_at(q, n))))
            return n;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;

        if (seq_leq(entry_at(q, q->first + middle)->seq, seq))
            low = middle;
        else
            high = middle;
    }
    return q->first + low;
}

uint32_t sendq_refer(struct sendq *q, tcp_seq seq, uint32_t len, struct gander_packet *packet)
{
    uint32_t number = entry_find(q, seq), done = 0;

    while (done < len && packet->frags < GANDER_PACKET_FRAGS) {
        struct sendq_entry *e = entry_at(q, number);
        uint32_t offset = seq + done - e->seq;
        uint32_t n = min_u32(len - done, e->block->used - offset);

        packet_append(packet, e->block, e->block->data + offset, n);
        done += n;
        q->cursor = number++;
    }
    return done;
}
