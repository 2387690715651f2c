/* SPDX-License-Identifier: MIT */
/*
 * The checksum equals one that adds byte after byte as RFC 1071 says, for every length to 300, every alignment, every
 * split, copied or not; RFC 1624's update equals a new computation in its corners.
 */
#include "test_memory.h"

#include "base/bytes.h"
#include "base/checksum.h"

enum { LEN_MAX = 300, ALIGNMENTS = 64 };

/* 16-bit words in network order, one at a time [RFC1071 1]. */
static uint16_t model(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static uint16_t stored(checksum_sum sum)
{
    uint8_t field[2];

    checksum_store(field, checksum_finish(sum));
    return get_be16(field);
}

static void fill(uint8_t *bytes, size_t len, unsigned kind)
{
    uint64_t seed = kind;

    for (size_t i = 0; i < len; i++)
        bytes[i] = kind == 0 ? 0 : kind == 1 ? 0xff : (uint8_t)test_random(&seed);
}

static void test_rfc1071_example(void **state)
{
    const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

    (void)state;
    assert_int_equal(stored(checksum_add(0, bytes, sizeof(bytes))), 0xffff & ~0xddf2);
}

static void test_every_length_and_alignment(void **state)
{
    uint8_t *room = malloc(LEN_MAX + ALIGNMENTS);

    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        fill(room, LEN_MAX + ALIGNMENTS, kind);
        for (size_t len = 0; len <= LEN_MAX; len++)
            for (size_t at = 0; at < ALIGNMENTS; at++) {
                uint16_t right = model(room + at, len);

                assert_int_equal(stored(checksum_add(0, room + at, len)), right);
                if (checksum_wide_possible())
                    assert_int_equal(stored(checksum_add_wide(0, room + at, len)), right);
            }
    }
    free(room);
}

/* Behind the end the address sanitizer looks. */
static void test_no_byte_beyond(void **state)
{
    (void)state;
    for (size_t len = 1; len <= LEN_MAX; len++) {
        uint8_t *from = malloc(len), *to = malloc(len);

        fill(from, len, 3);
        assert_int_equal(stored(checksum_add(0, from, len)), model(from, len));
        if (checksum_wide_possible())
            assert_int_equal(stored(checksum_add_wide(0, from, len)), model(from, len));
        assert_int_equal(stored(checksum_copy(0, to, from, len)), model(from, len));
        assert_memory_equal(to, from, len);
        free(from);
        free(to);
    }
}

static void test_copy_of_every_length_and_alignment(void **state)
{
    uint8_t from[LEN_MAX + 8], to[LEN_MAX + 16];

    (void)state;
    fill(from, sizeof(from), 5);
    for (size_t len = 0; len <= LEN_MAX; len++)
        for (size_t at = 0; at < 64; at++) {
            uint8_t *target = to + 1 + at / 8;

            memset(to, 0x5a, sizeof(to));
            assert_int_equal(stored(checksum_copy(0, target, from + at % 8, len)),
                             model(from + at % 8, len));
            assert_memory_equal(target, from + at % 8, len);
            assert_int_equal(target[-1], 0x5a);
            assert_int_equal(target[len], 0x5a);
        }
    assert_int_equal(checksum_copy(7, NULL, NULL, 0), 7);
}

static void test_every_split(void **state)
{
    uint8_t bytes[LEN_MAX];

    (void)state;
    fill(bytes, sizeof(bytes), 7);
    for (size_t a = 0; a <= LEN_MAX; a++)
        for (size_t b = a; b <= LEN_MAX; b += 7) {
            checksum_sum sum = checksum_append(0, checksum_add(0, bytes, a), 0);

            sum = checksum_append(sum, checksum_add(0, bytes + a, b - a), a);
            sum = checksum_append(sum, checksum_add(0, bytes + b, LEN_MAX - b), b);
            assert_int_equal(stored(sum), model(bytes, LEN_MAX));
            if (a % 2 == 0) {
                sum = checksum_add(checksum_add(0, bytes, a), bytes + a, LEN_MAX - a);
                assert_int_equal(stored(sum), model(bytes, LEN_MAX));
            }
        }
}

static void test_large_and_full_of_ones(void **state)
{
    const size_t len = 1 << 20;
    uint8_t *bytes = malloc(len);
    checksum_sum sum = UINT64_MAX; /* as good as 0, but for its sign: a carry must go around */

    (void)state;
    fill(bytes, len, 1);
    assert_int_equal(stored(checksum_add(0, bytes, len - 1)), model(bytes, len - 1));
    for (unsigned i = 0; i < 4; i++)
        sum = checksum_add(sum, bytes, len);
    assert_int_equal(stored(sum), 0);
    fill(bytes, len, 9);
    assert_int_equal(stored(checksum_add(UINT64_MAX, bytes, len)), model(bytes, len));
    if (checksum_wide_possible())
        assert_int_equal(stored(checksum_add_wide(UINT64_MAX, bytes, len)), model(bytes, len));
    assert_int_equal(stored(checksum_copy(UINT64_MAX, bytes, bytes, 0)), 0);
    free(bytes);
}

static void test_a_packet_with_its_checksum_sums_to_zero(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t bytes[120];
        size_t len = 20 + (size_t)(test_random(&seed) % 100);

        fill(bytes, sizeof(bytes), i + 3);
        put_be16(bytes + 16, 0);
        checksum_store(bytes + 16, checksum_finish(checksum_add(0, bytes, len)));
        assert_int_equal(checksum_finish(checksum_add(0, bytes, len)), 0);
        bytes[test_random(&seed) % len] ^= (uint8_t)(1U << (i & 7));
        assert_int_not_equal(checksum_finish(checksum_add(0, bytes, len)), 0);
    }
}

static void test_pseudo_headers(void **state)
{
    uint8_t ip4[12] = {192, 0, 2, 1, 198, 51, 100, 7, 0, 6, 0x12, 0x34}, ip6[40];

    (void)state;
    assert_int_equal(stored(checksum_pseudo(4, ip4, ip4 + 4, 6, 0x1234)), model(ip4, 12));
    fill(ip6, 32, 13);
    put_be32(ip6 + 32, 0x00012345); /* [RFC8200 8.1] */
    put_be32(ip6 + 36, 58);
    assert_int_equal(stored(checksum_pseudo(6, ip6, ip6 + 16, 58, 0x12345)), model(ip6, 40));
}

/* [RFC1624 4]: 0xDD2F, 0x5555 becomes 0x3285: 0x0000, where RFC 1141's form gives 0xFFFF. */
static void test_update_rfc1624_example(void **state)
{
    (void)state;
    assert_int_equal(checksum_update(0xdd2f, 0x5555, 0x3285), 0x0000);
}

static void test_update_equals_a_new_sum(void **state)
{
    const uint16_t edges[] = {0, 1, 0x00ff, 0x7fff, 0x8000, 0xff00, 0xfffe, 0xffff};
    uint64_t seed = 17;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t bytes[6];
        uint64_t r = test_random(&seed);
        uint16_t from = edges[r & 7], to = edges[r >> 3 & 7], before, after, updated;

        if (round % 3 == 0)
            from = (uint16_t)(r >> 32);
        if (round % 5 == 0)
            to = (uint16_t)(r >> 48);
        put_be32(bytes + 2, round % 2 ? (uint32_t)(r >> 16) : 0);
        if (round % 4 == 0)
            put_be32(bytes + 2, (uint32_t)(uint16_t)~from << 16); /* sum 0xffff: checksum 0 */
        memcpy(bytes, &from, 2);
        before = checksum_finish(checksum_add(0, bytes, 6));
        memcpy(bytes, &to, 2);
        after = checksum_finish(checksum_add(0, bytes, 6));
        updated = checksum_update(before, from, to);
        /* Only all zero bytes have the checksum 0xffff; no header is that, and the update cannot know. */
        if (after == 0xffff)
            assert_true(updated == 0xffff || updated == 0);
        else if (before == 0xffff)
            assert_int_equal(updated % 0xffff, after % 0xffff);
        else
            assert_int_equal(updated, after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc1071_example),
        cmocka_unit_test(test_every_length_and_alignment),
        cmocka_unit_test(test_no_byte_beyond),
        cmocka_unit_test(test_copy_of_every_length_and_alignment),
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_large_and_full_of_ones),
        cmocka_unit_test(test_a_packet_with_its_checksum_sums_to_zero),
        cmocka_unit_test(test_pseudo_headers),
        cmocka_unit_test(test_update_rfc1624_example),
        cmocka_unit_test(test_update_equals_a_new_sum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
