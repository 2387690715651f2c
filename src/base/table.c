/* SPDX-License-Identifier: MIT */
/*
 * The hash table; table.h explains it.
 *
 * Costs beyond one page: a doubling or halving of the directory copies 2^depth pointers, which a table of n entries has
 * about n/128 of, and happens once per doubling or halving of n; a split or merge writes the pointers to one page, of
 * which there are few, as keyed hashes spread evenly.
 */
#include "base/table.h"

#include "base/panic.h"

enum {
    SPLIT_ABOVE = TABLE_PAGE_SLOTS * 7 / 8,
    MERGE_UP_TO = TABLE_PAGE_SLOTS * 7 / 16,
    DEPTH_MAX = 24,         /* the other bits of the hash place an entry in its page */
    SPARSE_PER_POINTER = 28 /* entries: below, the directory is halved if no page needs it */
};

void table_init(struct table *table, struct mem *mem)
{
    memset(table, 0, sizeof(*table));
    table->mem = mem;
    pool_init(&table->pages, mem, sizeof(struct table_page));
}

static uint32_t directory_len(const struct table *table)
{
    return (uint32_t)1 << table->depth;
}

static size_t directory_bytes(uint32_t depth)
{
    return sizeof(struct table_page *) << depth;
}

void table_finish(struct table *table)
{
    if (table->directory) {
        /* Downwards: the lowest of the pointers to a page comes last. */
        for (uint32_t i = directory_len(table); i-- > 0;)
            if (i >> table->directory[i]->depth == 0)
                pool_put(table->directory[i]);
        mem_free(table->mem, table->directory, directory_bytes(table->depth));
    }
    pool_finish(&table->pages);
    memset(table, 0, sizeof(*table));
}

/* --- one page ----------------------------------------------------------------------------- */

static void page_init(struct table_page *page, uint32_t depth)
{
    page->count = 0;
    page->depth = depth;
    memset(page->slot, 0, sizeof(page->slot));
}

static void object_set(struct table_page *page, uint32_t i, void *object)
{
    memcpy(page->slot[i].object, &object, sizeof(object));
}

static void page_add(struct table_page *page, uint32_t hash, void *object)
{
    uint32_t i = table_home(hash);

    while (table_object(page, i))
        i = table_slot_after(i);
    page->slot[i].hash = hash;
    object_set(page, i, object);
    page->count++;
}

static uint32_t page_slot_of(const struct table_page *page, uint32_t hash, const void *object)
{
    uint32_t i = table_home(hash);

    while (table_object(page, i) != object) {
        ASSERT(table_object(page, i));
        i = table_slot_after(i);
    }
    return i;
}

/* Closes the gap: whatever follows moves back unless that would be before its home [Knuth, vol. 3, 6.4 R]. */
static void page_take(struct table_page *page, uint32_t gap)
{
    for (uint32_t i = table_slot_after(gap); table_object(page, i); i = table_slot_after(i)) {
        uint32_t from_home = (i - table_home(page->slot[i].hash)) & (TABLE_PAGE_SLOTS - 1);
        uint32_t from_gap = (i - gap) & (TABLE_PAGE_SLOTS - 1);

        if (from_home >= from_gap) {
            page->slot[gap] = page->slot[i];
            gap = i;
        }
    }
    object_set(page, gap, NULL);
    page->count--;
}

/*
 * Moves the entries with this bit of the hash from one page to another. In place: beginning behind a free slot, each
 * entry is taken out and added again, to slots at or before its own.
 */
static void page_divide(struct table_page *from, struct table_page *to, uint32_t bit)
{
    uint32_t i = 0;

    while (table_object(from, i))
        i++;
    from->count = 0;
    for (uint32_t n = 1; n < TABLE_PAGE_SLOTS; n++) {
        void *object;

        i = table_slot_after(i);
        object = table_object(from, i);
        if (!object)
            continue;
        object_set(from, i, NULL);
        page_add(from->slot[i].hash & bit ? to : from, from->slot[i].hash, object);
    }
}

/* --- the directory ------------------------------------------------------------------------ */

/* Makes all pointers for hashes that share the low `depth` bits with this one point to a page. */
static void directory_point(struct table *table, uint32_t hash, uint32_t depth,
                            struct table_page *to)
{
    uint32_t step = (uint32_t)1 << depth;

    for (uint32_t i = hash & (step - 1); i < directory_len(table); i += step)
        table->directory[i] = to;
}

static bool directory_double(struct table *table)
{
    size_t bytes = directory_bytes(table->depth);
    struct table_page **larger = mem_alloc(table->mem, 2 * bytes);

    if (!larger)
        return false;
    memcpy(larger, table->directory, bytes);
    memcpy(larger + directory_len(table), table->directory, bytes);
    mem_free(table->mem, table->directory, bytes);
    table->directory = larger;
    table->depth++;
    table->deepest = 0;
    return true;
}

/* Without memory for the smaller one the directory just stays. */
static void directory_halve(struct table *table)
{
    size_t bytes = directory_bytes(table->depth);
    struct table_page **smaller = mem_alloc(table->mem, bytes / 2);

    if (!smaller)
        return;
    memcpy(smaller, table->directory, bytes / 2);
    mem_free(table->mem, table->directory, bytes);
    table->directory = smaller;
    table->depth--;
    for (uint32_t i = 0; i < directory_len(table); i++)
        table->deepest += smaller[i]->depth == table->depth;
}

/* --- splitting and merging ------------------------------------------------------------------ */

static bool table_begin(struct table *table)
{
    struct table_page *page = pool_get(&table->pages);

    if (!page)
        return false;
    table->directory = mem_alloc(table->mem, directory_bytes(0));
    if (!table->directory) {
        pool_put(page);
        return false;
    }
    page_init(page, 0);
    table->directory[0] = page;
    table->deepest = 1;
    return true;
}

/* Would the page still be in one piece after all splits that are possible? */
static bool page_is_one(const struct table_page *page, uint32_t hash)
{
    uint32_t differ = 0;

    for (uint32_t i = 0; i < TABLE_PAGE_SLOTS; i++)
        if (table_object(page, i))
            differ |= page->slot[i].hash ^ hash;
    return (differ & (((uint32_t)1 << DEPTH_MAX) - 1)) == 0;
}

static bool table_split(struct table *table, struct table_page *page, uint32_t hash)
{
    uint32_t bit = (uint32_t)1 << page->depth;
    struct table_page *upper = pool_get(&table->pages);

    if (!upper)
        return false;
    if (page->depth == table->depth && !directory_double(table)) {
        pool_put(upper);
        return false;
    }
    page->depth++;
    page_init(upper, page->depth);
    page_divide(page, upper, bit);
    directory_point(table, hash | bit, page->depth, upper);
    if (page->depth == table->depth)
        table->deepest += 2;
    return true;
}

bool table_insert(struct table *table, uint32_t hash, void *object)
{
    struct table_page *page;

    ASSERT(object);
    if (!table->directory && !table_begin(table))
        return false;
    page = table_page_of(table, hash);
    while (UNLIKELY(page->count >= SPLIT_ABOVE)) {
        if (page->depth == DEPTH_MAX || page_is_one(page, hash)) {
            if (page->count == TABLE_PAGE_SLOTS - 1)
                return false;
            break;
        }
        if (!table_split(table, page, hash))
            return false;
        page = table_page_of(table, hash);
    }
    page_add(page, hash, object);
    table->count++;
    return true;
}

/* Joins the page of this hash with its buddy, if both together are sparse. */
static bool table_merge(struct table *table, uint32_t hash)
{
    struct table_page *page = table_page_of(table, hash);
    struct table_page *buddy;
    uint32_t bit;

    if (page->depth == 0 || page->count > MERGE_UP_TO)
        return false; /* also without a look at the buddy, which is far away in memory */
    bit = (uint32_t)1 << (page->depth - 1);
    buddy = table_page_of(table, hash ^ bit);
    if (buddy->depth != page->depth || page->count + buddy->count > MERGE_UP_TO)
        return false;
    for (uint32_t i = 0; i < TABLE_PAGE_SLOTS; i++)
        if (table_object(buddy, i))
            page_add(page, buddy->slot[i].hash, table_object(buddy, i));
    if (page->depth == table->depth)
        table->deepest -= 2;
    directory_point(table, hash ^ bit, page->depth, page);
    page->depth--;
    pool_put(buddy);
    return true;
}

void table_remove(struct table *table, uint32_t hash, const void *object)
{
    struct table_page *page;

    ASSERT(table->directory);
    page = table_page_of(table, hash);
    page_take(page, page_slot_of(page, hash, object));
    table->count--;
    /* A join may make the next one possible; each undoes an earlier split. */
    while (table_merge(table, hash))
        ;
    if (table->deepest == 0 && table->count < (uint64_t)SPARSE_PER_POINTER << table->depth)
        directory_halve(table);
}

void table_replace(struct table *table, uint32_t hash, const void *object, void *with)
{
    struct table_page *page;

    ASSERT(table->directory && with);
    page = table_page_of(table, hash);
    object_set(page, page_slot_of(page, hash, object), with);
}

void table_each(const struct table *table, void (*visit)(void *object, void *context),
                void *context)
{
    if (!table->directory)
        return;
    for (uint32_t i = 0; i < directory_len(table); i++) {
        const struct table_page *page = table->directory[i];

        if (i >> page->depth != 0)
            continue; /* another pointer to a page that we have visited */
        for (uint32_t slot = 0; slot < TABLE_PAGE_SLOTS; slot++)
            if (table_object(page, slot))
                visit(table_object(page, slot), context);
    }
}

uint32_t table_probes(const struct table *table, uint32_t hash, const void *object)
{
    const struct table_page *page = table_page_of(table, hash);

    return ((page_slot_of(page, hash, object) - table_home(hash)) & (TABLE_PAGE_SLOTS - 1)) + 1;
}
