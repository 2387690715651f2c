/* SPDX-License-Identifier: MIT */
/* Sequence numbers compare modulo 2^32 [RFC9293 3.4], up to and around the distance 2^31, wherever they start. */
#include "test_memory.h"

#include "base/bytes.h"
#include "base/seq.h"

static const uint32_t starts[] = {0,          1,          0x7ffffffe, 0x7fffffff, 0x80000000,
                                  0x80000001, 0xfffffffe, 0xffffffff, 0x12345678};

static void test_ahead_below_half_the_space(void **state)
{
    const uint32_t distances[] = {1, 2, 1000, 0x40000000, 0x7ffffffe, 0x7fffffff};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        for (size_t j = 0; j < ARRAY_LEN(distances); j++) {
            tcp_seq a = starts[i], b = a + distances[j];

            assert_true(seq_lt(a, b) && seq_leq(a, b) && !seq_gt(a, b) && !seq_geq(a, b));
            assert_true(seq_gt(b, a) && seq_geq(b, a) && !seq_lt(b, a) && !seq_leq(b, a));
            assert_int_equal(seq_max(a, b), b);
            assert_int_equal(seq_max(b, a), b);
            assert_int_equal(seq_min(a, b), a);
            assert_int_equal(seq_min(b, a), a);
        }
}

static void test_behind_beyond_half_the_space(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        tcp_seq a = starts[i], b = a + 0x80000001;

        assert_true(seq_gt(a, b) && seq_geq(a, b) && !seq_lt(a, b) && !seq_leq(a, b));
        assert_true(seq_lt(b, a) && seq_leq(b, a));
        assert_int_equal(seq_max(a, b), a);
        assert_int_equal(seq_min(a, b), b);
    }
}

/* Exactly half way both are before each other; the signed difference is negative either way. */
static void test_half_the_space(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        tcp_seq a = starts[i], b = a + 0x80000000;

        assert_true(seq_lt(a, b) && seq_lt(b, a));
    }
}

static void test_equal(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        tcp_seq a = starts[i];

        assert_true(!seq_lt(a, a) && !seq_gt(a, a) && seq_leq(a, a) && seq_geq(a, a));
        assert_int_equal(seq_max(a, a), a);
        assert_int_equal(seq_min(a, a), a);
    }
}

static void test_between(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        tcp_seq low = starts[i];
        const uint32_t lengths[] = {1, 10, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff};

        assert_false(seq_between(low, low, low)); /* empty */
        for (size_t j = 0; j < ARRAY_LEN(lengths); j++) {
            tcp_seq high = low + lengths[j];

            assert_true(seq_between(low, low, high));
            assert_true(seq_between(low, high - 1, high));
            assert_false(seq_between(low, high, high));
            assert_false(seq_between(low, low - 1, high));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ahead_below_half_the_space),
        cmocka_unit_test(test_behind_beyond_half_the_space),
        cmocka_unit_test(test_half_the_space),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_between),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
