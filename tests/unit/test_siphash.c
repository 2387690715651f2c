/* SPDX-License-Identifier: MIT */
/*
 * SipHash gives the values that its authors published: 2-4 under the key 00 01 … 0f for messages 00 01 02 …; and 1-3
 * under the key 0, as Python's hash() of bytes does with PYTHONHASHSEED=0.
 */
#include "test_memory.h"

#include "base/bytes.h"
#include "base/random.h"
#include "base/siphash.h"

static uint8_t message[64];

static int fill(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(message); i++)
        message[i] = (uint8_t)i;
    return 0;
}

static void test_siphash24_published(void **state)
{
    const struct siphash_key key = siphash_key_from(message);
    const uint64_t by_length[] = {
        0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
        0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
    };

    (void)state;
    assert_true(key.k0 == 0x0706050403020100 && key.k1 == 0x0f0e0d0c0b0a0908);
    for (size_t len = 0; len < ARRAY_LEN(by_length); len++)
        assert_true(siphash24(&key, message, len) == by_length[len]);
    assert_true(siphash24(&key, message, 15) == 0xa129ca6149be45e5); /* the paper's appendix A */
}

static void test_siphash13_known(void **state)
{
    const struct siphash_key key = {0, 0};
    const struct {
        size_t len;
        uint64_t hash;
    } known[] = {
        {1, 0x68a914128e01e473},  {7, 0x2f098ab0c751325a},  {8, 0xead411e67ebe2eea},
        {9, 0x75927f9d95124362},  {15, 0xf30eb725bb91c9ea}, {16, 0x8972188433a5c5b7},
        {31, 0x169739443111d49b}, {63, 0x385d3e39e5f37359},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        assert_true(siphash13(&key, message, known[i].len) == known[i].hash);
}

static void test_siphash_unaligned(void **state)
{
    const struct siphash_key key = {1, 2};

    (void)state;
    for (size_t at = 0; at < 8; at++) {
        uint8_t room[64];

        memcpy(room + at, message, 40);
        assert_true(siphash13(&key, room + at, 40) == siphash13(&key, message, 40));
    }
}

static void test_random_repeats_with_its_key(void **state)
{
    struct random a = {{1, 2}, 0}, b = {{1, 2}, 0}, other = {{1, 3}, 0};
    unsigned same = 0, seen[10] = {0};

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t x = random_u64(&a);

        assert_true(x == random_u64(&b));
        same += x == random_u64(&other);
    }
    assert_int_equal(same, 0);
    for (unsigned i = 0; i < 10000; i++) {
        uint32_t x = random_below(&a, 10);

        assert_true(x < 10);
        seen[x]++;
    }
    for (unsigned i = 0; i < 10; i++)
        assert_in_range(seen[i], 850, 1150); /* five standard deviations */
    assert_int_equal(random_below(&a, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash24_published),
        cmocka_unit_test(test_siphash13_known),
        cmocka_unit_test(test_siphash_unaligned),
        cmocka_unit_test(test_random_repeats_with_its_key),
    };

    return cmocka_run_group_tests(tests, fill, NULL);
}
