/* SPDX-License-Identifier: MIT */
/*
 * A hash table that never stops to rehash: extendible hashing over pages of TABLE_PAGE_SLOTS entries. A full page
 * splits in two (bounded work: one page); the directory of page pointers doubles by copying. Within a page:
 * open addressing with linear probing, and deletion by shifting back, so that there are no tombstones. Buddy
 * pages that have become sparse merge again. The caller's hashes are keyed, so nobody outside can choose them.
 *
 * An entry costs 12 bytes, at a load between 7/16 and 7/8.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

enum { TABLE_PAGE_SLOTS = 256 };

struct table_page {
    uint32_t count;
    uint32_t depth; /* how many low bits of the hash all its entries share */
    uint32_t hash[TABLE_PAGE_SLOTS];
    void *object[TABLE_PAGE_SLOTS]; /* NULL: free */
};

struct table {
    struct mem *mem;
    struct pool pages;
    struct table_page **directory; /* 2^depth pointers, by the low bits of the hash; NULL while empty */
    uint32_t depth;
    uint64_t count;
};

typedef bool table_match(const void *object, const void *key);

void table_init(struct table *table, struct mem *mem);
void table_finish(struct table *table); /* objects are not touched */

/* The object with this hash for which match(object, key); NULL if none. */
void *table_find(const struct table *table, uint32_t hash, table_match *match, const void *key);

/* False when there is no memory; nothing has changed then. */
bool table_insert(struct table *table, uint32_t hash, void *object);

/* The object must be in the table under this hash. */
void table_remove(struct table *table, uint32_t hash, const void *object);

/* Replaces `object` by `with` under the same hash, in place: cannot fail. */
void table_replace(struct table *table, uint32_t hash, const void *object, void *with);

/* Calls visit for every object; the table must not change meanwhile. Order depends on the hashes alone. */
void table_each(const struct table *table, void (*visit)(void *object, void *context), void *context);

/* How many slots a lookup of this hash inspects; for tests and statistics. */
uint32_t table_probes(const struct table *table, uint32_t hash, const void *object);

#endif
