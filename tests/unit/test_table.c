/* SPDX-License-Identifier: MIT */
/*
 * The hash table against an array that says what is in it, over a million seeded operations while it grows and shrinks, with
 * good hashes and with bad ones; its structure is checked on the way; lack of memory at every place where it may come.
 */
#include "test_memory.h"

#include "base/table.h"

enum { KEYS = 40000 };

struct item {
    uint32_t key, hash;
    bool in;
};

static struct item items[KEYS];
static struct test_memory memory;

static bool item_matches(const void *object, const void *key)
{
    return ((const struct item *)object)->key == *(const uint32_t *)key;
}

static struct item *find(const struct table *table, const struct item *item)
{
    return table_find(table, item->hash, item_matches, &item->key);
}

static uint32_t good_hash(uint32_t key)
{
    uint64_t seed = key;

    return (uint32_t)test_random(&seed);
}

/* All in few pages and in few homes. */
static uint32_t bad_hash(uint32_t key)
{
    return (key & 0x7) << 29 | (good_hash(key) & 0x300) | 0x5;
}

static void items_init(uint32_t (*hash)(uint32_t key))
{
    for (uint32_t i = 0; i < KEYS; i++)
        items[i] = (struct item){i, hash(i), false};
}

/* Everything that table.h promises about the structure. */
static void check_structure(const struct table *table)
{
    uint64_t count = 0;
    uint32_t deepest = 0;

    if (!table->directory)
        return;
    for (uint32_t i = 0; i >> table->depth == 0; i++) {
        const struct table_page *page = table->directory[i], *buddy;
        uint32_t low = ((uint32_t)1 << page->depth) - 1, n = 0;

        assert_true(page->depth <= table->depth);
        assert_ptr_equal(page, table->directory[i & low]);
        if (i > low)
            continue;
        for (uint32_t slot = 0; slot < TABLE_PAGE_SLOTS; slot++)
            if (table_object(page, slot)) {
                const struct item *item = table_object(page, slot);

                n++;
                assert_int_equal(page->slot[slot].hash, item->hash);
                assert_int_equal(item->hash & low, i);
                assert_true(item->in && find(table, item) == item);
            }
        assert_int_equal(n, page->count);
        assert_true(n < TABLE_PAGE_SLOTS);
        count += n;
        deepest += page->depth == table->depth;
        buddy = table->directory[page->depth ? i ^ (low ^ low >> 1) : i];
        if (buddy != page && buddy->depth == page->depth)
            assert_true(page->count + buddy->count > TABLE_PAGE_SLOTS * 7 / 16);
    }
    assert_true(count == table->count);
    assert_int_equal(deepest, table->deepest);
}

static struct table *table_new(uint64_t max_bytes)
{
    static struct table table;
    struct gander_memory hooks;
    struct mem *mem;

    memset(&memory, 0, sizeof(memory));
    hooks = test_memory_hooks(&memory);
    mem = mem_create(&hooks, max_bytes);
    assert_non_null(mem);
    table_init(&table, mem);
    return &table;
}

static void table_end(struct table *table)
{
    struct mem *mem = table->mem;

    table_finish(table);
    assert_true(mem->held_bytes == sizeof(*mem));
    mem_release(mem);
    assert_true(memory.bytes == 0);
}

/* One operation on a key, compared with the array. */
static void operate(struct table *table, struct item *item, bool insert)
{
    assert_ptr_equal(find(table, item), item->in ? item : NULL);
    if (insert && !item->in) {
        if (table_insert(table, item->hash, item))
            item->in = true;
    } else if (!insert && item->in) {
        table_remove(table, item->hash, item);
        item->in = false;
    }
    assert_ptr_equal(find(table, item), item->in ? item : NULL);
}

/* Half of the rounds fill, half of them drain. */
static void run_model(uint32_t (*hash)(uint32_t), uint32_t keys, unsigned operations, uint64_t seed)
{
    struct table *table = table_new(64 << 20);
    uint64_t in = 0;

    items_init(hash);
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < operations / 10; i++) {
            uint64_t r = test_random(&seed);

            operate(table, &items[(r >> 8) % keys], (r & 7) < (round % 2 ? 1 : 7));
        }
        check_structure(table);
    }
    for (uint32_t i = 0; i < keys; i++)
        in += items[i].in;
    assert_true(in == table->count);
    for (uint32_t i = 0; i < keys; i++)
        operate(table, &items[i], false);
    check_structure(table);
    assert_int_equal(table->count, 0);
    assert_int_equal(table->directory[0]->depth, 0); /* all pages joined again */
    assert_int_equal(table->depth, 0);
    table_end(table);
}

static void test_a_million_operations(void **state)
{
    (void)state;
    run_model(good_hash, KEYS, 1000000, 1);
}

static void test_a_small_table(void **state)
{
    (void)state;
    run_model(good_hash, 300, 200000, 2);
}

static void test_bad_hashes(void **state)
{
    (void)state;
    run_model(bad_hash, 600, 100000, 3);
}

/* One removal may let several pairs of pages join, each of them the half of the next. */
static void test_pages_join_as_soon_as_they_may(void **state)
{
    struct table *table = table_new(8 << 20);

    (void)state;
    items_init(bad_hash);
    for (uint32_t i = 0; i < 600; i++)
        operate(table, &items[i], true);
    assert_true(table->depth >= 9);
    for (uint32_t i = 0; i < 600; i++) {
        operate(table, &items[i], false);
        check_structure(table);
    }
    assert_int_equal(table->depth, 0);
    table_end(table);
}

static uint32_t one_hash(uint32_t key)
{
    (void)key;
    return 0xff123456;
}

/* Equal hashes cannot be split: a page fills up, one slot stays free, memory does not grow. */
static void test_equal_hashes_fill_one_page(void **state)
{
    struct table *table = table_new(1 << 20);
    uint64_t held;

    (void)state;
    items_init(one_hash);
    operate(table, &items[0], true);
    held = table->mem->held_bytes;
    for (uint32_t i = 1; i < TABLE_PAGE_SLOTS - 1; i++) {
        operate(table, &items[i], true);
        assert_true(items[i].in);
        assert_ptr_equal(find(table, &items[i]), &items[i]);
    }
    operate(table, &items[TABLE_PAGE_SLOTS], true);
    assert_false(items[TABLE_PAGE_SLOTS].in);
    assert_true(table->mem->held_bytes == held);
    check_structure(table);
    assert_int_equal(table_probes(table, items[0].hash, &items[0]), 1);
    assert_int_equal(table_probes(table, items[254].hash, &items[254]), 255);
    table_end(table);
}

static bool matches_all(const void *object, const void *key)
{
    (void)object;
    (void)key;
    return true;
}

/* Order among equals survives what happens around them, splits and joins included. */
static void test_the_first_of_equals_is_found(void **state)
{
    struct table *table = table_new(8 << 20);
    uint64_t seed = 5;

    (void)state;
    items_init(good_hash);
    for (uint32_t i = 0; i < 10; i++) {
        items[i].hash = items[0].hash;
        operate(table, &items[i], true);
    }
    for (uint32_t i = 0; i < 9; i++) {
        for (unsigned n = 0; n < 20000; n++)
            operate(table, &items[10 + test_random(&seed) % (KEYS - 10)], i % 2 == 0);
        assert_ptr_equal(table_find(table, items[0].hash, matches_all, NULL), &items[i]);
        operate(table, &items[i], false);
    }
    table_end(table);
}

static void test_replace(void **state)
{
    struct table *table = table_new(8 << 20);
    struct item with;

    (void)state;
    items_init(good_hash);
    for (uint32_t i = 0; i < 1000; i++)
        operate(table, &items[i], true);
    with = items[77];
    table_replace(table, items[77].hash, &items[77], &with);
    assert_ptr_equal(find(table, &items[77]), &with);
    assert_int_equal(table->count, 1000);
    table_remove(table, with.hash, &with);
    assert_null(find(table, &items[77]));
    table_end(table);
}

static void count_visit(void *object, void *context)
{
    struct item *item = object;

    assert_true(item->in);
    item->in = false;
    ++*(uint64_t *)context;
}

static void test_each_visits_every_object_once(void **state)
{
    struct table *table = table_new(8 << 20);
    uint64_t visits = 0;

    (void)state;
    table_each(table, count_visit, &visits);
    assert_true(visits == 0);
    items_init(good_hash);
    for (uint32_t i = 0; i < 5000; i++)
        operate(table, &items[i], true);
    table_each(table, count_visit, &visits);
    assert_true(visits == 5000);
    table_end(table);
}

/* At full size: how far a lookup looks, and what an entry takes. */
static void test_lookups_are_short_and_entries_small(void **state)
{
    struct table *table = table_new(64 << 20);
    uint64_t probes = 0, most = 0;

    (void)state;
    items_init(good_hash);
    for (uint32_t i = 0; i < KEYS; i++)
        operate(table, &items[i], true);
    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t n = table_probes(table, items[i].hash, &items[i]);

        probes += n;
        most = n > most ? n : most;
    }
    assert_true(probes < KEYS * 4);
    assert_true(most < 150);
    assert_true(table->mem->held_bytes < KEYS * 28);
    table_end(table);
}

/* Each refused call of the allocator leaves the table as it was. */
static void test_refusal_at_each_allocation(void **state)
{
    uint64_t calls;

    (void)state;
    items_init(good_hash);
    for (uint64_t at = 2;; at++) {
        struct table *table = table_new(8 << 20);
        unsigned refused = 0;

        memory.refuse_at = at;
        for (uint32_t i = 0; i < 5000; i++) {
            operate(table, &items[i], true);
            if (!items[i].in) {
                refused++;
                check_structure(table);
                operate(table, &items[i], true); /* now there is memory */
                assert_true(items[i].in);
            }
        }
        /* A smaller directory may be refused, too; nobody notices. */
        for (uint32_t i = 0; i < 5000; i++)
            operate(table, &items[i], false);
        check_structure(table);
        assert_true(refused <= 1);
        calls = memory.calls;
        table_end(table);
        if (calls < at)
            break;
    }
}

static void test_full_memory_refuses_the_new_and_keeps_the_old(void **state)
{
    struct table *table = table_new(256 << 10);
    uint32_t in = 0;

    (void)state;
    items_init(good_hash);
    for (uint32_t i = 0; i < KEYS; i++) {
        operate(table, &items[i], true);
        in += items[i].in;
    }
    assert_true(in > 5000 && in < KEYS && in == table->count);
    assert_true(table->mem->failures > 0);
    assert_true(table->mem->held_bytes <= 256 << 10 && memory.bytes == table->mem->held_bytes);
    check_structure(table);
    for (uint32_t i = 0; i < KEYS; i++)
        assert_ptr_equal(find(table, &items[i]), items[i].in ? &items[i] : NULL);
    table_end(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_million_operations),
        cmocka_unit_test(test_a_small_table),
        cmocka_unit_test(test_bad_hashes),
        cmocka_unit_test(test_pages_join_as_soon_as_they_may),
        cmocka_unit_test(test_equal_hashes_fill_one_page),
        cmocka_unit_test(test_the_first_of_equals_is_found),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_each_visits_every_object_once),
        cmocka_unit_test(test_lookups_are_short_and_entries_small),
        cmocka_unit_test(test_refusal_at_each_allocation),
        cmocka_unit_test(test_full_memory_refuses_the_new_and_keeps_the_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
