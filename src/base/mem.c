/* SPDX-License-Identifier: MIT */
/*
 * The memory budget, slabs and blocks; see mem.h for the picture.
 *
 * What is counted against the budget is what was asked of the allocator, to the byte: slabs, large memory, and the
 * struct mem itself. What is not here: moving objects to empty slabs faster, and taking spare slabs from one pool for
 * another; a pool keeps one spare slab so that a single object that comes and goes does not reach the allocator.
 */
#include "base/mem.h"

#include "base/bytes.h"

enum {
    OBJECT_ALIGN = 16,
    LARGE_ALIGN = 64,
    CARVE_OBJECTS = 8, /* how many objects of a new slab are put on its free list at a time */
    BLOCK_MAX_BYTES = 65600
};

static const uint16_t block_class_bytes[BLOCK_CLASSES] = {256, 2032, 8176, 16352};

_Static_assert(sizeof(struct slab) <= SLAB_HEADER_BYTES, "objects begin behind the slab's header");
_Static_assert(2 * 16352 + SLAB_HEADER_BYTES == SLAB_BYTES, "two of the largest class fill a slab");

/* --- the budget --------------------------------------------------------------------------- */

static void *mem_take(struct mem *mem, size_t bytes, size_t align)
{
    void *memory = NULL;

    if (bytes <= mem->max_bytes - mem->held_bytes)
        memory = mem->hooks.alloc(mem->hooks.context, bytes, align);
    if (memory && UNLIKELY((uintptr_t)memory & (align - 1))) {
        mem->hooks.free(mem->hooks.context, memory, bytes);
        memory = NULL;
    }
    if (!memory) {
        mem->failures++;
        return NULL;
    }
    mem->held_bytes += bytes;
    if (mem->held_bytes > mem->peak_bytes)
        mem->peak_bytes = mem->held_bytes;
    return memory;
}

static void mem_give(struct mem *mem, void *memory, size_t bytes)
{
    ASSERT(bytes <= mem->held_bytes);
    mem->held_bytes -= bytes;
    mem->hooks.free(mem->hooks.context, memory, bytes);
}

struct mem *mem_create(const struct gander_memory *hooks, uint64_t max_bytes)
{
    struct mem *mem;

    if (max_bytes < sizeof(*mem))
        return NULL;
    mem = hooks->alloc(hooks->context, sizeof(*mem), LARGE_ALIGN);
    if (!mem)
        return NULL;
    memset(mem, 0, sizeof(*mem));
    mem->hooks = *hooks;
    mem->max_bytes = max_bytes;
    mem->held_bytes = mem->peak_bytes = sizeof(*mem);
    pool_init(&mem->packets, mem, sizeof(struct gander_packet));
    for (unsigned i = 0; i < BLOCK_CLASSES; i++)
        pool_init(&mem->blocks[i], mem, block_class_bytes[i]);
    return mem;
}

#ifdef GANDER_DEBUG
void mem_refuse(struct mem *mem, uint64_t at, bool forever)
{
    mem->requests = 0;
    mem->refuse_at = at;
    mem->refuse_forever = forever;
}

bool mem_is_refused(struct mem *mem)
{
    uint64_t n = ++mem->requests;

    if (mem->refuse_at == 0 || n < mem->refuse_at || (n > mem->refuse_at && !mem->refuse_forever))
        return false;
    mem->failures++;
    mem->refused_to = __builtin_return_address(0);
    return true;
}

#define MEM_REFUSED_TO_CALLER(mem) ((mem)->refused_to = __builtin_return_address(0))
#else
#define MEM_REFUSED_TO_CALLER(mem) ((void)(mem))
#endif

void *mem_alloc(struct mem *mem, size_t bytes)
{
    if (mem_is_refused(mem)) {
        MEM_REFUSED_TO_CALLER(mem);
        return NULL;
    }
    return mem_take(mem, bytes, LARGE_ALIGN);
}

void mem_free(struct mem *mem, void *memory, size_t bytes)
{
    if (memory)
        mem_give(mem, memory, bytes);
}

/* --- slabs -------------------------------------------------------------------------------- */

void pool_init(struct pool *pool, struct mem *mem, size_t object_bytes)
{
    ASSERT(object_bytes > 0 && object_bytes <= SLAB_BYTES - SLAB_HEADER_BYTES);
    memset(pool, 0, sizeof(*pool));
    pool->mem = mem;
    pool->object_bytes =
        (uint32_t)((object_bytes + OBJECT_ALIGN - 1) & ~(size_t)(OBJECT_ALIGN - 1));
    pool->per_slab = (SLAB_BYTES - SLAB_HEADER_BYTES) / pool->object_bytes;
}

static void slab_link(struct slab *slab)
{
    struct pool *pool = slab->pool;

    slab->next = pool->partial;
    slab->at = &pool->partial;
    if (slab->next)
        slab->next->at = &slab->next;
    pool->partial = slab;
}

static void slab_unlink(struct slab *slab)
{
    *slab->at = slab->next;
    if (slab->next)
        slab->next->at = slab->at;
}

/* Puts the next few untouched objects on the free list, lowest address first. */
static void slab_carve(struct slab *slab)
{
    const struct pool *pool = slab->pool;
    uint32_t end = min_u32(slab->carved + CARVE_OBJECTS, pool->per_slab);
    uint8_t *base = (uint8_t *)slab + SLAB_HEADER_BYTES;

    for (uint32_t i = end; i-- > slab->carved;) {
        struct pool_object *object = (void *)(base + (size_t)i * pool->object_bytes);

        object->next = slab->free;
        slab->free = object;
        POOL_POISON(object, pool->object_bytes);
    }
    slab->carved = end;
}

/* A slab with free objects, in front of `partial`, which had none. */
struct slab *pool_grow(struct pool *pool)
{
    struct slab *slab = mem_take(pool->mem, SLAB_BYTES, SLAB_BYTES);

    if (!slab)
        return NULL;
    memset(slab, 0, sizeof(*slab));
    slab->pool = pool;
    slab_carve(slab);
    slab_link(slab);
    return slab;
}

/* The last object of the free list went out. */
void pool_slab_drained(struct slab *slab)
{
    if (slab->carved < slab->pool->per_slab)
        slab_carve(slab);
    else
        slab_unlink(slab);
}

/* A slab without free objects got one. In front: it is the fullest, the others may run empty. */
void pool_slab_refilled(struct slab *slab)
{
    slab_link(slab);
}

static void slab_free(struct slab *slab)
{
    slab_unlink(slab);
    POOL_UNPOISON(slab, SLAB_BYTES);
    mem_give(slab->pool->mem, slab, SLAB_BYTES);
}

/* The spare slab stays in `partial`, empty or not. That is all that pool_get() must not care about. */
void pool_slab_emptied(struct slab *slab)
{
    struct pool *pool = slab->pool;

    if (!pool->spare || pool->spare->used > 0)
        pool->spare = slab;
    else if (pool->spare != slab)
        slab_free(slab);
}

/* Gives an empty spare slab back. */
static void pool_trim(struct pool *pool)
{
    if (pool->spare && pool->spare->used == 0) {
        slab_free(pool->spare);
        pool->spare = NULL;
    }
}

void pool_finish(struct pool *pool)
{
    ASSERT(pool->live == 0);
    pool_trim(pool);
    ASSERT(!pool->partial);
}

/* --- the end ------------------------------------------------------------------------------ */

void mem_release(struct mem *mem)
{
    ASSERT(!mem->released);
    mem->released = true;
    mem_settle(mem);
}

void mem_settle(struct mem *mem)
{
    struct gander_memory hooks = mem->hooks;

    pool_trim(&mem->packets);
    for (unsigned i = 0; i < BLOCK_CLASSES; i++)
        pool_trim(&mem->blocks[i]);
    if (mem->live > 0)
        return;
    ASSERT(mem->held_bytes == sizeof(*mem)); /* else somebody forgot memory */
    hooks.free(hooks.context, mem, sizeof(*mem));
}

/* --- blocks ------------------------------------------------------------------------------- */

struct gander_block *block_alloc(struct mem *mem, size_t bytes)
{
    size_t total = sizeof(struct gander_block) + bytes;
    struct gander_block *block;
    uint32_t class_ = 0;

    ASSERT(bytes <= BLOCK_MAX_BYTES);
    while (class_ < BLOCK_CLASSES && total > block_class_bytes[class_])
        class_++;
    if (LIKELY(class_ < BLOCK_CLASSES)) {
        total = block_class_bytes[class_];
        block = pool_get(&mem->blocks[class_]);
    } else {
        total = (total + LARGE_ALIGN - 1) & ~(size_t)(LARGE_ALIGN - 1);
        block = mem_alloc(mem, total);
    }
    if (UNLIKELY(!block)) {
        MEM_REFUSED_TO_CALLER(mem);
        return NULL;
    }
    mem->live++;
    block->mem = mem;
    block->refs = 1;
    block->capacity = (uint32_t)(total - sizeof(*block));
    block->used = 0;
    block->class_ = class_;
    return block;
}

void block_free(struct gander_block *block)
{
    struct mem *mem = block->mem;

    ASSERT(block->refs == 0);
    if (LIKELY(block->class_ < BLOCK_CLASSES))
        pool_put(block);
    else
        mem_free(mem, block, block_true_bytes(block));
    mem_returned(mem);
}
