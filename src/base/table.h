/* SPDX-License-Identifier: MIT */
/*
 * A hash table that never stops to rehash: extendible hashing [Fagin et al. 1979] over pages of TABLE_PAGE_SLOTS
 * entries. A full page splits in two (bounded work: one page); the directory of page pointers doubles by copying.
 * Within a page: open addressing with linear probing, and deletion by shifting back, so that there are no tombstones.
 * Buddy pages that have become sparse merge again, and the directory halves when it is far too large. The caller's
 * hashes are keyed, so nobody outside can choose them.
 *
 * The low bits of a hash choose the page, the high 8 bits the first slot to look at. A slot costs 12 bytes, at a
 * load between 7/16 and 7/8. Hash and pointer stand side by side, so that most lookups among millions of entries wait
 * for one line of memory, not for two.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/mem.h"

enum { TABLE_PAGE_SLOTS = 256 };

/* The pointer as bytes: aligned, it would leave a gap of four. */
struct table_slot {
    uint32_t hash;
    uint8_t object[sizeof(void *)];
};

struct table_page {
    uint32_t count;
    uint32_t depth; /* how many low bits of the hash all its entries share */
    struct table_slot slot[TABLE_PAGE_SLOTS]; /* object NULL: free; there is always one */
};

static inline void *table_object(const struct table_page *page, uint32_t i)
{
    void *object;

    memcpy(&object, page->slot[i].object, sizeof(object));
    return object;
}

struct table {
    struct mem *mem;
    struct pool pages;
    struct table_page **
        directory; /* 2^depth pointers, by the low bits of the hash; NULL before the first insertion */
    uint32_t depth;
    uint32_t deepest; /* pages of this depth */
    uint64_t count;
};

typedef bool table_match(const void *object, const void *key);

void table_init(struct table *table, struct mem *mem);
void table_finish(struct table *table); /* objects are not touched */

static inline struct table_page *table_page_of(const struct table *table, uint32_t hash)
{
    return table->directory[hash & (((uint32_t)1 << table->depth) - 1)];
}

static inline uint32_t table_home(uint32_t hash)
{
    return hash >> 24;
}

static inline uint32_t table_slot_after(uint32_t slot)
{
    return (slot + 1) & (TABLE_PAGE_SLOTS - 1);
}

/* The object with this hash for which match(object, key); NULL if none. Here so that the match is inlined. */
static inline void *table_find(const struct table *table, uint32_t hash, table_match *match,
                               const void *key)
{
    const struct table_page *page;

    if (UNLIKELY(!table->directory))
        return NULL;
    page = table_page_of(table, hash);
    for (uint32_t i = table_home(hash);; i = table_slot_after(i)) {
        void *object = table_object(page, i);

        if (!object) {
            __builtin_prefetch(page, 1); /* who finds nothing mostly inserts next: the count */
            return NULL;
        }
        if (page->slot[i].hash == hash && LIKELY(match(object, key)))
            return object;
    }
}

/* What table_remove() of this hash will wait for, should it come soon. */
static inline void table_prefetch(const struct table *table, uint32_t hash)
{
    const struct table_page *page = table_page_of(table, hash);

    __builtin_prefetch(page, 1);
    __builtin_prefetch(&page->slot[table_home(hash)], 1);
}

/*
 * Several objects may have one hash; the first inserted is found first.
 * False when there is no memory, or when TABLE_PAGE_SLOTS − 1 objects share the low 24 bits of this hash; nothing has
 * changed then.
 */
bool table_insert(struct table *table, uint32_t hash, void *object);

/* The object must be in the table under this hash. */
void table_remove(struct table *table, uint32_t hash, const void *object);

/* Replaces `object` by `with` under the same hash, in place: cannot fail. */
void table_replace(struct table *table, uint32_t hash, const void *object, void *with);

/* Calls visit for every object; the table must not change meanwhile. The same history gives the same order. */
void table_each(const struct table *table, void (*visit)(void *object, void *context),
                void *context);

/* How many slots a lookup of this object inspects; for tests and statistics. */
uint32_t table_probes(const struct table *table, uint32_t hash, const void *object);

#endif
