/* SPDX-License-Identifier: MIT */
/*
 * Memory: the budget is exact to the byte, objects do not overlap, slabs come and go as mem.h says, a refusal
 * changes nothing, and all goes back, also when packets and blocks outlive their stack.
 */
#include "test_memory.h"

#include "base/bytes.h"
#include "base/mem.h"

static struct test_memory memory;

static struct mem *mem_new(uint64_t max_bytes)
{
    struct gander_memory hooks;

    memset(&memory, 0, sizeof(memory));
    hooks = test_memory_hooks(&memory);
    return mem_create(&hooks, max_bytes);
}

static void mem_end(struct mem *mem)
{
    mem_release(mem);
    assert_true(memory.bytes == 0);
}

static void test_budget_is_exact(void **state)
{
    struct mem *mem = mem_new(sizeof(struct mem) + 1000);
    void *a, *b;

    (void)state;
    assert_true(mem->held_bytes == sizeof(*mem) && memory.bytes == sizeof(*mem));
    assert_null(mem_alloc(mem, 1001));
    assert_null(mem_alloc(mem, SIZE_MAX));
    assert_true(mem->failures == 2 && memory.calls == 1);
    a = mem_alloc(mem, 600);
    assert_non_null(a);
    assert_true(((uintptr_t)a & 63) == 0);
    assert_null(mem_alloc(mem, 401));
    b = mem_alloc(mem, 400);
    assert_non_null(b);
    assert_true(mem->held_bytes == mem->max_bytes && memory.bytes == mem->max_bytes);
    assert_null(mem_alloc(mem, 1));
    mem_free(mem, a, 600);
    assert_true(mem->held_bytes == sizeof(*mem) + 400);
    mem_free(mem, b, 400);
    mem_free(mem, NULL, 0);
    assert_true(mem->peak_bytes == mem->max_bytes && mem->failures == 4);
    mem_end(mem);
}

static void test_create_may_be_refused(void **state)
{
    struct gander_memory hooks = test_memory_hooks(&memory);

    (void)state;
    assert_null(mem_new(sizeof(struct mem) - 1));
    memset(&memory, 0, sizeof(memory));
    memory.refuse_all = true;
    assert_null(mem_create(&hooks, 1 << 20));
    assert_true(memory.bytes == 0);
}

static void test_a_refusing_allocator_is_counted(void **state)
{
    struct mem *mem = mem_new(1 << 20);
    struct pool pool;

    (void)state;
    pool_init(&pool, mem, 100);
    memory.refuse_all = true;
    assert_null(pool_get(&pool));
    assert_null(mem_alloc(mem, 10));
    assert_null(block_alloc(mem, 100));
    assert_null(block_alloc(mem, 20000));
    assert_true(mem->failures == 4 && mem->live == 0 && pool.live == 0);
    memory.refuse_all = false;
    pool_put(pool_get(&pool));
    pool_finish(&pool);
    mem_end(mem);
}

static void test_a_misaligning_allocator_is_refused(void **state)
{
    struct mem *mem = mem_new(1 << 20);
    struct pool pool;

    (void)state;
    pool_init(&pool, mem, 100);
    memory.skew = 32;
    assert_null(pool_get(&pool));
    assert_null(mem_alloc(mem, 64));
    memory.skew = 0;
    assert_true(mem->failures == 2 && mem->held_bytes == sizeof(*mem));
    pool_finish(&pool);
    mem_end(mem);
}

static void test_last_put_is_first_got(void **state)
{
    struct mem *mem = mem_new(1 << 20);
    struct pool pool;
    void *a, *b;

    (void)state;
    pool_init(&pool, mem, 48);
    a = pool_get(&pool);
    b = pool_get(&pool);
    pool_put(a);
    pool_put(b);
    assert_ptr_equal(pool_get(&pool), b);
    assert_ptr_equal(pool_get(&pool), a);
    pool_put(a);
    pool_put(b);
    pool_finish(&pool);
    mem_end(mem);
}

/* A pool fills a budget of n slabs with n times per_slab objects, no more, and gives all slabs but one back. */
static void fill_and_drain(size_t object_bytes)
{
    enum { SLABS = 5 };
    struct mem *mem = mem_new(sizeof(struct mem) + SLABS * SLAB_BYTES);
    struct pool pool;
    uint8_t **objects;
    uint32_t n, i, expect;

    pool_init(&pool, mem, object_bytes);
    expect = (uint32_t)((SLAB_BYTES - SLAB_HEADER_BYTES) / ((object_bytes + 15) / 16 * 16));
    assert_int_equal(pool.per_slab, expect);
    objects = calloc(SLABS * expect + 1, sizeof(*objects));
    for (n = 0; (objects[n] = pool_get(&pool)); n++) {
        assert_true(((uintptr_t)objects[n] & 15) == 0);
        assert_true((uintptr_t)objects[n] % SLAB_BYTES + object_bytes <= SLAB_BYTES);
        memset(objects[n], (int)(n * 37 + 1), object_bytes);
        assert_true(mem->held_bytes <= sizeof(*mem) + (n / expect + 1) * SLAB_BYTES);
    }
    assert_int_equal(n, SLABS * expect);
    assert_true(pool.live == n && mem->failures == 1 && mem->held_bytes == mem->max_bytes);
    for (i = 0; i < n; i++)
        for (size_t at = 0; at < object_bytes; at++)
            assert_int_equal(objects[i][at], (uint8_t)(i * 37 + 1));
    for (i = 0; i < n; i++)
        pool_put(objects[i]);
    assert_true(pool.live == 0 && mem->held_bytes == sizeof(*mem) + SLAB_BYTES);
    pool_finish(&pool);
    assert_true(mem->held_bytes == sizeof(*mem));
    free(objects);
    mem_end(mem);
}

static void test_fill_and_drain(void **state)
{
    const size_t sizes[] = {1,    8,    16,   17,    64,    272,   384,  1000,
                            2032, 3088, 8176, 16352, 16353, 20000, 32704};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        fill_and_drain(sizes[i]);
}

/* Random life in several pools at once: nothing overlaps, nothing is lost, at most one empty slab a pool. */
static void test_pools_against_a_model(void **state)
{
    enum { POOLS = 4, OBJECTS = 3000 };
    static struct {
        uint8_t *object;
        uint8_t fill;
    } model[OBJECTS];
    const size_t sizes[POOLS] = {24, 100, 272, 2032};
    struct mem *mem = mem_new(8 << 20);
    struct pool pools[POOLS];
    uint64_t seed = 1, live = 0;

    (void)state;
    for (unsigned p = 0; p < POOLS; p++)
        pool_init(&pools[p], mem, sizes[p]);
    for (unsigned n = 0; n < 400000; n++) {
        uint64_t r = test_random(&seed);
        unsigned i = (unsigned)(r >> 8) % OBJECTS, p = i % POOLS;
        bool grow = (r & 7) < (n / 50000 % 2 ? 1 : 7);

        if (grow && !model[i].object) {
            model[i].object = pool_get(&pools[p]);
            assert_non_null(model[i].object);
            model[i].fill = (uint8_t)(r >> 40);
            memset(model[i].object, model[i].fill, sizes[p]);
            live++;
        } else if (!grow && model[i].object) {
            assert_int_equal(model[i].object[0], model[i].fill);
            assert_int_equal(model[i].object[sizes[p] / 2], model[i].fill);
            assert_int_equal(model[i].object[sizes[p] - 1], model[i].fill);
            pool_put(model[i].object);
            model[i].object = NULL;
            live--;
        }
    }
    assert_true(pools[0].live + pools[1].live + pools[2].live + pools[3].live == live);
    for (unsigned i = 0; i < OBJECTS; i++)
        if (model[i].object)
            pool_put(model[i].object);
    assert_true(mem->held_bytes == sizeof(*mem) + POOLS * SLAB_BYTES);
    for (unsigned p = 0; p < POOLS; p++)
        pool_finish(&pools[p]);
    mem_end(mem);
}

/* One object more than a slab holds, coming and going, does not reach the allocator each time. */
static void test_no_thrashing_at_a_slab_boundary(void **state)
{
    struct mem *mem = mem_new(1 << 20);
    struct pool pool;
    void *objects[5];
    uint64_t calls;

    (void)state;
    pool_init(&pool, mem, 16352); /* two a slab */
    for (unsigned i = 0; i < 3; i++)
        objects[i] = pool_get(&pool);
    pool_put(objects[2]); /* the second slab is the spare one, and in use again */
    objects[2] = pool_get(&pool);
    calls = memory.calls;
    objects[3] = pool_get(&pool);
    for (unsigned i = 0; i < 1000; i++) {
        objects[4] = pool_get(&pool);
        pool_put(objects[4]);
    }
    assert_true(memory.calls == calls + 1);
    pool_put(objects[3]);
    calls = memory.calls;
    for (unsigned i = 0; i < 1000; i++) {
        pool_put(objects[2]);
        pool_put(objects[i & 1]);
        objects[i & 1] = pool_get(&pool);
        objects[2] = pool_get(&pool);
    }
    assert_true(memory.calls == calls);
    for (unsigned i = 0; i < 3; i++)
        pool_put(objects[i]);
    pool_finish(&pool);
    mem_end(mem);
}

static void test_block_classes(void **state)
{
    const size_t header = sizeof(struct gander_block);
    const struct {
        size_t bytes;
        uint32_t true_bytes;
    } cases[] = {
        {0, 256},
        {1, 256},
        {256 - header, 256},
        {257 - header, 2032},
        {2032 - header, 2032},
        {2033 - header, 8176},
        {8176 - header, 8176},
        {8177 - header, 16352},
        {16352 - header, 16352},
        {16353 - header, 16384},
        {65600, 65664},
    };
    struct mem *mem = mem_new(1 << 20);

    (void)state;
    assert_int_equal(header, sizeof(void *) == 8 ? 24 : 20);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct gander_block *block = block_alloc(mem, cases[i].bytes);

        assert_non_null(block);
        assert_true(block->capacity >= cases[i].bytes);
        assert_int_equal(block_true_bytes(block), cases[i].true_bytes);
        assert_true(block->refs == 1 && block->used == 0 && block->mem == mem && mem->live == 1);
        memset(block->data, 0xee, block->capacity);
        assert_ptr_equal(block_hold(block), block);
        block_drop(block);
        assert_true(mem->live == 1);
        block_drop(block);
        assert_true(mem->live == 0);
    }
    mem_end(mem);
}

/* The stack goes first; blocks of all kinds keep the memory, and the last one takes it along. */
static void test_blocks_outlive_their_owner(void **state)
{
    const size_t sizes[] = {100, 2000, 8000, 16000, 40000, 100};
    struct gander_block *blocks[ARRAY_LEN(sizes)];

    (void)state;
    for (size_t last = 0; last < ARRAY_LEN(sizes); last++) {
        struct mem *mem = mem_new(1 << 20);

        for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
            blocks[i] = block_alloc(mem, sizes[i]);
        mem_release(mem);
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            uint64_t before = memory.bytes;

            if (i == last)
                continue;
            memset(blocks[i]->data, 1, sizes[i]);
            block_drop(blocks[i]);
            assert_true(memory.bytes <= before && memory.bytes > 0);
        }
        block_drop(blocks[last]);
        assert_true(memory.bytes == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget_is_exact),
        cmocka_unit_test(test_create_may_be_refused),
        cmocka_unit_test(test_a_refusing_allocator_is_counted),
        cmocka_unit_test(test_a_misaligning_allocator_is_refused),
        cmocka_unit_test(test_last_put_is_first_got),
        cmocka_unit_test(test_fill_and_drain),
        cmocka_unit_test(test_pools_against_a_model),
        cmocka_unit_test(test_no_thrashing_at_a_slab_boundary),
        cmocka_unit_test(test_block_classes),
        cmocka_unit_test(test_blocks_outlive_their_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
