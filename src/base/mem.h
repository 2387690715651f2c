/* SPDX-License-Identifier: MIT */
/*
 * Memory under one budget. Objects of one size live in slabs of 32 KiB, aligned to 32 KiB, so that an object
 * finds its slab, and the slab its pool, from the address alone: no header per object. A slab whose last object
 * returns goes back to the allocator (each pool keeps at most one empty one). A new slab is carved as it is used, so
 * that its memory is touched late. Large things (tables' directories,
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

#include "base/bytes.h"
#include "base/panic.h"

/* Under AddressSanitizer an object that went back to its pool may not be touched. */
#if defined(__SANITIZE_ADDRESS__)
#define POOL_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_POISONS 1
#endif
#endif
#ifdef POOL_POISONS
#include <sanitizer/asan_interface.h>
#define POOL_POISON(memory, bytes) __asan_poison_memory_region(memory, bytes)
#define POOL_UNPOISON(memory, bytes) __asan_unpoison_memory_region(memory, bytes)
#else
#define POOL_POISON(memory, bytes) ((void)0)
#define POOL_UNPOISON(memory, bytes) ((void)0)
#endif

enum { SLAB_BYTES = 32768, SLAB_HEADER_BYTES = 64, BLOCK_CLASSES = 4 };

struct mem;

struct pool_object {
    struct pool_object *next;
};

/* The first SLAB_HEADER_BYTES of a slab. Lies in its pool's `partial` exactly while `free` is not NULL. */
struct slab {
    struct pool *pool;
    struct pool_object *free;
    struct slab *next, **at; /* in `partial` */
    uint32_t used;           /* objects out */
    uint32_t carved; /* objects that were ever on the free list; the rest is untouched memory */
};

struct pool {
    struct mem *mem;
    struct slab *partial; /* slabs with a free object; the first serves */
    struct slab *spare; /* stays when it becomes empty; others that are empty at the same time go */
    uint32_t object_bytes; /* rounded up to 16 */
    uint32_t per_slab;
    uint64_t live; /* objects out */
};

struct mem {
    struct gander_memory hooks;
    uint64_t max_bytes, held_bytes, peak_bytes;
    uint64_t failures;                 /* allocations refused: budget, or the allocator itself */
    uint64_t live;                     /* packets and blocks out; keeps `released` memory alive */
    bool released;                     /* the stack is gone */
    struct pool packets;               /* struct gander_packet */
    struct pool blocks[BLOCK_CLASSES]; /* 256, 2,032, 8,176, 16,352 bytes, struct included */
#ifdef GANDER_DEBUG
    uint64_t requests;      /* since mem_refuse() */
    uint64_t refuse_at;     /* this request gets nothing; 0: none */
    bool refuse_forever;    /* nor do those behind it */
    const void *refused_to; /* where in the code the last refused request came from */
#endif
};

/* NULL: the allocator or the budget refuses. */
struct mem *mem_create(const struct gander_memory *hooks, uint64_t max_bytes);

/* The owner is done: all its pools are empty and finished, its large memory is freed. The rest goes when the last
 * packet and block return. */
void mem_release(struct mem *mem);

/* After a packet or block of this memory returned (pool_put first, then this). */
void mem_settle(struct mem *mem);

static inline void mem_returned(struct mem *mem)
{
    mem->live--;
    if (UNLIKELY(mem->released))
        mem_settle(mem);
}

/* Three quarters of the budget are used: new data of the application wait, so that what is under way can
 * still get the packets, buffers and acknowledgements that it needs to end and give memory back. */
static inline bool mem_is_short(const struct mem *mem)
{
    return mem->held_bytes > mem->max_bytes - mem->max_bytes / 4;
}

/* For tests of what happens without memory: a request that slabs would have served fails all the same. The `at`-th from
 * now on is refused, counted from 1, or all from it on; 0: none. A request is an object, a block, or large memory. */
#ifdef GANDER_DEBUG
void mem_refuse(struct mem *mem, uint64_t at, bool forever);
bool mem_is_refused(struct mem *mem);
#else
static inline bool mem_is_refused(const struct mem *mem)
{
    (void)mem;
    return false;
}
#endif

/* Large memory, not zeroed, aligned to 64. NULL when the budget or the allocator refuses. */
void *mem_alloc(struct mem *mem, size_t bytes);
void mem_free(struct mem *mem, void *memory, size_t bytes);

void pool_init(struct pool *pool, struct mem *mem, size_t object_bytes); /* ≤ 32,704 */
void pool_finish(struct pool *pool); /* all objects must have returned */

/* The rare cases of the two functions below. */
struct slab *pool_grow(struct pool *pool);
void pool_slab_drained(struct slab *slab);
void pool_slab_refilled(struct slab *slab);
void pool_slab_emptied(struct slab *slab);

/* An object, contents undefined; NULL when the budget is used up. The last one put into a slab is the first got. */
static inline void *pool_get(struct pool *pool)
{
    struct slab *slab = pool->partial;
    struct pool_object *object;

    if (mem_is_refused(pool->mem))
        return NULL;
    if (UNLIKELY(!slab)) {
        slab = pool_grow(pool);
        if (!slab)
            return NULL;
    }
    object = slab->free;
    POOL_UNPOISON(object, pool->object_bytes);
    slab->free = object->next;
    slab->used++;
    pool->live++;
    if (UNLIKELY(!slab->free))
        pool_slab_drained(slab);
    return object;
}

static inline struct slab *pool_slab_of(const void *object)
{
    return (struct slab *)((uintptr_t)object & ~(uintptr_t)(SLAB_BYTES - 1));
}

/* In debug builds nobody can go on with an object that is back, or count on what a new one holds. */
static inline void pool_spoil(void *object, size_t bytes)
{
#ifdef GANDER_DEBUG
    memset(object, 0xdb, bytes);
#else
    (void)object;
    (void)bytes;
#endif
}

/* The pool is found from the address. */
static inline void pool_put(void *object)
{
    struct slab *slab = pool_slab_of(object);
    struct pool_object *first = object;
    struct pool_object *rest = slab->free;

    DEBUG_ASSERT(slab->used > 0);
    pool_spoil(object, slab->pool->object_bytes);
    first->next = rest;
    slab->free = first;
    slab->pool->live--;
    POOL_POISON(object, slab->pool->object_bytes);
    if (UNLIKELY(!rest))
        pool_slab_refilled(slab);
    if (UNLIKELY(--slab->used == 0))
        pool_slab_emptied(slab);
}

/* --- blocks ------------------------------------------------------------------------------- */

struct gander_block {
    struct mem *mem;
    uint32_t refs;
    uint32_t capacity; /* of data[] */
    uint32_t used;     /* for the holder: bytes filled */
    uint32_t class_;   /* index of its pool; BLOCK_CLASSES: straight from mem_alloc */
    uint8_t data[];
};

/* A block with one reference, nothing used, and at least `bytes` (≤ 65,600) of capacity: the smallest class that fits. */
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
