/* SPDX-License-Identifier: MIT */
/*
 * Packets against a flat copy of their bytes: allocation, pull, trim, read, checksum and copy, in any number of frags;
 * a refused allocation at each place; and packets that are freed after their stack.
 */
#include "test_memory.h"

#include "base/checksum.h"
#include "core/stack.h"

static struct test_memory memory;
static struct gander_stack stack; /* of which packets use the memory only */

static void stack_begin(uint64_t max_bytes)
{
    struct gander_memory hooks;

    memset(&memory, 0, sizeof(memory));
    memset(&stack, 0, sizeof(stack));
    hooks = test_memory_hooks(&memory);
    stack.mem = mem_create(&hooks, max_bytes);
    assert_non_null(stack.mem);
}

static void stack_end(void)
{
    assert_true(stack.mem->live == 0);
    mem_release(stack.mem);
    assert_true(memory.bytes == 0);
}

/* What packet.h says must hold. */
static void check(const struct gander_packet *packet, const uint8_t *bytes, size_t len)
{
    uint8_t *read = malloc(len + 1);
    size_t total = 0;

    assert_int_equal(packet->len, len);
    assert_in_range(packet->frags, 1, GANDER_PACKET_FRAGS);
    for (unsigned i = 0; i < packet->frags; i++)
        total += packet->frag[i].len;
    assert_int_equal(total, len);
    assert_int_equal(gander_packet_bytes(packet, read, len + 1), len);
    assert_memory_equal(read, bytes, len);
    free(read);
}

static void test_new_is_empty_with_all_headroom(void **state)
{
    struct gander_packet *packet;
    uint8_t *at;

    (void)state;
    stack_begin(1 << 20);
    packet = packet_new(&stack);
    check(packet, NULL, 0);
    assert_ptr_equal(packet->frag[0].data, packet->headroom + GANDER_PACKET_HEADROOM_BYTES);
    assert_true(!packet->next && !packet->flags && !packet->why && !packet->gso_bytes &&
                !packet->link_time_ns && !packet->id);
    at = packet_push(packet, GANDER_PACKET_HEADROOM_BYTES);
    memset(at, 7, GANDER_PACKET_HEADROOM_BYTES);
    check(packet, at, GANDER_PACKET_HEADROOM_BYTES);
    assert_int_equal(packet_true_bytes(packet), sizeof(*packet));
    gander_packet_free(packet);
    gander_packet_free(NULL);
    stack_end();
}

static void test_alloc_at_each_edge(void **state)
{
    const size_t lengths[] = {1, 20, 127, 128, 129, 232, 233, 1500, 2008, 2009, 9000, 16329, 65575};

    (void)state;
    stack_begin(1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct gander_packet *packet = gander_packet_alloc(&stack, lengths[i]);
        uint32_t true_bytes;

        assert_non_null(packet);
        assert_int_equal(packet->frags, 1);
        assert_int_equal(packet->frag[0].len, lengths[i]);
        memset(packet->frag[0].data, (int)i, lengths[i]);
        check(packet, packet->frag[0].data, lengths[i]);
        true_bytes = packet_true_bytes(packet);
        assert_true(true_bytes >= lengths[i]);
        gander_packet_trim(packet, 1);
        assert_int_equal(packet_true_bytes(packet), true_bytes); /* the block is still there */
        gander_packet_free(packet);
    }
    assert_null(gander_packet_alloc(&stack, 0));
    assert_null(gander_packet_alloc(&stack, 65576));
    assert_null(gander_packet_alloc(&stack, SIZE_MAX));
    stack_end();
}

static size_t draw_below(uint64_t *seed, size_t bound)
{
    return (size_t)(test_random(seed) % bound);
}

/* A packet of 1 to 4 frags with random bytes, and the same bytes flat. */
static struct gander_packet *random_packet(uint64_t *seed, uint8_t *bytes)
{
    struct gander_packet *packet;
    size_t len = draw_below(seed, 200), pieces = draw_below(seed, GANDER_PACKET_FRAGS);

    if (len <= GANDER_PACKET_HEADROOM_BYTES) {
        packet = packet_new(&stack);
        packet_push(packet, (uint32_t)len);
    } else {
        packet = gander_packet_alloc(&stack, len);
    }
    for (size_t i = 0; i < len; i++)
        bytes[i] = packet->frag[0].data[i] = (uint8_t)test_random(seed);
    for (size_t piece = 0; piece < pieces; piece++) {
        size_t n = draw_below(seed, 700);

        for (size_t i = 0; i < n; i++)
            bytes[len + i] = (uint8_t)test_random(seed);
        if (piece % 2) {
            assert_true(packet_append_copy(&stack, packet, bytes + len, n));
        } else {
            struct gander_block *block = block_alloc(stack.mem, n + 100);

            memcpy(block->data + 50, bytes + len, n);
            packet_append(packet, block, block->data + 50, (uint32_t)n);
            block_drop(block);
        }
        len += n;
    }
    check(packet, bytes, len);
    return packet;
}

static uint16_t fold(checksum_sum sum)
{
    return checksum_finish(sum);
}

static void test_operations_against_flat_bytes(void **state)
{
    uint64_t seed = 3;

    (void)state;
    stack_begin(1 << 20);
    for (unsigned round = 0; round < 3000; round++) {
        uint8_t room[3000], read[3000], *bytes = room;
        struct gander_packet *packet = random_packet(&seed, bytes);
        size_t len = packet->len;

        stack.wide_checksums = round % 2 && checksum_wide_possible();
        for (unsigned n = 0; n < 6; n++) {
            size_t offset = draw_below(&seed, len + 2), max = draw_below(&seed, len + 2);
            size_t expect = offset >= len ? 0 : len - offset < max ? len - offset : max;

            assert_int_equal(packet_read(packet, offset, read, max), expect);
            assert_memory_equal(read, bytes + (expect ? offset : 0), expect);
            assert_int_equal(fold(packet_checksum(&stack, packet, offset)),
                             fold(checksum_add(0, bytes + (offset < len ? offset : len),
                                               offset < len ? len - offset : 0)));
            if (n % 2) {
                uint32_t pull = (uint32_t)(test_random(&seed) % (len / 2 + 1));

                packet_pull(packet, pull);
                bytes += pull;
                len -= pull;
            } else {
                len = draw_below(&seed, 4) ? len - draw_below(&seed, len / 4 + 1) : len;
                gander_packet_trim(packet, len);
                gander_packet_trim(packet, len + 1); /* longer than it is: nothing happens */
            }
            check(packet, bytes, len);
        }
        packet_pull(packet, (uint32_t)len);
        check(packet, bytes, 0);
        gander_packet_free(packet);
    }
    stack_end();
}

static void test_copy_is_contiguous_and_keeps_its_labels(void **state)
{
    uint64_t seed = 4;

    (void)state;
    stack_begin(1 << 20);
    for (unsigned round = 0; round < 1000; round++) {
        uint8_t bytes[3000];
        struct gander_packet *packet = random_packet(&seed, bytes), *copy;

        packet->flags = GANDER_PACKET_IMPAIRED;
        packet->why = 3;
        packet->id = 99;
        packet->gso_bytes = 1448;
        packet->next = packet;
        copy = gander_packet_copy(&stack, packet);
        check(copy, bytes, packet->len);
        assert_true(copy->frags == 1 && !copy->next);
        assert_true(copy->flags == GANDER_PACKET_IMPAIRED && copy->why == 3 && copy->id == 99 &&
                    copy->gso_bytes == 1448);
        gander_packet_free(packet);
        check(copy, copy->frag[0].data, copy->len);
        gander_packet_free(copy);
    }
    stack_end();
}

/* Many packets share one block; it lives as long as one of them, and each is charged for its own bytes. */
static void test_shared_blocks(void **state)
{
    struct gander_packet *packets[10];
    struct gander_block *block;

    (void)state;
    stack_begin(1 << 20);
    block = block_alloc(stack.mem, 16000);
    for (unsigned i = 0; i < 10; i++) {
        packets[i] = packet_new(&stack);
        packet_append(packets[i], block, block->data + 1460 * i, 1460);
    }
    assert_int_equal(block->refs, 11);
    block_drop(block);
    for (unsigned i = 0; i < 10; i++) {
        assert_in_range(packet_true_bytes(packets[i]), 1460 + sizeof(struct gander_packet),
                        2 * 1460);
        memset(packets[i]->frag[1].data, (int)i, 1460);
        gander_packet_free(packets[i]);
    }
    stack_end();
}

/* Whichever call of the allocator is refused: the answer says so, and nothing is lost. */
static void test_refusal_at_each_allocation(void **state)
{
    (void)state;
    for (uint64_t at = 2; at < 8; at++) {
        struct gander_packet *a, *b, *c;
        uint8_t bytes[4000] = {1, 2, 3};
        unsigned refused = 0;

        stack_begin(1 << 20);
        memory.refuse_at = at;
        a = gander_packet_alloc(&stack, 1500);
        refused += !a;
        b = packet_new(&stack);
        refused += !b;
        if (b && !packet_append_copy(&stack, b, bytes, sizeof(bytes))) {
            refused++;
            check(b, bytes, 0);
        }
        c = a ? gander_packet_copy(&stack, a) : NULL;
        assert_true(!a || c);
        assert_true(refused == (at <= 4));
        assert_true(stack.mem->failures == refused);
        gander_packet_free(a);
        gander_packet_free(b);
        gander_packet_free(c);
        stack_end();
    }
}

static void test_full_memory_is_an_answer(void **state)
{
    static struct gander_packet *packets[1000];
    unsigned n = 0;

    (void)state;
    stack_begin(300 << 10);
    while ((packets[n] = gander_packet_alloc(&stack, 1500)))
        n++;
    assert_in_range(n, 100, 140);
    assert_true(stack.mem->failures == 1 && stack.mem->live == 2 * n);
    assert_true(memory.bytes <= 300 << 10);
    gander_packet_free(packets[--n]);
    packets[n++] = gander_packet_alloc(&stack, 1500);
    assert_non_null(packets[n - 1]);
    while (n > 0)
        gander_packet_free(packets[--n]);
    stack_end();
}

static void test_packets_outlive_their_stack(void **state)
{
    uint64_t seed = 6;

    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        struct gander_packet *packets[20];
        uint8_t bytes[3000];
        uint64_t left = 0;

        stack_begin(1 << 20);
        for (unsigned i = 0; i < 20; i++)
            packets[i] = random_packet(&seed, bytes);
        mem_release(stack.mem);
        stack.mem = NULL;
        for (unsigned i = 0; i < 20; i++) {
            left = memory.bytes;
            assert_true(left > 0);
            gander_packet_trim(packets[i], packets[i]->len / 2);
            gander_packet_free(packets[i]);
        }
        assert_true(memory.bytes == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_is_empty_with_all_headroom),
        cmocka_unit_test(test_alloc_at_each_edge),
        cmocka_unit_test(test_operations_against_flat_bytes),
        cmocka_unit_test(test_copy_is_contiguous_and_keeps_its_labels),
        cmocka_unit_test(test_shared_blocks),
        cmocka_unit_test(test_refusal_at_each_allocation),
        cmocka_unit_test(test_full_memory_is_an_answer),
        cmocka_unit_test(test_packets_outlive_their_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
