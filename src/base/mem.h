/* SPDX-License-Identifier: MIT */
/*
 * Memory under one budget. Objects of one size live in slabs of 32 KiB, aligned to 32 KiB, so that an object
 * finds its slab, and the slab its pool, from the address alone: no header per object. A slab whose last object
 * returns goes back to the allocator (each pool keeps at most one empty one). Large things (tables' directories,
 * rings) come straight from the allocator and are counted too.
 *
 * Blocks are reference-counted byte buffers in four size classes, for packets and send queues.
 *
 * A `struct mem` outlives its stack while packets or blocks of it are still held elsewhere.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <gander/packet.h>
#include <gander/stack.h>

#include "base/panic.h"

enum { SLAB_BYTES = 32768, BLOCK_CLASSES = 4 };

struct mem;
struct slab;

struct pool {
    struct mem *mem;
    struct slab *partial;  /* slabs with a free object; the first serves */
    struct slab *empty;    /* one slab with no objects, kept back; or NULL */
    uint32_t object_bytes; /* rounded up to 16 */
    uint32_t per_slab;
    uint64_t live;         /* objects out */
};

struct mem {
    struct gander_memory hooks;
    uint64_t max_bytes, held_bytes, peak_bytes;
    uint64_t failures;  /* allocations refused: budget, or the allocator itself */
    uint64_t live;      /* packets and blocks out; keeps `released` memory alive */
    bool released;      /* the stack is gone */
    struct pool packets;               /* struct gander_packet */
    struct pool blocks[BLOCK_CLASSES]; /* 256, 2,032, 8,176, 16,352 bytes, struct included */
};

/* NULL: the allocator or the budget refuses. */
struct mem *mem_create(const struct gander_memory *hooks, uint64_t max_bytes);

/* The owner is done: all its pools are empty and finished. The rest goes when the last packet and block return. */
void mem_release(struct mem *mem);

/* Large memory, not zeroed, aligned to 64. NULL when the budget or the allocator refuses. */
void *mem_alloc(struct mem *mem, size_t bytes);
void mem_free(struct mem *mem, void *memory, size_t bytes);

void pool_init(struct pool *pool, struct mem *mem, size_t object_bytes);
void pool_finish(struct pool *pool); /* all objects must have returned */

/* An object, contents undefined; NULL when the budget is used up. Last put is first got. */
void *pool_get(struct pool *pool);
void pool_put(void *object); /* the pool is found from the address */

struct gander_block {
    struct mem *mem;
    uint32_t refs;
    uint32_t capacity; /* of data[] */
    uint32_t used;     /* for the holder: bytes filled */
    uint32_t class_;   /* index of its pool; BLOCK_CLASSES: straight from mem_alloc */
    uint8_t data[];
};

/* A block with one reference and at least `bytes` (≤ 65,600) of capacity: the smallest class that fits. */
struct gander_block *block_alloc(struct mem *mem, size_t bytes);

/* The bytes that a block really takes, for accounting. */
static inline uint32_t block_true_bytes(const struct gander_block *block)
{
    return block->capacity + (uint32_t)sizeof(*block);
}

static inline struct gander_block *block_hold(struct gander_block *block)
{
    block->refs++;
    return block;
}

void block_free(struct gander_block *block);

static inline void block_drop(struct gander_block *block)
{
    DEBUG_ASSERT(block->refs > 0);
    if (--block->refs == 0)
        block_free(block);
}

#endif
